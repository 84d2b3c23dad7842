"""What sending tests stand on: Alice's mailbox in the stand-in, which plays Google over HTTP."""

import pytest
from flask import Flask
from sqlmodel import Session

from server.accounts.models import Member
from server.gmail.access import seal_refresh_token
from server.gmail.models import Mailbox
from tests.factories import make_mailbox, make_member
from tests.gmail.conftest import grant_access
from tests.stand_in import DEMO, StandIn, stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]


@pytest.fixture
def google(app: Flask, stand_in: StandIn) -> StandIn:
    """The stand-in, as the Google of this installation."""
    app.config["SETTINGS"] = stand_in.point(app.config["SETTINGS"])
    return stand_in


@pytest.fixture
def member(session: Session) -> Member:
    """Alice, committed."""
    member = make_member(session)
    session.commit()
    return member


@pytest.fixture
def linked(session: Session, app: Flask, google: StandIn, member: Member) -> Mailbox:
    """Alice's linked mailbox, the stand-in's account `DEMO`."""
    mailbox = make_mailbox(session, member, email=DEMO, history_id=None)
    seal_refresh_token(mailbox, grant_access(app.config["SETTINGS"], google))
    session.commit()
    return mailbox
