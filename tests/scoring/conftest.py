"""A member's people and what they did, recorded the way everything is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from sqlmodel import Session

from server.accounts.models import Member
from server.events.models import EventKind, Verdict
from server.events.record import Fact, record
from server.people.models import Person, PersonAddress
from tests.factories import add, make_member

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

_numbers = count(1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands at START until it is moved."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def alice(session: Session) -> Member:
    """A rep."""
    return make_member(session)


def make_person(session: Session, owner: Member, name: str = "Kevin Flynn", **fields: Any) -> Person:
    """Add a person assigned to `owner`, with an address made of the name."""
    fields = {"workspace_id": owner.workspace_id, "owner_id": owner.id, **fields}
    person = add(session, Person(name=name, **fields))
    email = f"{name.lower().replace(' ', '.')}.{person.id}@encom.example"
    add(session, PersonAddress(workspace_id=person.workspace_id, person_id=person.id, email=email))
    return person


def do(session: Session, person: Person, kind: EventKind, at: datetime = START, **fields: Any) -> None:
    """Record that `person` did something, and commit."""
    record(session, [make_fact(session, person, kind, at, **fields)])
    session.commit()


def make_fact(session: Session, person: Person, kind: EventKind, at: datetime = START, **fields: Any) -> Fact:
    """Return a fact about `person`, a human's unless told."""
    from sqlmodel import col, select

    mine = select(PersonAddress.email).where(PersonAddress.person_id == person.id).order_by(col(PersonAddress.id))
    address = session.exec(mine).first() or ""
    fields = {"evidence": {"reported": Verdict.HUMAN}, "subject": "Pricing", **fields}
    return Fact(
        kind=kind, at=at, hit_id=f"hit-{next(_numbers)}", workspace_id=person.workspace_id,
        content_kind="marketing", person_address=address, **fields,
    )  # fmt: skip
