"""The tracking lab's page (T19): scenarios, what came of each, and the buttons that run them."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from server.db import get_session
from server.errors import Refused
from server.events.reasons import explain
from server.htmx import is_partial_wanted, render
from server.sandbox.lab import runs
from server.sandbox.models import LabState
from server.security import allow

bp = Blueprint("lab", __name__)


@bp.get("/sandbox/lab")
@allow("admin")
def show() -> ResponseReturnValue:
    """Show all scenarios with what came of their last run."""
    return _page()


@bp.post("/sandbox/lab/runs")
@allow("admin")
def run_all() -> ResponseReturnValue:
    """Run all scenarios, in the background."""
    return _want([scenario.name for scenario in runs.list_scenarios()])


@bp.post("/sandbox/lab/<name>/run")
@allow("admin")
def run_one(name: str) -> ResponseReturnValue:
    """Run one scenario, in the background."""
    return _want([runs.get_scenario(name).name])


def _want(names: list[str]) -> ResponseReturnValue:
    session = get_session()
    runs.want(session, names)
    session.commit()
    return _page() if is_partial_wanted() else redirect(url_for(".show"), 303)


def _page() -> ResponseReturnValue:
    error: Refused | None = None
    try:
        shown = runs.list_shown(get_session())
    except Refused as refused:
        shown, error = [], refused
    played = [one.run for one in shown if one.run is not None]
    waiting = [run for run in played if run.state in (LabState.QUEUED, LabState.RUNNING)]
    return render(
        "sandbox/lab.html",
        "sandbox/_lab.html",
        shown=shown,
        error=error,
        waiting=len(waiting),
        done=len([run for run in played if run.state == LabState.DONE]),
        wrong=[run for run in played if run.state == LabState.FAILED or run.matches is False],
        explain=explain,
    )
