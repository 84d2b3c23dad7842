"""Routes about one person: what they agreed to, noting it, and for admins handing out or erasing what is known."""

import re
from datetime import UTC, datetime

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.clock import now
from server.consent.erasure import erase
from server.consent.export import collect, make_archive
from server.consent.ledger import Proof, list_entries, note_answer
from server.consent.models import Answer, Purpose, Way
from server.consent.routes import bp
from server.consent.silence import find_choices
from server.consent.suppression import find_suppressed, lift
from server.db import get_session
from server.errors import Refused
from server.feed.queries import read_names
from server.htmx import is_partial_wanted, render
from server.people.menu import make_menu
from server.people.models import Person
from server.people.people import get_person
from server.people.projections import read_emails
from server.security import allow

PERSON = "/people/<int(max=2147483647):person_id>"
NOTE_LENGTH = 1000
UNSAFE = re.compile(r"[^A-Za-z0-9.@_-]+")


@bp.get(f"{PERSON}/consent")
@allow("rep")
def show_consent(person_id: int) -> ResponseReturnValue:
    """Show what a person agreed and objected to."""
    session = get_session()
    return _consent(session, get_person(session, current_user, person_id))


@bp.post(f"{PERSON}/consent")
@allow("rep")
def add_consent(person_id: int) -> ResponseReturnValue:
    """Note what a person said to the member."""
    session, form = get_session(), request.form
    person = get_person(session, current_user, person_id)
    try:
        _note(session, person)
    except Refused as error:
        session.rollback()
        return _consent(session, person, error)
    session.commit()
    if is_partial_wanted():
        return _consent(session, person, said=_("Noted."))
    flash(_("Noted."))
    return redirect(url_for("people.show_person", person_id=form.get("person_id", person_id)), 303)


@bp.get(f"{PERSON}/data.zip")
@allow("admin")
def export_person(person_id: int) -> ResponseReturnValue:
    """Answer everything that is known of a person, as JSON and as a page to read."""
    session = get_session()
    address = _main_address(session, get_person(session, current_user, person_id))
    data = collect(session, current_user.workspace_id, address) or {}
    headers = {"Content-Disposition": f'attachment; filename="{UNSAFE.sub("_", address)}.zip"'}
    return Response(make_archive(data), mimetype="application/zip", headers=headers)


@bp.get(f"{PERSON}/erasure")
@allow("admin")
def show_erasure(person_id: int) -> ResponseReturnValue:
    """Ask whether a person is to be erased."""
    return _erasure(get_session(), person_id)


@bp.post(f"{PERSON}/erasure")
@allow("admin")
def add_erasure(person_id: int) -> ResponseReturnValue:
    """Erase a person for good."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    if request.form.get("sure") != "yes":
        return _erasure(session, person_id, Refused(_("Tick the box first: this cannot be undone."), field="sure"))
    erase(session, current_user.workspace_id, _main_address(session, person))
    session.commit()
    flash(_("Erased. They get no more mail from here."))
    return redirect(url_for("people.list_people"), 303)


def _note(session: Session, person: Person) -> None:
    form = request.form
    answer, _purpose = form.get("answer", ""), form.get("purpose", "")
    if answer not in set(Answer) or _purpose not in set(Purpose):
        raise Refused(_("Choose what they said."), field="answer")
    address, proof = _main_address(session, person), Proof(note=form.get("note", "").strip()[:NOTE_LENGTH])
    if not proof.note and answer == Answer.GIVEN:
        raise Refused(_("Say how you know: consent that nobody can show is none."), field="note")
    note_answer(
        session, person.workspace_id, address, Purpose(_purpose), Answer(answer), Way.MEMBER,
        said_at=_read_day(form.get("said_on", "")), member_id=current_user.id, proof=proof,
    )  # fmt: skip
    if _purpose == Purpose.MAIL and answer == Answer.GIVEN:
        for email in read_emails(session, person.id or 0):
            lift(session, person.workspace_id, email)


def _read_day(text: str) -> datetime:
    if not text:
        return now()
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused(_("Give the day as in 2026-11-21."), field="said_on") from error
    if day > now():
        raise Refused(_("That day is still to come."), field="said_on")
    return day


def _main_address(session: Session, person: Person) -> str:
    return next(iter(read_emails(session, person.id or 0)), "")


def _consent(session: Session, person: Person, error: Refused | None = None, said: str = "") -> ResponseReturnValue:
    emails, workspace_id = read_emails(session, person.id or 0), person.workspace_id
    answers = find_choices(session, workspace_id, emails).values()
    page = render(
        "consent/person.html", "consent/_person.html", person=person, menu=make_menu(session, current_user, person),
        suppressed=find_suppressed(session, workspace_id, emails), entries=list_entries(session, workspace_id, emails),
        choice=next((answer for answer in Answer if answer in answers), None), error=error, said=said,
        names=read_names(session, workspace_id), form=request.form if error else {}, today=now().date(),
    )  # fmt: skip
    return page, error.status if error else 200


def _erasure(session: Session, person_id: int, error: Refused | None = None) -> ResponseReturnValue:
    person = get_person(session, current_user, person_id)
    menu = make_menu(session, current_user, person)
    emails = read_emails(session, person_id)
    page = render_template("consent/erasure.html", person=person, menu=menu, emails=emails, error=error)
    return page, error.status if error else 200
