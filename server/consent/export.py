"""Everything a workspace knows of a person, as data: one dict that becomes JSON and a page to read."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flask import render_template
from sqlalchemy import Select, Table, func, or_, select
from sqlmodel import Session, SQLModel

from server.campaigns.models import Campaign, Enrolment
from server.clock import now
from server.consent.fingerprints import hash_addresses
from server.consent.models import ConsentEntry, Suppression, TrackingChoice
from server.consent.silence import list_addresses
from server.documents.viewer.models import DocumentVisit
from server.events.models import Event
from server.messages.models import Copy, InboundMail, Message, Recipient
from server.people.custom_fields import list_fields
from server.people.models import Person
from server.people.people import find_person
from server.scoring.models import ExternalScore, PersonScore, ScoreAdjustment
from server.tasks.models import Task

MOST_ROWS = 100_000
# What is about our machinery and not about the person.
LEFT_OUT = {
    "address_hash", "ip_hash", "agent_hash", "hit_id", "tracking_id", "device_key", "fence", "lease_until", "model_id",
    "person_score_rank", "sort_name", "request_hash", "idempotency_key",
}  # fmt: skip

Rows = list[dict[str, Any]]


def collect(session: Session, workspace_id: int, address: str) -> dict[str, Any] | None:
    """Return all that is known of whoever holds `address`, by kind; None where nothing is."""
    person = find_person(session, workspace_id, address)
    addresses = list_addresses(session, workspace_id, address)
    person_id = person.id if person else None
    found: dict[str, Rows] = {
        "mail": _read_mail(session, workspace_id, person_id, addresses),
        "answers": _read_answers(session, workspace_id, addresses),
        "events": _read_events(session, workspace_id, person_id, addresses),
        "document_visits": _read(session, _all(DocumentVisit, workspace_id, "address", addresses)),
        "tasks": _read_of(session, Task, person_id),
        "scores": [*_read_of(session, PersonScore, person_id), *_read_of(session, ExternalScore, person_id)],
        "score_adjustments": _read_of(session, ScoreAdjustment, person_id),
        "campaigns": _read_campaigns(session, person_id),
        **_read_choices(session, workspace_id, addresses),
    }
    if person is None and not any(found.values()):
        return None
    return {
        "made_at": _plain(now()),
        "addresses": addresses,
        "person": _describe(session, person) if person else None,
        **found,
    }


def make_archive(data: Mapping[str, Any]) -> bytes:
    """Return a zip file with the data as JSON and as a page to read, in the reader's language."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("person.json", to_json(data))
        archive.writestr("person.html", render_template("consent/export.html", data=data))
    return file.getvalue()


def to_json(data: Mapping[str, Any]) -> str:
    """Return the data as indented JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _describe(session: Session, person: Person) -> dict[str, Any]:
    own = {str(field.id): field.name for field in list_fields(session, person.workspace_id)}
    known = _plain_row(person.model_dump(exclude={"custom", "sort_name"}))
    return known | {"custom": {own.get(key, key): value for key, value in person.custom.items()}}


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined,no-any-return]


def _read(session: Session, chosen: Select[Any]) -> Rows:
    return [_plain_row(row) for row in session.execute(chosen.limit(MOST_ROWS)).mappings()]


def _read_of(session: Session, model: type[SQLModel], person_id: int | None) -> Rows:
    table = _table(model)
    return _read(session, select(table).where(table.c.person_id == person_id)) if person_id is not None else []


def _all(model: type[SQLModel], workspace_id: int, column: str, values: Sequence[str] | Mapping[str, str]) -> Any:
    table = _table(model)
    return select(table).where(table.c.workspace_id == workspace_id, table.c[column].in_(values))


def _read_mail(session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str]) -> Rows:
    recipient, copy, message = _table(Recipient), _table(Copy), _table(Message)
    known = [recipient.c.person_id == person_id] if person_id is not None else []
    theirs = or_(func.lower(recipient.c.address).in_(addresses), *known)
    chosen = (
        select(
            recipient.c.kind, recipient.c.address, recipient.c.name, message.c.subject, message.c.html, message.c.text,
            copy.c.fields, copy.c.state, copy.c.sent_at, copy.c.rfc822_message_id, message.c.created_at,
        )
        .join(copy, copy.c.id == recipient.c.copy_id)
        .join(message, message.c.id == copy.c.message_id)
        .where(message.c.workspace_id == workspace_id, theirs)
        .order_by(recipient.c.id)
    )  # fmt: skip
    return _read(session, chosen)


def _read_answers(session: Session, workspace_id: int, addresses: Sequence[str]) -> Rows:
    inbound, copy, message = _table(InboundMail), _table(Copy), _table(Message)
    chosen = (
        select(inbound)
        .join(copy, copy.c.id == inbound.c.copy_id)
        .join(message, message.c.id == copy.c.message_id)
        .where(message.c.workspace_id == workspace_id, func.lower(inbound.c.sender_address).in_(addresses))
    )
    return _read(session, chosen.order_by(inbound.c.id))


def _read_events(session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str]) -> Rows:
    event = _table(Event)
    unknown = event.c.person_id.is_(None) & event.c.person_address.in_(addresses)
    theirs = or_(unknown, event.c.person_id == person_id) if person_id is not None else unknown
    return _read(session, select(event).where(event.c.workspace_id == workspace_id, theirs).order_by(event.c.at))


def _read_campaigns(session: Session, person_id: int | None) -> Rows:
    if person_id is None:
        return []
    enrolment, campaign = _table(Enrolment), _table(Campaign)
    chosen = select(
        campaign.c.name, enrolment.c.state, enrolment.c.end_reason, enrolment.c.enrolled_at, enrolment.c.ended_at
    ).join(campaign, campaign.c.id == enrolment.c.campaign_id)
    return _read(session, chosen.where(enrolment.c.person_id == person_id).order_by(enrolment.c.id))


def _read_choices(session: Session, workspace_id: int, addresses: Sequence[str]) -> dict[str, Rows]:
    digests = hash_addresses(addresses)
    tables: dict[str, type[SQLModel]] = {
        "consent": ConsentEntry,
        "choices": TrackingChoice,
        "suppressions": Suppression,
    }
    return {name: _read(session, _all(model, workspace_id, "address_hash", digests)) for name, model in tables.items()}


def _plain_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _plain(value) for key, value in row.items() if key not in LEFT_OUT}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
