"""`campaign:` finds what came of a campaign's mails, by its name, with one query for a page of rows."""

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.scope import Scope
from server.campaigns.models import Campaign
from server.feed.campaigns import name_campaigns, read_named_after
from server.feed.queries import read_page
from server.messages.models import Copy, Message
from tests.factories import add, make_copy, make_mailbox, make_member
from tests.feed.events import make_event
from tests.sign_in import sign_in


@pytest.fixture
def alice(session: Session) -> Member:
    """Alice, with an event of a campaign's mail, and one of another mail."""
    alice = make_member(session)
    mailbox = make_mailbox(session, alice)
    copies = [make_copy(session, mailbox, subject=subject) for subject in ("Cabinets", "Lunch")]
    campaign = add(session, Campaign(workspace_id=alice.workspace_id, member_id=alice.id, name="Spring Été 2026"))
    _put_into(session, copies[0], campaign)
    for minute, copy in enumerate(copies):
        make_event(session, alice, minute, copy_id=copy.id, message_id=copy.message_id, subject=copy.subject)
    session.commit()
    return alice


def _put_into(session: Session, copy: Copy, campaign: Campaign) -> None:
    message = session.get_one(Message, copy.message_id)
    message.campaign_id = campaign.id
    copy.subject = message.subject
    session.add(message)


@pytest.mark.parametrize(
    "search", ["campaign:spring", "campaign:ete", 'campaign:"spring ete"', "is:viewed campaign:2026"]
)
def test_a_search_finds_what_came_of_a_campaign(client: FlaskClient, alice: Member, search: str) -> None:
    sign_in(client, alice)
    page = client.get("/", query_string={"q": search}).text
    assert "Cabinets" in page and "Lunch" not in page


def test_a_subject_is_no_campaign(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    assert "Cabinets" not in client.get("/?q=campaign:cabinets").text
    assert "Cabinets" not in client.get("/?q=subject:spring").text


def test_rows_of_the_stream_know_their_campaign(session: Session, alice: Member) -> None:
    rows = read_named_after(session, 0, limit=10)
    assert [row.campaign for row in rows] == ["Spring Été 2026", ""]
    page = read_page(session, Scope(alice.workspace_id, alice.id))
    assert [row.campaign for row in name_campaigns(session, page.rows)] == ["", "Spring Été 2026"]
    assert name_campaigns(session, []) == []
