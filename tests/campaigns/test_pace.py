"""When a mailbox sends: within days and hours of the wall clock, no faster and no more a day than it may."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns.models import Delivery, Enrolment, MailboxPace
from server.campaigns.pace import Planner, Window, most_per_day
from server.gmail.models import Mailbox
from tests.campaigns.conftest import START, add_people, make_campaign, work

WORKDAYS = frozenset({1, 2, 3, 4, 5})
BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = Window(WORKDAYS, 9 * 60, 17 * 60, BERLIN)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-27T12:00", "2026-03-27T12:00"),  # a Friday, open
        ("2026-03-27T07:00", "2026-03-27T08:00"),  # nine o'clock in winter
        ("2026-03-27T16:00", "2026-03-30T07:00"),  # over the weekend on which the clocks change
        ("2026-03-28T12:00", "2026-03-30T07:00"),
        ("2026-10-23T15:00", "2026-10-26T08:00"),  # and change back
        ("2026-10-23T14:59", "2026-10-23T14:59"),
    ],
)
def test_the_window_is_by_the_clock_on_the_wall(at: str, opens: str) -> None:
    found = NINE_TO_FIVE.next_open(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(opens).replace(tzinfo=UTC)


def test_a_window_on_one_day_a_week_opens_again_after_seven() -> None:
    window = Window(frozenset({1}), 9 * 60, 10 * 60, ZoneInfo("UTC"))
    assert window.next_open(datetime(2026, 3, 2, 10, tzinfo=UTC)) == datetime(2026, 3, 9, 9, tzinfo=UTC)


def test_a_mailbox_sends_no_faster_than_it_may_whichever_campaign_asks(
    session: Session, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    always, slots = Window(frozenset(range(1, 8)), 0, 24 * 60, ZoneInfo("UTC")), []
    for _batch in range(3):
        planner = Planner(session, mailbox.id, 10, 2000, START)
        slots += [planner.give(always) for _ in range(5)]
        planner.save()
        session.commit()
    gaps = {later.at - earlier.at for earlier, later in pairwise(slots)}
    assert (slots[0].at, gaps) == (START, {timedelta(seconds=6)})


def test_beyond_the_days_limit_each_asks_again_on_a_day_that_has_room(
    session: Session, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    planner = Planner(session, mailbox.id, 60, 3, START)
    slots = [planner.give(NINE_TO_FIVE) for _ in range(3 + 3 * 6)]
    assert [slot.is_taken for slot in slots[:4]] == [True, True, True, False]
    days = [slot.at.date() for slot in slots[3:]]
    assert days[:6] == [date(2026, 3, 3)] * 3 + [date(2026, 3, 4)] * 3
    assert all(day.isoweekday() in WORKDAYS for day in days)


def test_a_campaign_goes_through_all_in_about_two_looks_a_mail(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 12)
    campaign = make_campaign(session, alice, mailbox, per_day=3)
    clock.move_to(START + timedelta(seconds=10))
    for _day in range(7):
        for _second in range(5):
            work(session, campaign)
            clock.shift(1)
        clock.shift(timedelta(hours=24, seconds=-5))
    queued = [row.queued_at.date() for row in session.exec(select(Delivery)) if row.queued_at is not None]
    assert sorted(queued) == [date(2026, 3, day) for day in (2, 3, 4, 5) for _mail in range(3)]


def test_the_recipients_own_clock_counts_where_it_is_known(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    tokyo, unknown = add_people(session, alice, 2)
    tokyo.time_zone, unknown.time_zone = "Asia/Tokyo", "No/Where"
    session.add(tokyo)
    session.add(unknown)
    campaign = make_campaign(session, alice, mailbox, zone_of="recipient")
    clock.move_to(START + timedelta(seconds=10))  # ten in London, seven in the evening in Tokyo
    work(session, campaign)
    rows = session.exec(select(Enrolment).order_by(col(Enrolment.person_id))).all()
    assert rows[0].due_at == datetime(2026, 3, 3, 0, tzinfo=UTC)
    assert rows[1].due_at >= START + timedelta(hours=84)  # queued


def test_what_was_held_up_does_not_leave_at_once(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 5)
    campaign = make_campaign(session, alice, mailbox, per_minute=10)
    clock.move_to(START + timedelta(seconds=10))
    work(session, campaign)
    clock.shift(timedelta(hours=1))  # all workers were away
    work(session, campaign)
    assert len([row for row in session.exec(select(Delivery)) if row.state == "queued"]) == 2
    assert session.exec(select(MailboxPace)).one().slots == 5 + 4


@pytest.mark.parametrize(
    ("email", "most"), [("riley@gmail.com", 500), ("r@GoogleMail.com", 500), ("riley@acme.example", 2000), ("", 2000)]
)
def test_gmails_own_limit_of_a_day_is_known(email: str, most: int) -> None:
    assert most_per_day(email) == most
