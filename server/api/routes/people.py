"""Routes of the REST API for people."""

from collections.abc import Iterable
from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers
from sqlmodel import Session

from server.api import queries
from server.api.openapi import spec
from server.api.routes.blueprint import bp
from server.api.shapes import inputs
from server.api.shapes import people as shapes
from server.db import get_session
from server.errors import Refused
from server.people.addresses import set_addresses
from server.people.custom_fields import list_fields
from server.people.fields import read_fields
from server.people.models import Person
from server.people.people import (
    FIELDS,
    add_person,
    change_owner,
    change_person,
    find_by_ids,
    find_person,
    get_person,
    is_visible,
)
from server.people.projections import read_emails_of
from server.people.queries import Owners, list_owners, read_people
from server.security import allow

PERSON = "/people/<int:person_id>"  # without limits: an id beyond them would answer 405


@bp.get("/people")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=shapes.PeoplePage), operation_id="listPeople")
def list_people(query: shapes.PeopleQuery) -> shapes.PeoplePage:
    """List people in the order in which they were added; with `q`, by what was found."""
    session, member = get_session(), current_user
    owners = _find_owners(session, query)
    if query.email is not None:
        if query.cursor is not None:
            raise Refused("cannot stand beside “email”: one address has one person", field="cursor")
        person = find_person(session, member.workspace_id, query.email) if query.email.isprintable() else None
        is_wanted = person is not None and is_visible(session, member, person) and person.owner_id in owners
        return shapes.PeoplePage(items=_show(session, [person] if person and is_wanted else []), next=None)
    try:
        page = read_people(session, member.workspace_id, owners, "id", query.q or "", query.cursor, query.limit)
    except Refused as error:
        message = "is not a cursor of this list; take `next` of the page before, unchanged"
        raise Refused(message, field="cursor") from error
    people = find_by_ids(session, [line.id for line in page.lines])
    return shapes.PeoplePage(items=_show(session, [people[line.id] for line in page.lines]), next=page.next)


@bp.post("/people")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.PersonRecord), operation_id="addPerson")
def add(json: shapes.NewPerson) -> Any:
    """Add a person; 409 where somebody has the address already."""
    session, member = get_session(), current_user
    custom = _read_custom(session, json.custom)
    fields = read_fields(json.model_dump(include=set(FIELDS)))
    person = add_person(session, member.workspace_id, member.id, json.email, custom=custom, **fields)
    if "owner_id" in json.model_fields_set:
        change_owner(session, person, json.owner_id)
    session.commit()
    return _show(session, [person])[0], 201, {"Location": url_for("api.show_person", person_id=person.id)}


@bp.get(PERSON)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.PersonRecord), operation_id="getPerson")
def show_person(person_id: int) -> shapes.PersonRecord:
    """One person who is yours or nobody's, or your team's."""
    session = get_session()
    return _show(session, [get_person(session, current_user, person_id)])[0]


@bp.patch(PERSON)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.PersonRecord), operation_id="changePerson")
def change(json: shapes.PersonChange, person_id: int) -> shapes.PersonRecord:
    """Change what is named of a person."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    custom = _read_custom(session, json.custom)
    change_person(session, person, read_fields(json.model_dump(include=json.model_fields_set & set(FIELDS))), custom)
    if "emails" in json.model_fields_set:
        set_addresses(session, person, json.emails)
    if "owner_id" in json.model_fields_set:
        change_owner(session, person, json.owner_id)
    session.commit()
    return _show(session, [person])[0]


def _find_owners(session: Session, query: shapes.PeopleQuery) -> Owners:
    scope = queries.find_scope(session, current_user, query.scope)
    if query.owner is None:
        return list_owners(session, current_user, "team" if scope.member_id is None else "own")
    if query.owner in ("me", "none"):
        return [current_user.id if query.owner == "me" else None]
    owner_id = int(query.owner)
    team = list_owners(session, current_user, "team")
    if owner_id not in team:
        raise Refused("is not a member whose people you may see", field="owner")
    return [owner_id]


def _read_custom(session: Session, values: dict[str, str]) -> dict[str, str]:
    ids = {field.name: str(field.id) for field in list_fields(session, current_user.workspace_id)}
    for name, value in values.items():
        if name not in ids or not value.isprintable():
            known = ", ".join(ids) or "none"
            raise Refused(f"holds one line of text for each field of the workspace; known are: {known}", field="custom")
    return {ids[name]: value for name, value in values.items()}


def _show(session: Session, people: Iterable[Person]) -> list[shapes.PersonRecord]:
    people = list(people)
    emails = read_emails_of(session, [person.id or 0 for person in people])
    names = {str(field.id): field.name for field in list_fields(session, current_user.workspace_id)}
    return [
        shapes.PersonRecord(
            **person.model_dump(include={"id", *FIELDS, "owner_id", "created_at", "updated_at"}),
            emails=emails.get(person.id or 0, []),
            custom={names[key]: str(value) for key, value in person.custom.items() if key in names},
        )
        for person in people
    ]
