"""Who an event is about. One recipient on the copy: they. Several: no guess, all of them are candidates (F8).

Without a copy it is marketing engagement: the person of the workspace who holds the address, and their owner (F5).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from server.events.models import UNOWNED
from server.messages.models import Copy, Message, Recipient
from server.people.models import Person, PersonAddress


@dataclass(frozen=True, slots=True)
class Reader:
    """A recipient: by the name that stands in the mail, else by the person's."""

    id: int
    person_id: int | None
    address: str
    name: str


@dataclass(slots=True)
class SentCopy:
    """What an event needs to know of its copy; `is_large`: enough people got the mail for it to be named."""

    workspace_id: int
    member_id: int
    message_id: int
    subject: str
    sent_at: datetime | None
    policy: str = "individual"
    silence: str = ""
    is_merged: bool = False
    is_large: bool = False
    thread_id: str | None = None
    reading: int = 0
    has_doubt: bool = False
    recipients: list[Reader] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What an event needs to know of a person."""

    person_id: int
    owner_id: int | None
    name: str


SMALLEST_AUDIENCE = 5  # what official statistics commonly take for the smallest group that names nobody
Everybody = aliased(Recipient)
# Looked for under an aggregate policy only: the last of the fewest readers that name nobody.
LAST_READER = case(
    (
        col(Message.policy) == "aggregate",
        select(col(Everybody.id))
        .where(col(Everybody.message_id) == col(Message.id))
        .limit(1)
        .offset(SMALLEST_AUDIENCE - 1)
        .scalar_subquery(),
    ),
    else_=None,
)
Holder = tuple[int, str]  # a workspace's id, and an address in lower case


def load_copies(session: Session, copy_ids: Collection[int]) -> dict[int, SentCopy]:
    """Return the copies with these ids, in one query; those that are gone are left out."""
    copies: dict[int, SentCopy] = {}
    query = (
        select(
            col(Copy.id),
            col(Copy.sent_at),
            col(Message.id),
            col(Message.workspace_id),
            col(Message.member_id),
            func.coalesce(func.nullif(col(Copy.subject), ""), col(Message.subject)),
            col(Message.policy),
            col(Copy.silence),
            col(Message.is_merged),
            LAST_READER,
            col(Copy.gmail_thread_id),
            col(Copy.reading),
            col(Copy.has_doubt),
            col(Recipient.id),
            col(Recipient.person_id),
            col(Recipient.address),
            func.coalesce(func.nullif(col(Recipient.name), ""), col(Person.name), ""),
        )
        .join(Message, col(Message.id) == col(Copy.message_id))
        .outerjoin(Recipient, col(Recipient.copy_id) == col(Copy.id))
        .outerjoin(Person, col(Person.id) == col(Recipient.person_id))
        .where(col(Copy.id).in_(copy_ids))
        .order_by(col(Copy.id), col(Recipient.id))
    )
    for copy_id, sent_at, message_id, workspace_id, member_id, subject, *rest in session.execute(query):
        policy, silence, is_merged, last_reader, thread_id, reading, has_doubt, *recipient = rest
        copy = SentCopy(
            workspace_id, member_id, message_id, subject, sent_at, policy, silence, is_merged, last_reader is not None,
            thread_id, reading, has_doubt,
        )  # fmt: skip
        copy = copies.setdefault(copy_id, copy)
        if recipient[0] is not None:
            copy.recipients.append(Reader(*recipient))
    return copies


def load_people(session: Session, holders: Collection[Holder]) -> dict[Holder, KnownPerson]:
    """Return the people who hold these addresses, in one query; addresses that nobody holds are left out."""
    if not holders:
        return {}
    query = (
        select(
            col(PersonAddress.workspace_id), col(PersonAddress.email),
            col(Person.id), col(Person.owner_id), col(Person.name),
        )
        .join(Person, col(Person.id) == col(PersonAddress.person_id))
        .where(
            col(PersonAddress.workspace_id).in_({workspace_id for workspace_id, _address in holders}),
            col(PersonAddress.email).in_({address for _workspace_id, address in holders}),
        )
    )  # fmt: skip
    return {(row[0], row[1]): KnownPerson(row[2] or 0, row[3], row[4]) for row in session.execute(query)}


def attribute_person(person: KnownPerson | None, name: str, address: str) -> dict[str, Any]:
    """Return the event's columns that say who and whose, for a fact without a copy."""
    return {
        "member_id": person.owner_id or UNOWNED if person else UNOWNED,
        "recipient_id": None,
        "person_id": person.person_id if person else None,
        "person_name": (person.name if person else "") or name,
        "person_address": address,
        "person_candidates": [],
    }


def attribute(copy: SentCopy, recipient_id: int | None, name: str, address: str) -> dict[str, Any]:
    """Return the event's columns that say who: what the fact knows, else the only recipient, else all as candidates."""
    recipient = _find_recipient(copy, recipient_id, address)
    is_known = bool(recipient_id or name or address)
    candidates = [] if is_known or recipient else [person.name or person.address for person in copy.recipients]
    return {
        "recipient_id": recipient.id if recipient else recipient_id,
        "person_id": recipient.person_id if recipient else None,
        "person_name": name or (recipient.name if recipient else ""),
        "person_address": address or (recipient.address if recipient else ""),
        "person_candidates": candidates,
    }


def _find_recipient(copy: SentCopy, recipient_id: int | None, address: str) -> Reader | None:
    if recipient_id is not None:
        return next((recipient for recipient in copy.recipients if recipient.id == recipient_id), None)
    if address:
        return next((one for one in copy.recipients if one.address.lower() == address.lower()), None)
    return copy.recipients[0] if len(copy.recipients) == 1 else None
