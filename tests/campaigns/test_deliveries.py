"""Who is excluded and why, what is tried again, and that each step reaches each person once."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import advance, campaigns, deliveries, runs
from server.campaigns.models import CampaignState, Delivery, Enrolment, Run, Sender
from server.campaigns.steps import StepPlan, Text
from server.consent.models import Reason
from server.consent.suppression import lift, suppress
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, CopyState
from server.people.addresses import write_addresses
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, ways, work

ONE = (StepPlan("email", texts=[Text("Hello", "<p>Hello</p>")]),)


def begin(session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller, **plan: object) -> object:
    campaign = make_campaign(session, alice, mailbox, **{"steps": ONE, **plan})
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    return campaign


def test_each_exclusion_has_its_reason(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 8)
    reasons = (Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.HARD_BOUNCE, Reason.SOFT_BOUNCES, Reason.BY_MEMBER)
    for person, reason in zip(people, reasons, strict=False):
        suppress(session, alice.workspace_id, f"person{people.index(person) + 1}@prospect.example", reason)
    write_addresses(session, people[5], [])
    people[6].owner_id = None
    session.add(people[6])
    begin(session, alice, mailbox, clock, audience={"any": [{"owner": "me"}, {"owner": "nobody"}]}, sender=Sender.OWNER)
    assert states(session) == [
        ("excluded", "unsubscribed"), ("excluded", "complained"), ("excluded", "hard_bounce"),
        ("excluded", "soft_bounces"), ("excluded", "by_member"), ("excluded", "no_address"),
        ("excluded", "not_assigned"), ("queued", ""),
    ]  # fmt: skip


def test_an_owner_without_a_mailbox_and_a_field_without_a_value_exclude(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 2)
    steps = (StepPlan("email", texts=[Text("Hello", "<p>{{company}}</p>")]),)
    begin(session, alice, mailbox, clock, steps=steps)
    clock.shift(2)
    mailbox.state = MailboxState.DISCONNECTED
    session.add(mailbox)
    session.execute(update(Enrolment).where(col(Enrolment.state) == "active").values(due_at=START))
    session.commit()
    for campaign_id in advance.find_due(session):
        advance.advance_batch(session, campaign_id)
    session.commit()
    assert states(session) == [("excluded", "missing_field:company"), ("excluded", "no_mailbox")]


def test_whoever_objects_after_the_start_gets_nothing_more(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    send_all(session)
    work(session, campaign)
    suppress(session, alice.workspace_id, "person1@prospect.example", Reason.UNSUBSCRIBED)
    clock.shift(timedelta(days=2))
    work(session, campaign)
    assert states(session) == [("sent", ""), ("excluded", "unsubscribed")]
    assert ways(session) == [("ended", "excluded", 3)]


def test_preparing_again_after_a_kill_enrols_nobody_twice(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 5)
    campaign = begin(session, alice, mailbox, clock)
    run = session.exec(select(Run)).one()
    runs.enrol(session, campaign, run, [person.id for person in people])  # type: ignore[arg-type]
    session.commit()
    assert len(session.exec(select(Enrolment)).all()) == 5


def test_what_gmail_did_not_take_in_84_hours_is_an_error_and_can_be_tried_again(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    campaign = begin(session, alice, mailbox, clock)
    clock.shift(timedelta(hours=83))
    work(session, campaign)  # type: ignore[arg-type]
    assert states(session) == [("queued", "")]
    clock.shift(timedelta(hours=1, seconds=1))
    work(session, campaign)  # type: ignore[arg-type]
    assert states(session) == [("error", "retry_window")]
    [delivery] = session.exec(select(Delivery)).all()
    deliveries.try_again(session, delivery.campaign_id, delivery.id)
    session.commit()
    with pytest.raises(Refused):
        deliveries.try_again(session, delivery.campaign_id, delivery.id)
    assert [copy.state for copy in session.exec(select(Copy))] == [CopyState.QUEUED]
    send_all(session)
    for _look in range(2):
        work(session, campaign)  # type: ignore[arg-type]
    assert (states(session), ways(session)) == ([("sent", "")], [("ended", "finished", 2)])


def test_settling_twice_moves_nobody_on_twice(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    send_all(session)
    work(session, campaign)
    [delivery], [enrolment] = session.exec(select(Delivery)).all(), session.exec(select(Enrolment)).all()
    before = enrolment.position
    deliveries.go_on(session, enrolment, delivery)
    assert enrolment.position == before


def test_a_recurring_campaign_takes_its_audience_again_and_nobody_who_is_under_way(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 2)
    campaign = make_campaign(session, alice, mailbox, recurrence="daily")
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    clock.shift(timedelta(days=1))
    work(session, campaign)
    assert [run.number for run in session.exec(select(Run).order_by(col(Run.number)))] == [1, 2]
    assert states(session)[-2:] == [("excluded", "already_enrolled")] * 2


def test_finishing_ends_all_and_undoing_makes_a_draft_again(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 2)
    other = make_campaign(session, alice, mailbox, ONE)
    campaigns.undo_confirmation(session, other)
    assert other.state == CampaignState.DRAFT
    campaign = begin(session, alice, mailbox, clock)
    with pytest.raises(Refused):
        campaigns.undo_confirmation(session, campaign)  # type: ignore[arg-type]
    campaigns.pause(session, campaign)  # type: ignore[arg-type]
    session.commit()
    assert session.exec(select(Copy)).all() == []
    campaigns.finish(session, campaign)  # type: ignore[arg-type]
    session.commit()
    assert {way[:2] for way in ways(session)} == {("ended", "by_hand")}
    assert {state for state, _reason in states(session)} == {"cancelled"}


def test_nobody_gets_a_recurring_campaign_twice_and_who_replied_never_again(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 3)
    suppress(session, alice.workspace_id, "person3@prospect.example", Reason.BY_MEMBER)
    session.commit()
    campaign = make_campaign(session, alice, mailbox, ONE, recurrence="daily")
    clock.move_to(START + timedelta(seconds=10))
    for _second in range(4):
        work(session, campaign)
        send_all(session)
        clock.shift(1)
    work(session, campaign)
    session.execute(update(Enrolment).where(col(Enrolment.person_id) == people[0].id).values(end_reason="replied"))
    lift(session, alice.workspace_id, "person3@prospect.example")
    session.commit()
    clock.shift(timedelta(days=1))
    work(session, campaign)
    assert states(session)[3:] == [("excluded", "replied"), ("excluded", "finished"), ("queued", "")]
