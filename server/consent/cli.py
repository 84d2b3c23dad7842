"""Commands about one person, for an operator at a shell: hand out what is known of them, or erase it."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlmodel import Session, col, select

from server.accounts.models import Workspace
from server.consent.erasure import erase
from server.consent.export import collect, make_archive, to_json
from server.db import get_session

persons = AppGroup("person", help="One person whom this installation knows.")
which = click.option("--workspace", "name", help="Only the workspace with this name; else each that knows them.")


@persons.command("export")
@click.argument("address")
@which
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write a zip with JSON and HTML here.")
def export(address: str, name: str | None, output: Path | None) -> None:
    """Print everything that is known of ADDRESS as JSON, or write it to a file."""
    session = get_session(write=False)
    found = {
        workspace.name: data
        for workspace in _list_workspaces(session, name)
        if (data := collect(session, workspace.id, address)) is not None
    }
    if not found:
        raise click.ClickException(f"Nothing is known of {address}.")
    if output is None:
        click.echo(to_json(found), nl=False)
        return
    for number, (workspace_name, data) in enumerate(found.items()):
        path = output if not number else output.with_stem(f"{output.stem}-{number + 1}")
        with current_app.test_request_context():
            path.write_bytes(make_archive(data))
        click.echo(f"{workspace_name}: {path}")


@persons.command("erase")
@click.argument("address")
@which
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_everywhere(address: str, name: str | None, yes: bool) -> None:
    """Erase ADDRESS and the person who holds it. Counts stay, and a keyed hash, so that nobody mails them again."""
    session = get_session(write=True)
    workspaces = _list_workspaces(session, name)
    if not yes:
        names = ", ".join(workspace.name for workspace in workspaces)
        click.confirm(f"Erase {address} from {names}? This cannot be undone", abort=True)
    for workspace in workspaces:
        was_known = erase(session, workspace.id, address)
        session.commit()
        click.echo(f"{workspace.name}: {'erased' if was_known else 'nothing was known; never mailed from now on'}")


def _list_workspaces(session: Session, name: str | None) -> list[Workspace]:
    chosen = select(Workspace).order_by(col(Workspace.id))
    workspaces = [workspace for workspace in session.exec(chosen) if name in (None, workspace.name)]
    if not workspaces:
        raise click.ClickException(f"There is no workspace {name}." if name else "There is no workspace yet.")
    return workspaces
