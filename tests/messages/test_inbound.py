"""What comes into a mailbox becomes an event when it answers one of our copies, and leaves no trace otherwise."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from server.accounts.models import Member, Workspace
from server.clock import now
from server.errors import Unreadable
from server.events.models import Event
from server.gmail.answers import RawMail
from server.gmail.models import Mailbox
from server.messages.inbound import forget, receive
from server.messages.models import Copy, InboundMail
from tests.factories import make_copy, make_mailbox, make_member

MAIL = Path(__file__).parent / "mail"
OURS = "<CAWarm0001@mail.gmail.com>"
RECIPIENTS = ("flynn@flynnsarcade.example", "Alan@encom.example", "lora@encom.example")

Deliver = Callable[..., list[Event]]


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    return make_mailbox(session, alice)


@pytest.fixture
def copy(session: Session, mailbox: Mailbox) -> Copy:
    sent_at = now() - timedelta(hours=1)
    return make_copy(session, mailbox, *RECIPIENTS, rfc822_message_id=OURS, gmail_thread_id="t1", sent_at=sent_at)


@pytest.fixture
def deliver(session: Session, mailbox: Mailbox, copy: Copy) -> Deliver:
    """Deliver a mail of the corpus and return all events."""

    def deliver(name: str, into: Mailbox | None = None, **fields: object) -> list[Event]:
        raw = (MAIL / f"{name}.eml").read_bytes()
        defaults: dict[str, object] = {"gmail_id": name, "thread_id": "other", "label_ids": frozenset({"INBOX"})}
        mail = RawMail(**{**defaults, "raw": raw, "received_at": now(), **fields})  # type: ignore[arg-type]
        receive(session, into or mailbox, mail)
        session.commit()
        return list(session.exec(select(Event).order_by(col(Event.id))))

    return deliver


def test_a_reply_names_its_real_sender_from_any_address(deliver: Deliver, copy: Copy) -> None:
    [event] = deliver("reply_from_other_address")
    assert (event.kind, event.person_name, event.person_address) == (
        "replied", "Flynn, Kevin", "kevinf@flynnsarcade.example",
    )  # fmt: skip
    assert (event.copy_id, event.recipient_id) == (copy.id, None)


def test_a_reply_from_a_cc_is_theirs(deliver: Deliver) -> None:
    [event] = deliver("reply_from_outlook")
    assert (event.kind, event.person_address) == ("replied", "alan@encom.example")
    assert event.recipient_id is not None


def test_a_reply_is_counted_on_its_copy(session: Session, deliver: Deliver, copy: Copy) -> None:
    deliver("reply")
    session.refresh(copy)
    assert (copy.replies, copy.bounces) == (1, 0)


def test_an_automatic_reply_is_no_reply(session: Session, deliver: Deliver, copy: Copy) -> None:
    events = [*deliver("gmail_vacation"), *deliver("outlook_out_of_office")]
    session.refresh(copy)
    assert {event.kind for event in events} == {"auto_replied"}
    assert copy.replies == 0


def test_a_bounce_names_who_did_not_get_the_mail(session: Session, deliver: Deliver, copy: Copy) -> None:
    events = deliver("exchange_ndr")
    session.refresh(copy)
    assert [(e.kind, e.person_address, e.details["category"], e.details["status"]) for e in events] == [
        ("bounced", "Alan@encom.example", "soft", "5.2.2"),
        ("bounced", "lora@encom.example", "soft", "5.7.1"),
    ]
    assert all(event.recipient_id is not None for event in events)
    assert (copy.replies, copy.bounces) == (0, 2)


@pytest.mark.parametrize("name", ["postfix_headers_only", "qmail_bounce"])
def test_a_bounce_is_matched_by_the_mail_it_carries(deliver: Deliver, name: str) -> None:
    [event] = deliver(name)
    assert (event.kind, event.person_address) == ("bounced", "Alan@encom.example")


def test_a_bounce_that_names_nobody_is_still_a_bounce(deliver: Deliver, copy: Copy) -> None:
    [event] = deliver("broken_report")
    assert (event.kind, event.copy_id, event.recipient_id) == ("bounced", copy.id, None)


@pytest.mark.parametrize("name", ["stranger", "gmail_delay", "own_reply"])
def test_what_answers_nothing_of_ours_leaves_no_trace(session: Session, deliver: Deliver, name: str) -> None:
    assert deliver(name) == []
    assert session.exec(select(InboundMail)).all() == []


def test_mail_that_the_member_sent_is_ignored(deliver: Deliver) -> None:
    assert deliver("reply", label_ids=frozenset({"SENT", "INBOX"})) == []


def test_any_address_of_the_member_is_their_own(session: Session, deliver: Deliver, alice: Member) -> None:
    make_mailbox(session, alice, email="flynn@flynnsarcade.example")
    assert deliver("reply") == []


def test_without_references_the_thread_tells(deliver: Deliver, copy: Copy) -> None:
    [event] = deliver("stranger", thread_id="t1")
    assert (event.kind, event.copy_id, event.person_address) == ("replied", copy.id, "news@elsewhere.example")


def test_references_go_before_the_thread(session: Session, deliver: Deliver, mailbox: Mailbox, copy: Copy) -> None:
    make_copy(session, mailbox, "x@x.example", rfc822_message_id="<second@x>", gmail_thread_id="t1")
    [event] = deliver("reply", thread_id="t1")
    assert event.copy_id == copy.id


def test_a_mail_that_comes_twice_is_one_event(deliver: Deliver) -> None:
    deliver("reply")
    assert len(deliver("reply")) == 1


def test_a_mail_in_two_mailboxes_of_the_member_is_one_event(session: Session, deliver: Deliver, alice: Member) -> None:
    deliver("reply")
    second = make_mailbox(session, alice, email="alice@elsewhere.example")
    assert len(deliver("reply", into=second, gmail_id="g2")) == 1


def test_a_colleagues_mailbox_adds_nothing_to_my_mail(session: Session, deliver: Deliver, alice: Member) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    assert deliver("reply", into=make_mailbox(session, bob)) == []


def test_only_headers_are_kept(session: Session, deliver: Deliver, mailbox: Mailbox) -> None:
    deliver("reply")
    [row] = session.exec(select(InboundMail)).all()
    assert (row.kind, row.sender_name, row.subject) == ("reply", "Kevin Flynn", "Re: Lunch on Thursday?")
    assert "noon" not in str(row.model_dump())
    forget(session, mailbox)
    assert session.exec(select(InboundMail)).all() == []


def test_a_reply_without_a_sender_is_set_aside(deliver: Deliver) -> None:
    raw = f"Subject: Re\r\nIn-Reply-To: {OURS}\r\n\r\nHi".encode()
    with pytest.raises(Unreadable):
        deliver("reply", raw=raw)


def test_a_complaint_is_recorded_of_who_complained(session: Session, deliver: Deliver, copy: Copy) -> None:
    [event] = deliver("complaint")
    assert (event.kind, event.details, event.is_shown) == ("complained", {"type": "abuse"}, True)
