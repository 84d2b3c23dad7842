"""Commands about verdicts: replay them under the current rules, evaluate them, bring in a list of networks."""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlmodel import Session

from server.accounts.models import Workspace
from server.config import get_settings
from server.db import get_db, give_way
from server.errors import Refused
from server.events import replay
from server.events.models import VerdictReplay
from server.events.networks import OWN_NAME, BadNetworks, read_networks
from server.sandbox.lab.evaluation import evaluate_agents, evaluate_scenarios
from server.sandbox.lab.scenarios import SHIPPED, BadScenario, load_scenarios

verdicts = AppGroup("verdicts", help="What Warmline believes about views and clicks.")


@verdicts.command("replay")
@click.option("--workspace", "workspace_id", type=int, help="Only this workspace, by its id.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only mail with events since this day (UTC).")
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would move, and move nothing.")
def replay_verdicts(workspace_id: int | None, since: datetime | None, is_dry: bool) -> None:
    """Judge past events under the current rules and lists; counters, scores and feeds follow."""
    with get_db().session() as session:
        if workspace_id is not None and session.get(Workspace, workspace_id) is None:
            raise click.ClickException(f"There is no workspace {workspace_id}.")
        run = replay.start(session, workspace_id, since.replace(tzinfo=UTC) if since else None, is_dry=is_dry)
        run_id, has_begun = run.id, run.events > 0
        session.commit()
        if has_begun:
            click.echo(f"Going on with replay {run_id}, of which {run.events} events are done.")
        begun = time.monotonic()
        while replay.advance(session, run_id):
            session.commit()
            begun = give_way(session, begun)
            click.echo(f"\r{run.events} events judged, {run.moved} moved", nl=False, err=True)
        session.commit()
        click.echo(err=True)
        _print_report(session, run)


@verdicts.command("report")
def report() -> None:
    """Print what the last replay moved, and why."""
    with get_db().session(write=False) as session:
        try:
            _print_report(session, replay.find_last(session))
        except Refused as error:
            raise click.ClickException(error.message) from error


@verdicts.command("evaluate")
@click.option("--scenarios", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Your own folder.")
def evaluate(scenarios: Path | None) -> None:
    """Print how well the rules tell labelled scenarios and public lists of agents apart."""
    try:
        found = load_scenarios(scenarios or SHIPPED)
    except BadScenario as error:
        raise click.ClickException(str(error)) from error
    tables = (evaluate_scenarios(found), evaluate_agents())
    for table in tables:
        click.echo(table.render())
    if any(table.has_failed for table in tables):
        raise click.exceptions.Exit(1)


@verdicts.command("networks")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def networks(file: Path) -> None:
    """Check a list of networks and put it in the place of the one in use; then replay to let it count for the past."""
    try:
        read_networks(file)
    except (BadNetworks, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}. The list in use stays as it is.") from error
    target = get_settings().warmline_home / OWN_NAME
    draft = target.with_suffix(".new")
    shutil.copyfile(file, draft)
    os.replace(draft, target)
    click.echo(f"{target} is in use from now on. For past events: warmline verdicts replay")


def _print_report(session: Session, run: VerdictReplay) -> None:
    kind = "would move" if run.is_dry else "moved"
    state = "finished" if run.finished_at else "not finished: run it again to go on"
    click.echo(f"Replay {run.id} under rules {run.rules}: {run.events} events judged, {run.moved} {kind} ({state}).")
    for workspace_id, counts in sorted(run.moves.items(), key=lambda item: int(item[0])):
        workspace = session.get(Workspace, int(workspace_id))
        click.echo(f"\nWorkspace {workspace_id} {workspace.name if workspace else ''}")
        for words, count in sorted(counts.items(), key=lambda item: -item[1]):
            click.echo(f"{count:>8}  {words}")
