"""Days in a member's time zone, also on those when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.scope import Scope
from server.clock import now
from server.tasks.days import end_of, make_window, moment_of, next_monday, start_of
from server.tasks.queries import Filter, read_panel
from server.tasks.tasks import reschedule
from tests.tasks.conftest import make_task

PARIS, NEW_YORK = ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")
KOLKATA, KIRITIMATI = ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Kiritimati")
SANTIAGO = ZoneInfo("America/Santiago")  # skips midnight in spring
ZONES = [PARIS, NEW_YORK, KOLKATA, KIRITIMATI, SANTIAGO]


def shown(session: Session, member: Member, name: str) -> list[str]:
    """Return the names that a filter shows below the overdue ones, at this moment."""
    zone = ZoneInfo(member.time_zone or "UTC")
    chosen = Filter(Scope(member.workspace_id, member.id), member.id)
    panel = read_panel(session, chosen, make_window(name, zone, now()), zone, now())
    return [row.name for rows in panel.days.values() for row in rows]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), PARIS, 23),
        (date(2026, 10, 25), PARIS, 25),
        (date(2026, 3, 8), NEW_YORK, 23),
        (date(2026, 11, 1), NEW_YORK, 25),
        (date(2026, 9, 6), SANTIAGO, 23),
        (date(2026, 3, 29), KOLKATA, 24),
        (date(2026, 3, 29), KIRITIMATI, 24),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(day: date, zone: ZoneInfo, hours: int) -> None:
    assert start_of(day + timedelta(days=1), zone) - start_of(day, zone) == timedelta(hours=hours)
    assert end_of(day, zone).astimezone(zone).date() == day
    assert (end_of(day, zone) + timedelta(seconds=1)).astimezone(zone).date() == day + timedelta(days=1)


def test_a_time_that_is_skipped_is_an_hour_later_and_one_that_occurs_twice_is_the_first() -> None:
    assert moment_of(date(2026, 3, 29), time(2, 30), PARIS).astimezone(PARIS).time() == time(3, 30)
    assert moment_of(date(2026, 10, 25), time(2, 30), PARIS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("today", 0, 0), ("tomorrow", 1, 1), ("today-tomorrow", 0, 1), ("week", 0, 6)],
)
@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.key)
@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 7), date(2026, 10, 24), date(2026, 9, 5)])
def test_a_filter_shows_its_days_to_the_second(
    session: Session, alice: Member, zone: ZoneInfo, day: date, name: str, first: int, last: int
) -> None:
    alice.time_zone = zone.key
    morning = moment_of(day, time(0, 0, 1), zone)
    starts = moment_of(day + timedelta(days=first), time.min, zone)
    ends = moment_of(day + timedelta(days=last + 1), time.min, zone)
    with time_machine.travel(morning, tick=False):
        make_task(session, alice, "first second", max(starts, morning))
        make_task(session, alice, "last second", ends - timedelta(seconds=1))
        make_task(session, alice, "last day", day + timedelta(days=last))
        make_task(session, alice, "a second later", ends)
        make_task(session, alice, "the day after", day + timedelta(days=last + 1))
        if first:
            make_task(session, alice, "a second before", starts - timedelta(seconds=1))
        assert shown(session, alice, name) == ["first second", "last second", "last day"]


def test_day_six_is_in_the_week_and_day_seven_is_not(session: Session, alice: Member) -> None:
    with time_machine.travel(datetime(2026, 3, 4, 23, 30, tzinfo=UTC), tick=False):
        alice.time_zone = "Asia/Kolkata"  # where it is the 5th already
        for number in (0, 6, 7):
            make_task(session, alice, f"day +{number}", date(2026, 3, 5) + timedelta(days=number))
        assert shown(session, alice, "week") == ["day +0", "day +6"]


def test_the_same_moment_is_another_day_at_the_other_end_of_the_world(session: Session, alice: Member) -> None:
    with time_machine.travel(datetime(2026, 3, 4, 9, 0, tzinfo=UTC), tick=False):
        make_task(session, alice, "11:00 UTC", datetime(2026, 3, 4, 11, 0, tzinfo=UTC))
        for zone, name in (("America/New_York", "today"), ("UTC", "today"), ("Pacific/Kiritimati", "tomorrow")):
            alice.time_zone = zone
            assert shown(session, alice, name) == ["11:00 UTC"]
        assert shown(session, alice, "today") == []  # in Kiritimati it is 23:00


def test_moving_over_a_change_of_clocks_keeps_the_time_of_day(session: Session, alice: Member) -> None:
    alice.time_zone = "Europe/Paris"
    with time_machine.travel(datetime(2026, 3, 27, 6, 0, tzinfo=UTC), tick=False):
        task = make_task(session, alice, due=datetime(2026, 3, 27, 8, 0, tzinfo=UTC))  # 9:00
        reschedule(session, task, date(2026, 3, 30))
    assert task.due_at == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)  # 9:00 again


def test_next_week_begins_on_its_monday() -> None:
    assert next_monday(date(2026, 3, 2)) == next_monday(date(2026, 3, 8)) == date(2026, 3, 9)
