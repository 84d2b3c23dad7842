"""Riley of Acme has mailed Flynn; recipients speak through the real edge, and a worker takes in what they said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select
from werkzeug.test import Client, TestResponse

from server.accounts.models import Member, Role
from server.config import Settings
from server.edge import create_edge
from server.events.models import Event
from server.gmail.models import Mailbox
from server.jobs import drain_hits
from server.keys import get_keys
from server.messages.compose import Draft, compose
from server.messages.models import Copy, CopyState, Message
from server.tracking.hot import HotPath
from server.tracking.tokens import link_url, pixel_url, say_url
from tests.factories import make_mailbox, make_member
from tests.sign_in import sign_in

FLYNN = "flynn@flynnsarcade.example"
TARGET = "https://acme.example/quote?x=1#top"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Visitor(Client):
    """A browser that reads each answer to its end, as browsers do: an open one holds a place of the edge."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make one request."""
        return super().open(*args, buffered=True, **kwargs)


@dataclass
class Recipient:
    """Somebody's browser, which knows the addresses in one copy."""

    client: Client
    settings: Settings
    copy: Copy
    sender_key: str

    def open(self) -> TestResponse:
        """Load the pixel."""
        return self._get(pixel_url(self.settings, get_keys(), self.sender_key, self.copy.tracking_id))

    def click(self) -> TestResponse:
        """Follow the first link."""
        return self._get(link_url(self.settings, get_keys(), self.sender_key, self.copy.tracking_id, 1, TARGET))

    def path(self, page: str) -> str:
        """Return the path of the page `u` or `y`."""
        url = say_url(self.settings, get_keys(), page, self.copy.tracking_id)
        return url.removeprefix(self.settings.edge_base_url)

    def say(self, act: str, **form: str) -> TestResponse:
        """Post what they want on the page of what the sender sees."""
        return self.client.post(f"{self.path('y')}/{act}", data=form, headers={"User-Agent": BROWSER})

    def unsubscribe(self, **form: str) -> TestResponse:
        """Post to the address in List-Unsubscribe."""
        return self.client.post(self.path("u"), data=form, headers={"User-Agent": BROWSER})

    def _get(self, url: str) -> TestResponse:
        path = url.removeprefix(self.settings.edge_base_url)
        return self.client.get(path, headers={"User-Agent": BROWSER}, environ_base={"REMOTE_ADDR": "81.2.69.142"})


@pytest.fixture
def riley(session: Session) -> Member:
    return make_member(session, "Riley", role=Role.ADMIN)


@pytest.fixture
def mailbox(session: Session, riley: Member) -> Mailbox:
    return make_mailbox(session, riley)


@pytest.fixture
def send(session: Session, riley: Member, mailbox: Mailbox) -> Callable[..., Copy]:
    """Compose a mail with one link, mark it as sent, and return its first copy."""

    def send(*addresses: str, individually: bool = False, is_sent: bool = True) -> Copy:
        html = f"<p>Hello, <a href='{TARGET}'>the quote</a></p>"
        draft = Draft(to=addresses or (FLYNN,), subject="The quote", html=html, individually=individually)
        message = compose(session, riley, mailbox, draft)
        copies = session.exec(select(Copy).where(Copy.message_id == message.id).order_by(col(Copy.id))).all()
        for copy in copies:
            copy.state = CopyState.SENT if is_sent else CopyState.QUEUED
        session.commit()
        return copies[0]

    return send


@pytest.fixture
def edge(app: Flask) -> Iterator[HotPath]:
    edge = create_edge(app.config["SETTINGS"])
    yield edge
    close(edge)


@pytest.fixture
def recipient(app: Flask, session: Session, edge: HotPath, riley: Member) -> Callable[[Copy], Recipient]:
    """Open the browser of somebody who got a copy."""

    def open_browser(copy: Copy) -> Recipient:
        session.commit()
        return Recipient(Visitor(edge), app.config["SETTINGS"], copy, riley.sender_key)

    return open_browser


@pytest.fixture
def take_in(session: Session) -> Callable[[], list[Event]]:
    """Take in what stands in the journal, and return all events."""

    def take_in() -> list[Event]:
        session.commit()
        drain_hits()
        fresh = select(Event).order_by(col(Event.id)).execution_options(populate_existing=True)
        events = list(session.exec(fresh))
        session.commit()
        return events

    return take_in


@pytest.fixture
def browse(app: Flask) -> Iterator[Callable[[Member], FlaskClient]]:
    """Open a browser in which a member is signed in."""

    def browse(member: Member) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, member)
        return browser

    yield browse


def close(edge: HotPath) -> None:
    """Close the edge's connections to the database."""
    edge.rest.app.extensions["warmline_db"].dispose()  # type: ignore[attr-defined]


def message_of(session: Session, copy: Copy) -> Message:
    """Return the message of a copy."""
    return session.get_one(Message, copy.message_id)
