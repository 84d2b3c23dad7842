"""A program that calls the REST API with Alice's token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.accounts.tokens import create_token
from server.events.models import Event, EventKind, Verdict
from server.messages.models import Copy, Message
from tests.factories import add, make_copy, make_mailbox, make_member

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Program:
    """What calls the API: JSON in, JSON out, a bearer token on every request."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET below /api/v1."""
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self.headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """POST JSON below /api/v1; `Idempotency_Key=` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers | named)

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return the items of all pages of a list."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **cursor).get_json()
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}


def make_program(app: Flask, session: Session, member: Member) -> Program:
    """Return a program with a new token of `member`; commits what the test has prepared."""
    token = create_token(session, member, "A test's program")
    session.commit()
    return Program(app.test_client(), token)


@pytest.fixture
def alice(session: Session) -> Member:
    """A rep without a mailbox."""
    return make_member(session)


@pytest.fixture
def program(app: Flask, session: Session, alice: Member) -> Program:
    """A program that speaks for Alice."""
    return make_program(app, session, alice)


def add_event(session: Session, copy: Copy, number: int, kind: EventKind = EventKind.VIEWED, **fields: Any) -> Event:
    """Add event `number` of `copy`; a human's, `number` minutes after the START."""
    message = session.get_one(Message, copy.message_id)
    at = START + timedelta(minutes=number)
    fields = {"verdict": Verdict.HUMAN, "is_shown": True, "at": at, "recorded_at": at, **fields}
    return add(
        session,
        Event(
            id=number,
            hit_id=f"hit-{number}",
            workspace_id=message.workspace_id,
            member_id=message.member_id,
            message_id=message.id,
            copy_id=copy.id,
            subject=message.subject,
            kind=kind,
            **fields,
        ),
    )


@pytest.fixture
def copy(session: Session, alice: Member) -> Copy:
    """A copy that Alice has sent to Flynn."""
    return make_copy(session, make_mailbox(session, alice))
