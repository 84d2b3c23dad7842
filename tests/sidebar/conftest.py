"""A member with a mailbox, and a paired device of theirs that asks as the extension does."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member, TokenKind
from server.accounts.tokens import create_token
from server.gmail.models import Mailbox
from tests.factories import make_mailbox, make_member

HEADERS = {"X-Warmline-Extension": "1.0.0"}


class Device:
    """What a paired extension sends: its token and its version with each request, never a cookie."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})

    def get(self, path: str, **options: Any) -> TestResponse:
        """Ask."""
        return self.client.get(path, headers=self.headers | options.pop("headers", {}), **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        """Tell."""
        return self.client.post(path, headers=self.headers | options.pop("headers", {}), **options)


@pytest.fixture
def alice(session: Session) -> Member:
    """Who paired."""
    return make_member(session)


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    """Her linked mailbox."""
    return make_mailbox(session, alice)


@pytest.fixture
def pair(app: Flask, session: Session) -> Callable[[Member], Device]:
    """Give a member a paired device; commits what was prepared."""

    def pair(member: Member) -> Device:
        token = create_token(session, member, "Chrome on Linux", TokenKind.DEVICE)
        session.commit()
        return Device(app, token)

    return pair


@pytest.fixture
def device(pair: Callable[[Member], Device], alice: Member, mailbox: Mailbox) -> Device:
    """Alice's paired browser."""
    return pair(alice)
