"""From compose to the event log and back through Gmail: what recipients do with a mail becomes events."""

import base64

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server import jobs, recurring
from server.accounts.models import Member
from server.events.models import Event
from server.gmail.client import Gmail
from server.gmail.models import Mailbox
from server.messages.compose import Draft, compose
from server.messages.html import parse_body
from server.messages.models import Copy
from server.tracking.tokens import is_own_url
from tests.stand_in import ALAN, DEMO, FLYNN, KEVIN, StandIn

NOBODY = "nobody@flynnsarcade.com"


@pytest.fixture
def sent(session: Session, google: StandIn, member: Member, linked: Mailbox) -> Copy:
    """A mail to Flynn with Alan in CC, sent."""
    with Gmail.open(linked) as gmail:
        linked.history_id = gmail.get_profile().history_id
    html = '<p>Lunch? <a href="https://x.example/?a=1&amp;b=2#c">Here</a></p>'
    compose(session, member, linked, Draft(to=[FLYNN], cc=[ALAN], subject="Lunch?", html=html))
    session.commit()
    copy = session.exec(select(Copy)).one()
    session.commit()
    jobs.send_copy(copy.id)
    session.refresh(copy)
    session.commit()
    return copy


def sync(session: Session, linked: Mailbox) -> list[Event]:
    """Take in what came, and return all events."""
    linked.sync_wanted_at = None
    session.commit()
    recurring.want_due_polls()
    jobs.sync_mailbox(linked.id)
    events = list(session.exec(select(Event).order_by(col(Event.id))))
    session.commit()
    return events


def test_the_recipient_gets_pixel_and_wrapped_link(app: Flask, google: StandIn, sent: Copy) -> None:
    [mail] = google.list_inbox(FLYNN)
    html = next(part for part in mail["payload"]["parts"] if part["mimeType"] == "text/html")["body"]["data"]
    body = parse_body(base64.urlsafe_b64decode(html + "==").decode())
    config = app.config["SETTINGS"]
    assert [is_own_url(config, node.attributes["src"] or "") for node in body.css("img")] == [True]
    links = [node.attributes["href"] or "" for node in body.css("a")]
    written, hidden, notice = (link.removeprefix(config.edge_base_url)[:3] for link in links)
    assert (written, hidden, notice) == ("/c/", "/c/", "/y/")


def test_an_answer_from_another_address_is_a_reply(
    session: Session, google: StandIn, linked: Mailbox, sent: Copy
) -> None:
    google.send(KEVIN, DEMO, "Re: Lunch?", References=sent.rfc822_message_id)
    [event] = sync(session, linked)
    assert (event.kind, event.person_address, event.message_id) == ("replied", KEVIN, sent.message_id)


def test_cc_and_automatic_answers_are_told_apart(
    session: Session, google: StandIn, linked: Mailbox, sent: Copy
) -> None:
    google.send(ALAN, DEMO, "Re: Lunch?", In_Reply_To=sent.rfc822_message_id)
    google.send(FLYNN, DEMO, "Out of office", In_Reply_To=sent.rfc822_message_id, Auto_Submitted="auto-replied")
    google.send(FLYNN, DEMO, "Something else")
    events = sync(session, linked)
    assert [(event.kind, event.person_address) for event in events] == [("replied", ALAN), ("auto_replied", FLYNN)]
    assert len(sync(session, linked)) == 2


def test_a_bounce_is_no_reply_although_it_carries_our_references(
    session: Session, google: StandIn, member: Member, linked: Mailbox, sent: Copy
) -> None:
    message = compose(session, member, linked, Draft(to=[NOBODY], subject="Lunch?", html="<p>Hi</p>"))
    copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
    session.commit()
    jobs.send_copy(copy.id)
    [event] = sync(session, linked)
    session.refresh(copy)
    session.commit()
    assert (event.kind, event.person_address, event.details["category"]) == ("bounced", NOBODY, "hard")
    assert (copy.bounces, copy.replies) == (1, 0)
