"""The runs of the lab: wished for, claimed by one player at a time, finished. The row is the record of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CursorResult, and_, or_, update
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.sandbox.lab.scenarios import SHIPPED, BadScenario, Scenario, load_scenarios
from server.sandbox.models import LabRun, LabState

ABANDONED = timedelta(minutes=2)
OWN_FOLDER = "lab"


@dataclass(frozen=True, slots=True)
class Shown:
    """One scenario of the page, with its last run where there was one."""

    scenario: Scenario
    run: LabRun | None


def list_scenarios() -> list[Scenario]:
    """Return the scenarios that come with Warmline and those of the folder `lab` in WARMLINE_HOME; own ones win.

    Raises `Refused` naming a file that is none.
    """
    try:
        found = {one.name: one for one in load_scenarios(SHIPPED)}
        found |= {one.name: one for one in load_scenarios(get_settings().warmline_home / OWN_FOLDER)}
    except BadScenario as error:
        raise Refused(str(error), status=422) from error
    return sorted(found.values(), key=lambda one: one.title)


def get_scenario(name: str) -> Scenario:
    """Return the scenario of that name, or raise `Refused`."""
    for scenario in list_scenarios():
        if scenario.name == name:
            return scenario
    raise Refused(_("There is no such scenario."), status=404)


def list_shown(session: Session) -> list[Shown]:
    """Return all scenarios with their runs."""
    runs = {run.scenario: run for run in session.exec(select(LabRun))}
    return [Shown(scenario, runs.get(scenario.name)) for scenario in list_scenarios()]


def want(session: Session, names: Sequence[str]) -> None:
    """Ask for a run of each of these scenarios, unless one is under way."""
    for name in names:
        run = session.get(LabRun, name) or LabRun(scenario=name)
        if run.state != LabState.RUNNING:
            run.state, run.queued_at, run.matches, run.failure = LabState.QUEUED, now(), None, ""
            session.add(run)
    session.flush()
    queue.wake(session, "play_scenarios")


def has_due(session: Session) -> bool:
    """Return whether a run waits, or its player is gone."""
    return session.exec(select(LabRun.scenario).where(_is_due()).limit(1)).first() is not None


def claim(session: Session) -> LabRun | None:
    """Claim the run that has waited longest; None where none waits."""
    due = select(LabRun.scenario).where(_is_due()).order_by(col(LabRun.queued_at), col(LabRun.scenario)).limit(1)
    name = session.exec(due).first()
    if name is None:
        return None
    claimed = _change(
        session,
        update(LabRun).where(col(LabRun.scenario) == name, _is_due()),
        state=LabState.RUNNING, began_at=now(), fence=LabRun.fence + 1,
    )  # fmt: skip
    return session.get(LabRun, name, populate_existing=True) if claimed else None


def finish(session: Session, name: str, fence: int, **values: Any) -> bool:
    """Write down what came of a run, unless another player has claimed it since."""
    mine = update(LabRun).where(col(LabRun.scenario) == name, col(LabRun.fence) == fence)
    return _change(session, mine, **values)


def _is_due() -> Any:
    is_abandoned = and_(col(LabRun.state) == LabState.RUNNING, col(LabRun.began_at) < now() - ABANDONED)
    return or_(col(LabRun.state) == LabState.QUEUED, is_abandoned)


def _change(session: Session, statement: Any, **values: Any) -> bool:
    done = session.execute(statement.values(**values).execution_options(synchronize_session=False))
    return isinstance(done, CursorResult) and done.rowcount == 1
