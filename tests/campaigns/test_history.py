"""What a campaign's history keeps: whose hand it was, what became of each person, and nothing that names a person."""

from datetime import timedelta

import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import by_hand, campaigns
from server.campaigns.history.history import read_history
from server.campaigns.history.models import Change
from server.campaigns.history.words import tell_change
from server.campaigns.models import Campaign, Enrolment
from server.campaigns.stops import stop_on_reply
from server.clock import now
from server.gmail.models import Mailbox
from server.messages.models import Copy, InboundKind, InboundMail
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, work
from tests.factories import add


def told(session: Session, campaign: Campaign) -> list[tuple[str, str, str, str]]:
    """Return the kind, whose hand, about whom and why of each change, the oldest first."""
    found, _next = read_history(session, campaign.id)
    return [(one.change.kind, one.member_name, one.person_name, one.change.reason) for one in reversed(found)]


def answer_first(session: Session, mailbox: Mailbox) -> None:
    """Let whoever got the first mail answer it."""
    copy = session.exec(select(Copy).order_by(col(Copy.id))).first()
    assert copy is not None
    mail = InboundMail(
        mailbox_id=mailbox.id, copy_id=copy.id, gmail_id="reply", kind=InboundKind.REPLY, subject="Re: Hello",
        sender_address="kevin@prospect.example", received_at=now(),
    )  # fmt: skip
    stop_on_reply(session, copy, add(session, mail))


def test_it_tells_who_did_what_and_how_each_way_ended(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 4)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    for _second in range(4):
        send_all(session)
        clock.shift(1)
        work(session, campaign)
    first, second, third, _fourth = session.exec(select(Enrolment).order_by(col(Enrolment.id)))
    by_hand.hold(session, first, alice)
    by_hand.resume(session, first, alice)
    by_hand.skip(session, second, alice)
    by_hand.end(session, third, alice)
    answer_first(session, mailbox)
    campaigns.pause(session, campaign, alice)
    campaigns.resume(session, campaign, alice)
    campaigns.finish(session, campaign, alice)
    session.commit()
    name = alice.name
    happened = told(session, campaign)
    assert happened[:2] == [("confirmed", "", "", ""), ("run_started", "", "", "1")]
    assert happened[2:7] == [
        ("person_held", name, "Person 1", "held_by_hand"),
        ("person_resumed", name, "Person 1", ""),
        ("step_skipped", name, "Person 2", "3"),
        ("person_ended", name, "Person 3", "by_hand"),
        ("person_ended", "", "Person 1", "replied"),
    ]
    assert happened[7:10] == [(kind, name, "", "") for kind in ("paused", "resumed", "ended")]
    assert sorted(happened[10:]) == [("person_ended", name, f"Person {number}", "campaign_ended") for number in (2, 4)]


def test_ends_by_steps_and_runs_are_told_too(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=10))
    for _round in range(3):
        work(session, campaign)
        send_all(session)
        work(session, campaign)
        clock.shift(timedelta(days=2))
    work(session, campaign)
    assert told(session, campaign)[2:] == [("person_ended", "", "Person 1", "finished"), ("run_done", "", "", "1")]


def test_a_page_of_it_ends_where_the_next_begins(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    campaign = make_campaign(session, alice, mailbox)
    campaigns.undo_confirmation(session, campaign, alice)
    campaigns.confirm(session, campaign, alice)
    page, following = read_history(session, campaign.id, limit=2)
    rest, end = read_history(session, campaign.id, following, limit=2)
    assert [one.change.kind for one in page] == ["confirmed", "undone"]
    assert [one.change.kind for one in rest] == ["confirmed"]
    assert end is None


def test_every_kind_has_its_words(session: Session, alice: Member, mailbox: Mailbox) -> None:
    campaign = make_campaign(session, alice, mailbox)
    campaigns.undo_confirmation(session, campaign, alice)
    [undone, confirmed] = read_history(session, campaign.id)[0]
    assert tell_change(undone) == ("undo-2", f"{alice.name} took the confirmation back")
    assert tell_change(confirmed) == ("calendar-check", "Somebody confirmed the campaign")


def test_what_stands_behind_a_reason_is_not_kept(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 2)
    for person in people:
        person.company = "ENCOM"
        session.add(person)
    campaign = make_campaign(session, alice, mailbox, pauses_company=True)
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    send_all(session)
    work(session, campaign)
    answer_first(session, mailbox)
    assert {row.reason for row in session.exec(select(Change))} >= {"replied", "colleague_replied"}
    assert not any("@" in row.reason for row in session.exec(select(Change)))
