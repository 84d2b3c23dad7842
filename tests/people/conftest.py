"""Alice and Bob are reps of one team, Mona manages it, Mallory is admin of another workspace."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace
from server.people.models import Person
from server.people.people import add_person
from tests.factories import add, make_member
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@dataclass
class Team:
    """Who is there."""

    alice: Member
    bob: Member
    mona: Member
    mallory: Member


@pytest.fixture
def team(session: Session) -> Team:
    """Two workspaces."""
    acme = add(session, Workspace(name="Acme"))
    team = Team(
        make_member(session, "Alice", acme),
        make_member(session, "Bob", acme),
        make_member(session, "Mona", acme, role=Role.MANAGER),
        make_member(session, "Mallory", role=Role.ADMIN, email="mallory@evil.example"),
    )
    session.commit()
    return team


@pytest.fixture
def browse(app: Flask) -> Iterator[Callable[[Member], FlaskClient]]:
    """Open a browser in which a member is signed in."""

    def browse(member: Member) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, member)
        return browser

    yield browse


def forget(session: Session) -> None:
    """Let the session hold neither the database nor rows that others may have changed meanwhile."""
    session.commit()
    session.expunge_all()


def make_person(session: Session, owner: Member, name: str = "Kevin Flynn", email: str = "", **fields: str) -> Person:
    """Add a person of `owner`, and commit."""
    email = email or f"{name.lower().replace(' ', '.')}@encom.example"
    person = add_person(session, owner.workspace_id, owner.id, email, name, **fields)
    session.commit()
    return person
