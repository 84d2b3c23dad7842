"""From Gmail's compose to a reply: prepared here, sent by Gmail, found by the sync, answered, and in the feed."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server import jobs, recurring
from server.accounts.models import Member, TokenKind
from server.accounts.tokens import create_token
from server.events.models import Event
from server.gmail.access import seal_refresh_token
from server.gmail.client import Gmail
from server.gmail.models import Mailbox, QuarantinedMail
from server.messages.models import Copy, CopyState, InboundMail
from server.people.models import PersonAddress
from tests.factories import make_mailbox
from tests.gmail.conftest import grant_access
from tests.sidebar.conftest import Device
from tests.stand_in import DEMO, FLYNN, KEVIN, LORA, StandIn, stand_in, stand_in_server

__all__ = ["stand_in", "stand_in_server"]

HTML = '<div dir="ltr">Lunch? <a href="https://x.example/?a=1&amp;b=2#c">Here</a></div>'


@pytest.fixture
def google(app: Flask, stand_in: StandIn) -> StandIn:
    """The stand-in, as the Google of this installation."""
    app.config["SETTINGS"] = stand_in.point(app.config["SETTINGS"])
    return stand_in


@pytest.fixture
def linked(session: Session, app: Flask, google: StandIn, alice: Member) -> Mailbox:
    """Alice's linked mailbox, the stand-in's account `DEMO`, read up to now."""
    mailbox = make_mailbox(session, alice, email=DEMO, history_id=None)
    seal_refresh_token(mailbox, grant_access(app.config["SETTINGS"], google))
    with Gmail.open(mailbox) as gmail:
        mailbox.history_id = gmail.get_profile().history_id
    session.commit()
    return mailbox


@pytest.fixture
def gmail(app: Flask, session: Session, linked: Mailbox, alice: Member) -> Device:
    """Gmail's page with the extension in it."""
    token = create_token(session, alice, "Chrome on Linux", TokenKind.DEVICE)
    session.commit()
    return Device(app, token)


def prepare(gmail: Device, **changes: Any) -> dict[str, Any]:
    body = {"mailbox": DEMO, "subject": "Lunch?", "html": HTML, "to": [FLYNN], **changes}
    told: dict[str, Any] = gmail.post("/extension/mail", json=body).get_json()
    return told


def send_from_page(google: StandIn, html: str, **more: Any) -> dict[str, Any]:
    body = {"account": DEMO, "to": [FLYNN], "subject": "Lunch?", "html": html, **more}
    sent: dict[str, Any] = google.steer("POST", "page-sends", body)
    return sent


def sync(session: Session, linked: Mailbox) -> list[Event]:
    """Take in what is new, and return all events."""
    linked.sync_wanted_at = None
    session.add(linked)
    session.commit()
    recurring.want_due_polls()
    jobs.sync_mailbox(linked.id)
    session.expire_all()
    events = list(session.exec(select(Event).order_by(col(Event.id))))
    session.commit()
    return events


def get_copy(session: Session) -> Copy:
    copy = session.exec(select(Copy)).one()
    session.commit()
    return copy


def test_what_gmail_sent_is_known_by_its_message_id_and_thread_and_a_reply_counts(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    told = prepare(gmail)
    sent = send_from_page(google, told["html"])
    assert sync(session, linked) == []
    copy = get_copy(session)
    assert (copy.state, copy.gmail_id, copy.gmail_thread_id) == (CopyState.SENT, sent["id"], sent["threadId"])
    assert copy.rfc822_message_id == sent["messageId"]
    assert copy.sent_at is not None
    assert session.exec(select(PersonAddress.email)).all() == [FLYNN]
    google.send(KEVIN, DEMO, "Re: Lunch?", References=sent["messageId"])
    [event] = sync(session, linked)
    assert (event.kind, event.person_address, event.message_id) == ("replied", KEVIN, told["id"])
    marks = gmail.post("/extension/marks", json={"thread_ids": [sent["threadId"]]}).get_json()["marks"]
    assert marks[sent["threadId"]]["state"] == "confirmed"
    assert marks[sent["threadId"]]["replies"] == 1


def test_a_mail_and_its_reply_that_come_in_one_sync_are_told_apart(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    sent = send_from_page(google, prepare(gmail)["html"])
    google.send(FLYNN, DEMO, "Re: Lunch?", In_Reply_To=sent["messageId"])
    assert [event.kind for event in sync(session, linked)] == ["replied"]


def test_so_they_are_after_the_history_was_lost(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    sent = send_from_page(google, prepare(gmail)["html"])
    google.send(FLYNN, DEMO, "Re: Lunch?", In_Reply_To=sent["messageId"])
    google.steer("POST", "expire", {"email": DEMO, "what": "history"})
    assert [event.kind for event in sync(session, linked)] == ["replied"]
    assert get_copy(session).rfc822_message_id == sent["messageId"]


def test_an_answer_in_gmail_stays_in_its_thread(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    google.send(LORA, DEMO, "A question")
    [asked] = google.list_inbox(DEMO)
    html = prepare(gmail, subject="Re: A question", to=[LORA], gmail_thread_id=asked["threadId"])["html"]
    sent = send_from_page(google, html, to=[LORA], subject="Re: A question", in_reply_to=asked["id"])
    sync(session, linked)
    assert sent["threadId"] == asked["threadId"] == get_copy(session).gmail_thread_id


def test_mail_that_was_not_handed_out_is_not_even_fetched(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    send_from_page(google, "<p>Private</p>")
    google.script({"match": "messages.get", "fault": {"delay": 0}})
    sync(session, linked)
    assert google.steer("GET", "faults")[0]["hits"] == 0


def test_other_sent_mail_is_looked_at_while_one_is_awaited_and_leaves_no_trace(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    prepare(gmail)
    send_from_page(google, "<p>Private</p>")
    assert sync(session, linked) == []
    assert get_copy(session).state == CopyState.HANDED
    assert session.exec(select(InboundMail)).all() == []
    assert session.exec(select(QuarantinedMail)).all() == []
    session.commit()


def test_a_mail_is_found_once_however_often_it_comes(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device
) -> None:
    start = linked.history_id
    sent = send_from_page(google, prepare(gmail)["html"])
    sync(session, linked)
    first = get_copy(session).sent_at
    linked.history_id = start
    session.add(linked)
    prepare(gmail, subject="Another")
    sync(session, linked)
    known = session.exec(select(Copy).where(Copy.gmail_id == sent["id"])).one()
    assert known.sent_at == first
    session.commit()


def test_a_colleague_cannot_have_their_mail_found_in_another_mailbox(
    session: Session, google: StandIn, linked: Mailbox, gmail: Device, alice: Member
) -> None:
    html = prepare(gmail)["html"]
    elsewhere = make_mailbox(session, alice, email="second@acme.example")
    copy = session.exec(select(Copy)).one()
    copy.mailbox_id = elsewhere.id
    session.add(copy)
    session.commit()
    send_from_page(google, html)
    sync(session, linked)
    assert get_copy(session).state == CopyState.HANDED
