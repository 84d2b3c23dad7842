"""Days in a member's time zone: where each begins and ends, also on those when the clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from server.accounts.models import Member, Workspace

DAYS = {"today": (0, 0), "tomorrow": (1, 1), "today-tomorrow": (0, 1), "week": (0, 6)}  # F11, from today
MORNING = time(9)  # when a day's task is remembered


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `first` to `last`, both inside, in one time zone."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The first moment inside."""
        return start_of(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after."""
        return start_of(self.last + timedelta(days=1), self.zone)

    @property
    def days(self) -> list[date]:
        """Each of its days."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


def zone_of(session: Session, member: Member) -> ZoneInfo:
    """Return a member's time zone, else their workspace's."""
    if member.time_zone:
        return ZoneInfo(member.time_zone)
    workspace = session.get(Workspace, member.workspace_id)
    return ZoneInfo(workspace.time_zone if workspace is not None else "UTC")


def make_window(name: str, zone: ZoneInfo, at: datetime) -> Window:
    """Return the days that one of the filters `DAYS` means at the moment `at`."""
    first, last = DAYS[name]
    today = day_of(at, zone)
    return Window(today + timedelta(days=first), today + timedelta(days=last), zone)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the day on which `at` falls."""
    return at.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day, in UTC; where midnight is skipped, the moment at which it would have been."""
    return moment_of(day, time.min, zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of a day, in UTC."""
    return start_of(day + timedelta(days=1), zone) - timedelta(seconds=1)


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a local time in UTC; one that occurs twice is the first, one that is skipped is as much later."""
    return datetime.combine(day, at.replace(tzinfo=None, fold=0), zone).astimezone(UTC)


def next_monday(day: date) -> date:
    """Return the first Monday after `day`."""
    return day + timedelta(days=7 - day.weekday())
