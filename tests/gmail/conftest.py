"""This room's tests meet the stand-in over HTTP, where Google would be; Alice owns a mailbox in it."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from server.accounts.models import Member
from server.config import Settings
from server.gmail.access import seal_refresh_token
from server.gmail.client import Gmail
from server.gmail.models import Mailbox
from server.gmail.oauth import MAILBOX_SCOPES, exchange, make_authorization
from tests.factories import make_mailbox, make_member
from tests.stand_in import DEMO, StandIn, stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]


@pytest.fixture
def settings(settings: Settings, stand_in: StandIn) -> Settings:
    """An installation whose Google is the stand-in."""
    return stand_in.point(settings)


@pytest.fixture
def alice(session: Session) -> Member:
    """A member, committed."""
    member = make_member(session)
    session.commit()
    return member


@pytest.fixture
def mailbox(session: Session, settings: Settings, alice: Member, stand_in: StandIn) -> Mailbox:
    """Alice's linked mailbox, up to date with the stand-in's account `DEMO`."""
    mailbox = make_mailbox(session, alice, email=DEMO, history_id=None)
    seal_refresh_token(mailbox, grant_access(settings, stand_in))
    with Gmail.open(mailbox) as gmail:
        mailbox.history_id = gmail.get_profile().history_id
    session.commit()
    return mailbox


@pytest.fixture
def gmail(mailbox: Mailbox) -> Iterator[Gmail]:
    """The API of Alice's mailbox."""
    with Gmail.open(mailbox) as gmail:
        yield gmail


def grant_access(settings: Settings, stand_in: StandIn, email: str = DEMO) -> str:
    """Go through the consent page as `email` and return the refresh token."""
    redirect_uri = f"{settings.base_url}/gmail/callback"
    authorization = make_authorization(settings, redirect_uri, MAILBOX_SCOPES)
    answer = stand_in.consent(authorization.url, email)
    return exchange(settings, redirect_uri, answer["code"], authorization.code_verifier).refresh_token
