"""Alice and Bob of one team, their browsers, and tasks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member, Workspace
from server.people.models import Person, PersonAddress
from server.tasks.models import Task
from server.tasks.tasks import Draft, Due, add_task
from tests.factories import add, make_member
from tests.sign_in import sign_in

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
HTMX = {"HX-Request": "true"}


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """A clock that stands at NOON."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice(session: Session) -> Member:
    """A rep in UTC."""
    return make_member(session)


@pytest.fixture
def bob(session: Session, alice: Member) -> Member:
    """Alice's colleague."""
    return make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))


@pytest.fixture
def mallory(session: Session) -> Member:
    """A member of another workspace."""
    return make_member(session, "Mallory", email="mallory@evil.example")


@pytest.fixture
def browser(client: FlaskClient, alice: Member) -> FlaskClient:
    """Alice's browser."""
    sign_in(client, alice)
    return client


def open_browser(app: Flask, member: Member) -> FlaskClient:
    """Return a browser of `member`; commits what the test has prepared."""
    client: FlaskClient = app.test_client()
    sign_in(client, member)
    return client


def make_task(
    session: Session, member: Member, name: str = "Call Flynn", due: Due | None = None, **fields: Any
) -> Task:
    """Add a task of `member`, due in an hour unless told, and commit it."""
    task = add_task(session, member, Draft(name, due or datetime.now(UTC) + timedelta(hours=1), **fields))
    session.commit()
    return task


def make_person(
    session: Session, owner: Member | None, workspace_id: int, name: str = "Flynn", **fields: Any
) -> Person:
    """Add a person with an address."""
    person = add(session, Person(workspace_id=workspace_id, owner_id=owner.id if owner else None, name=name, **fields))
    address = f"{name.lower().replace(' ', '.')}@encom.example"
    add(session, PersonAddress(workspace_id=workspace_id, person_id=person.id, email=address))
    return person
