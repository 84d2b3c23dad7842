"""What notifies a member, and when not: kinds, first views, muted people, quiet hours across midnight and DST."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.events.models import UNOWNED, EventKind, Verdict
from server.feed.switches import FRESH, Switches
from tests.feed.test_search import ROW

AT = ROW.at + timedelta(seconds=2)
SWITCHES = Switches(member_id=1, zone="UTC")


def test_a_persons_view_notifies_its_member_only() -> None:
    assert SWITCHES.wants(ROW, AT)
    assert not replace(SWITCHES, member_id=2).wants(ROW, AT)
    assert not SWITCHES.wants(ROW._replace(member_id=UNOWNED), AT)


@pytest.mark.parametrize("verdict", [Verdict.MACHINE, Verdict.SELF])
def test_what_a_machine_or_we_did_never_notifies(verdict: str) -> None:
    assert not SWITCHES.wants(ROW._replace(verdict=verdict), AT)


def test_a_kind_that_is_off_does_not_notify() -> None:
    assert not replace(SWITCHES, kinds=frozenset((EventKind.REPLIED,))).wants(ROW, AT)
    assert not SWITCHES.wants(ROW._replace(kind=EventKind.BOUNCED), AT)


def test_later_views_notify_only_when_asked_for() -> None:
    assert not SWITCHES.wants(ROW, AT, is_first_view=False)
    assert replace(SWITCHES, first_view_only=False).wants(ROW, AT, is_first_view=False)
    assert SWITCHES.wants(ROW._replace(kind=EventKind.CLICKED), AT, is_first_view=False)


def test_a_muted_person_does_not_notify() -> None:
    muted = replace(SWITCHES, muted=frozenset(("kevin@flynnsarcade.example",)))
    assert not muted.wants(ROW._replace(person_address="Kevin@FlynnsArcade.example"), AT)
    assert muted.wants(ROW._replace(person_address="alan@encom.example"), AT)


def test_what_is_recorded_late_is_no_news() -> None:
    assert SWITCHES.wants(ROW, ROW.at + FRESH)
    assert not SWITCHES.wants(ROW, ROW.at + FRESH + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("begins", "ends", "clock", "is_quiet"),
    [
        (22 * 60, 7 * 60, "21:59", False), (22 * 60, 7 * 60, "22:00", True), (22 * 60, 7 * 60, "23:59", True),
        (22 * 60, 7 * 60, "00:00", True), (22 * 60, 7 * 60, "06:59", True), (22 * 60, 7 * 60, "07:00", False),
        (9 * 60, 17 * 60, "08:59", False), (9 * 60, 17 * 60, "09:00", True), (9 * 60, 17 * 60, "17:00", False),
        (0, 60, "00:30", True), (0, 60, "23:59", False), (None, None, "03:00", False),
    ],
)  # fmt: skip
def test_quiet_hours_begin_and_end_on_the_minute(
    begins: int | None, ends: int | None, clock: str, is_quiet: bool
) -> None:
    switches = replace(SWITCHES, quiet_from=begins, quiet_until=ends)
    assert switches.is_quiet(datetime.fromisoformat(f"2026-03-02T{clock}:00+00:00")) is is_quiet


@pytest.mark.parametrize(
    ("utc", "is_quiet"),
    [
        ("2026-03-29T00:59", True),  # 01:59 in Paris, before the clocks go forward to 03:00
        ("2026-03-29T01:00", False),  # 03:00: the quiet hours' end at 02:30 was jumped over
        ("2026-10-25T00:29", True),  # 02:29 in Paris, the first time
        ("2026-10-25T00:30", False),  # 02:30
        ("2026-10-25T01:00", True),  # 02:00 again, after the clocks went back
        ("2026-10-25T01:30", False),  # 02:30 again
    ],
)
def test_quiet_hours_follow_the_clock_on_the_wall_when_it_is_changed(utc: str, is_quiet: bool) -> None:
    switches = replace(SWITCHES, zone="Europe/Paris", quiet_from=23 * 60, quiet_until=2 * 60 + 30)
    assert switches.is_quiet(datetime.fromisoformat(utc).replace(tzinfo=UTC)) is is_quiet


def test_quiet_hours_hold_back_rows_and_reminders() -> None:
    quiet = replace(SWITCHES, quiet_from=11 * 60, quiet_until=13 * 60)
    assert not quiet.wants(ROW, AT)
    assert not quiet.wants_reminder(AT)
    assert SWITCHES.wants_reminder(AT)
    assert not replace(SWITCHES, reminders=False).wants_reminder(AT)
