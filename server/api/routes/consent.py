"""Routes of the REST API for what a person agreed and objected to."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers
from sqlmodel import Session

from server.api.openapi import spec
from server.api.routes.blueprint import bp
from server.api.routes.people import PERSON
from server.api.shapes import consent as shapes
from server.api.shapes import inputs
from server.consent.ledger import Proof, list_entries, note_answer
from server.consent.models import Answer, Purpose, Way
from server.consent.silence import find_choices
from server.consent.suppression import find_suppressed
from server.db import get_session
from server.errors import Refused
from server.people.models import Person
from server.people.people import get_person
from server.people.projections import read_emails
from server.security import allow

CONSENT = f"{PERSON}/consent"


@bp.get(CONSENT)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.ConsentRecord), operation_id="getConsent")
def show_consent(person_id: int) -> shapes.ConsentRecord:
    """What a person agreed and objected to."""
    session = get_session()
    return _show(session, get_person(session, current_user, person_id))


@bp.post(CONSENT)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.ConsentRecord), operation_id="addConsent")
def add_consent(json: shapes.NewConsent, person_id: int) -> Any:
    """Add a line to the ledger; it holds at once, for all addresses of the person."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    emails = read_emails(session, person_id)
    if not emails:
        raise Refused("has no address", status=409)
    proof = Proof(json.text_shown, json.text_version, json.note, json.ip, json.agent)
    note_answer(
        session, person.workspace_id, emails[0], Purpose(json.purpose), Answer(json.answer), Way(json.way),
        said_at=json.said_at, member_id=current_user.id, proof=proof,
    )  # fmt: skip
    session.commit()
    return _show(session, person), 201, {"Location": url_for("api.show_consent", person_id=person_id)}


def _show(session: Session, person: Person) -> shapes.ConsentRecord:
    emails = read_emails(session, person.id or 0)
    answers = set(find_choices(session, person.workspace_id, emails).values())
    return shapes.ConsentRecord(
        suppressed=find_suppressed(session, person.workspace_id, emails),
        tracking=next((answer for answer in (Answer.WITHDRAWN, Answer.GIVEN) if answer in answers), None),
        entries=[
            shapes.ConsentLine(**entry.model_dump(include=set(shapes.ConsentLine.model_fields)))
            for entry in list_entries(session, person.workspace_id, emails)
        ],
    )
