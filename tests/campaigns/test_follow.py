"""What campaigns make of events: clicks and meetings that end a way, objections, bounces, and events that start one."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import stops
from server.campaigns.follow import follow_batch
from server.campaigns.models import Campaign, CampaignKind, Enrolment
from server.clock import now
from server.events.models import EventKind
from server.events.record import Fact, record
from server.gmail.models import Mailbox
from server.messages.models import Copy, InboundMail
from server.people.people import ensure_person
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, ways, work

FIREFOX = {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "81.2.69.142"}


def begin(session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller, **plan: Any) -> Campaign:
    follow_batch(session)
    campaign = make_campaign(session, alice, mailbox, **plan)
    clock.move_to(START + timedelta(seconds=10))
    for _second in range(4):
        work(session, campaign)
        send_all(session)
        clock.shift(1)
    work(session, campaign)
    clock.shift(timedelta(hours=1))
    return campaign


def happen(session: Session, kind: EventKind, number: int = 1, **fields: Any) -> None:
    copy = session.exec(select(Copy).order_by(col(Copy.id)).limit(1)).one()
    given = {"copy_id": copy.id, "evidence": FIREFOX, **fields}
    record(session, [Fact(kind, now(), f"{kind}-{number:024x}"[:32], **given)])
    session.commit()
    follow_batch(session)
    session.commit()


@pytest.mark.parametrize(
    ("kind", "details", "reason", "state"),
    [
        (EventKind.UNSUBSCRIBED, {}, "unsubscribed", "sent"),
        (EventKind.COMPLAINED, {}, "complained", "sent"),
        (EventKind.BOUNCED, {"category": "hard", "status": "5.1.1"}, "bounced", "bounced"),
        (EventKind.BOUNCED, {"category": "soft", "status": "4.2.2"}, "", "bounced"),
        (EventKind.BOUNCED, {"category": "ignored"}, "", "bounced"),
        (EventKind.CLICKED, {}, "clicked", "sent"),
        (EventKind.VIEWED, {}, "", "sent"),
    ],
)
def test_an_event_ends_the_way_or_does_not(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller,
    kind: EventKind, details: dict[str, str], reason: str, state: str,
) -> None:  # fmt: skip
    add_people(session, alice, 2)
    begin(session, alice, mailbox, clock, stops_on_click=True)
    happen(session, kind, details=details)
    assert [end for _state, end, _position in ways(session)] == [reason, ""]
    assert states(session)[0][0] == state


def test_a_click_ends_nothing_unless_the_campaign_says_so(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    begin(session, alice, mailbox, clock)
    happen(session, EventKind.CLICKED)
    assert ways(session) == [("active", "", 3)]


def test_a_booked_meeting_ends_the_way(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 2)
    begin(session, alice, mailbox, clock)
    happen(
        session, EventKind.INTERESTING_MOMENT, copy_id=None, workspace_id=alice.workspace_id, subject="A demo",
        person_address="person2@prospect.example", details={"type": "meeting_booked"}, evidence={},
    )  # fmt: skip
    assert [end for _state, end, _position in ways(session)] == ["", "meeting_booked"]


def test_a_reply_holds_the_colleagues_back_for_a_week(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 3)
    for person in people[:2]:
        person.company = "Encom"
        session.add(person)
    begin(session, alice, mailbox, clock, pauses_company=True)
    copy = session.exec(select(Copy).order_by(col(Copy.id)).limit(1)).one()
    mail = InboundMail(mailbox_id=mailbox.id, copy_id=copy.id, gmail_id="1", kind="reply",
                       sender_address="boss@encom.example", received_at=now())  # fmt: skip
    session.add(mail)
    session.flush()
    stops.stop_on_reply(session, copy, mail)
    session.commit()
    assert [way[:2] for way in ways(session)] == [("ended", "replied"), ("paused", ""), ("active", "")]
    held = session.exec(select(Enrolment).where(Enrolment.state == "paused")).one()
    assert (held.paused_reason, held.paused_until) == (
        "colleague_replied:boss@encom.example",
        now() + timedelta(days=7),
    )
    clock.shift(timedelta(days=7))
    assert stops.has_due_return(session)
    stops.resume_due(session)
    session.commit()
    assert ways(session)[1][:2] == ("active", "")


def test_an_event_starts_a_trigger_campaign_once_for_whom_it_means(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    first = begin(session, alice, mailbox, clock)
    ensure_person(session, alice.workspace_id, alice.id, "other@prospect.example", "Other")
    kind = {"kind": CampaignKind.TRIGGER, "trigger": {"kind": "clicked", "contains": "pricing"}}
    follows = make_campaign(session, alice, mailbox, **kind)
    strict = make_campaign(session, alice, mailbox, **kind | {"audience": {"owner": "nobody"}})
    clock.shift(10)
    work(session, follows)
    happen(session, EventKind.CLICKED, 1, link_target="https://a.example/blog")
    assert {row.campaign_id for row in session.exec(select(Enrolment))} == {first.id}
    for number in (2, 3):
        happen(session, EventKind.CLICKED, number, link_target="https://a.example/Pricing")
    assert sorted(row.campaign_id for row in session.exec(select(Enrolment))) == [first.id, follows.id]
    assert strict.id not in {row.campaign_id for row in session.exec(select(Enrolment))}
