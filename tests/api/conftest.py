"""A program that calls the REST API with Alice's token."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.accounts.tokens import create_token
from tests.factories import make_member


class Program:
    """What calls the API: JSON in, JSON out, a bearer token on every request."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
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
