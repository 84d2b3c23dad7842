"""Routes of the room `scoring`: the Target list, the sum behind a score, adjustments, and the rules."""

from datetime import UTC
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.people.models import Person
from server.scoring import adjustments, forms, queries
from server.scoring.explain import PAGE_SIZE, explain
from server.scoring.models import ScoreAdjustment, ScoreSource
from server.scoring.preview import preview
from server.scoring.ranking import read_top
from server.scoring.recompute import find_building
from server.scoring.score_models import change_rules, default_rules, find_rules
from server.scoring.words import KINDS, UNCOUNTED
from server.security import allow

bp = Blueprint("scoring", __name__)

SHOWN_INLINE = 15  # events of a sum inside a list or a window

PERSON = "/people/<int(max=2147483647):person_id>"
ADJUSTMENT = f"{PERSON}/adjustments/<int(max=2147483647):adjustment_id>"


@bp.get("/target")
@allow("rep")
def show_targets() -> ResponseReturnValue:
    """Show the page of the member's best people."""
    return render_template("scoring/target.html", **_targets())


@bp.get("/target/panel")
@allow("rep")
def show_panel() -> ResponseReturnValue:
    """Show the member's best people, for any shell."""
    return render_template("scoring/_panel.html", **_targets())


@bp.get(f"{PERSON}/score")
@allow("rep")
def show_sum(person_id: int) -> ResponseReturnValue:
    """Show the sum behind a person's score, or one older page of it."""
    session = get_session()
    person = queries.get_person(session, current_user, person_id)
    removed_id = request.args.get("removed", type=int)
    removed = adjustments.get_adjustment(session, person, removed_id) if removed_id else None
    return _sum(session, person, removed=removed)


@bp.get(f"{PERSON}/score/figures")
@allow("rep")
def show_figures(person_id: int) -> ResponseReturnValue:
    """Show the part of the sum that changes by itself."""
    session = get_session()
    person = queries.get_person(session, current_user, person_id)
    return render_template("scoring/_figures.html", **_figures(session, person))


@bp.post(f"{PERSON}/adjustments")
@allow("rep")
def add_adjustment(person_id: int) -> ResponseReturnValue:
    """Give or take points by hand."""
    session, form = get_session(), request.form
    person = queries.get_person(session, current_user, person_id)
    try:
        adjustments.add_adjustment(session, current_user, person, form.get("points", ""), form.get("reason", ""))
    except Refused as error:
        session.rollback()
        return _sum(session, person, error), error.status
    session.commit()
    return _changed(session, person, _("The points are in the sum."))


@bp.post(f"{ADJUSTMENT}/removal")
@allow("rep")
def remove_adjustment(person_id: int, adjustment_id: int) -> ResponseReturnValue:
    """Take an adjustment out of the sum."""
    session = get_session()
    person = queries.get_person(session, current_user, person_id)
    row = adjustments.get_adjustment(session, person, adjustment_id)
    adjustments.remove_adjustment(session, person, row)
    session.commit()
    if is_partial_wanted():
        return _sum(session, person, removed=row)
    return redirect(url_for(".show_sum", person_id=person_id, removed=adjustment_id), 303)


@bp.post(f"{ADJUSTMENT}/restoration")
@allow("rep")
def restore_adjustment(person_id: int, adjustment_id: int) -> ResponseReturnValue:
    """Undo the removal of an adjustment."""
    session = get_session()
    person = queries.get_person(session, current_user, person_id)
    adjustments.restore_adjustment(session, person, adjustments.get_adjustment(session, person, adjustment_id))
    session.commit()
    return _changed(session, person, _("The adjustment counts again."))


@bp.get("/settings/scoring")
@allow("manager")
def show_rules() -> ResponseReturnValue:
    """Show how the workspace scores."""
    rules = find_rules(get_session(), current_user.workspace_id)
    return _rules(forms.make_form(rules))


@bp.post("/settings/scoring")
@allow("manager")
def set_rules() -> ResponseReturnValue:
    """Let other rules hold, and build everybody's score anew in the background."""
    session = get_session()
    try:
        change_rules(session, current_user.workspace_id, forms.read_rules(request.form))
    except Refused as error:
        return _rules(request.form, error)
    session.commit()
    flash(_("Saved."))
    return redirect(url_for(".show_rules"), 303)


@bp.post("/settings/scoring/preview")
@allow("manager")
def preview_rules() -> ResponseReturnValue:
    """Show how a list would stand under other rules; nothing is saved."""
    session = get_session(write=False)
    rankers = queries.list_rankers(session, current_user)
    whose = next((row for row in rankers if str(row.id) == request.form.get("member")), rankers[0])
    try:
        found = preview(session, whose, forms.read_rules(request.form))
    except Refused as error:
        if is_partial_wanted():
            return render_template("scoring/_preview.html", error=error), error.status
        return _rules(request.form, error)
    if is_partial_wanted():
        return render_template("scoring/_preview.html", preview=found, whose=whose)
    return _rules(request.form, preview=found, whose=whose)


@bp.get("/settings/scoring/progress")
@allow("manager")
def show_progress() -> ResponseReturnValue:
    """Show how far the building of new scores is."""
    return render_template("scoring/_progress.html", building=find_building(get_session(), current_user.workspace_id))


def _targets() -> dict[str, Any]:
    session = get_session()
    return {
        "targets": read_top(session, current_user),
        "is_external": find_rules(session, current_user.workspace_id).source == ScoreSource.EXTERNAL,
    }


def _figures(session: Session, person: Person) -> dict[str, Any]:
    before = request.args.get("before") if request.method == "GET" else None
    limit = SHOWN_INLINE if is_partial_wanted() else PAGE_SIZE
    found = explain(session, person, before, get_timezone() or UTC, limit)
    return {"sum": found, "person": person, "kinds": KINDS, "uncounted": UNCOUNTED, "before": before}


def _sum(
    session: Session,
    person: Person,
    error: Refused | None = None,
    removed: ScoreAdjustment | None = None,
    said: str = "",
) -> str:
    template = "scoring/_sum.html" if is_partial_wanted() else "scoring/sum.html"
    removed = removed if removed is not None and removed.removed_at is not None else None
    return render_template(
        template, error=error, removed=removed, said=said, form=request.form if error else {},
        name=queries.tell_name(session, person), **_figures(session, person),
    )  # fmt: skip


def _changed(session: Session, person: Person, said: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return _sum(session, person, said=said)
    flash(said)
    return redirect(url_for(".show_sum", person_id=person.id), 303)


def _rules(form: Any, error: Refused | None = None, **context: Any) -> ResponseReturnValue:
    session = get_session(write=False)
    page = render_template(
        "scoring/settings.html", form=form, error=error, kinds=KINDS, defaults=forms.make_form(default_rules()),
        building=find_building(session, current_user.workspace_id),
        rankers=queries.list_rankers(session, current_user), **context,
    )  # fmt: skip
    return page, error.status if error else 200
