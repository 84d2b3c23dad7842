"""When a mailbox may send the next mail of a campaign: its own speed, its day's limit, the days and hours chosen.

Slots are given one after the other and never taken back, so that a mailbox never sends faster than it may, whatever was
paused, killed or planned anew. Gmail sends about 500 mails a day for gmail.com and 2,000 for Workspace (facts.md).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from server.campaigns.models import MailboxPace

PACE: Table = MailboxPace.__table__  # type: ignore[attr-defined]
DAY_MINUTES = 24 * 60
STALE_SECONDS = 120  # a slot that was missed by more than this is given anew: else what was held up leaves at once
MOST_PER_DAY = 2000
CONSUMER_PER_DAY = 500
CONSUMER_DOMAINS = ("gmail.com", "googlemail.com")
MOST_PER_MINUTE = 60


def most_per_day(email: str) -> int:
    """Return how many mails a day Gmail takes from this address."""
    return CONSUMER_PER_DAY if email.rpartition("@")[2].lower() in CONSUMER_DOMAINS else MOST_PER_DAY


@dataclass(frozen=True, slots=True)
class Window:
    """The days (ISO, 1 is Monday) and minutes of the day in which mail may leave, in `zone`."""

    days: frozenset[int]
    start_minutes: int
    end_minutes: int
    zone: ZoneInfo

    def next_open(self, at: datetime) -> datetime:
        """Return `at`, or the next moment after it at which the window is open."""
        local = at.astimezone(self.zone)
        for ahead in range(8):
            day = local.date() + timedelta(days=ahead)
            if day.isoweekday() not in self.days:
                continue
            opens, closes = self._moment(day, self.start_minutes), self._moment(day, self.end_minutes)
            if at < closes:
                return max(at, opens)
        raise ValueError("a window without a day never opens")

    def _moment(self, day: date, minutes: int) -> datetime:
        # By the clock on the wall: nine o'clock stays nine o'clock on the day the clocks change.
        moment = datetime.combine(day, time()) + timedelta(minutes=min(minutes, DAY_MINUTES))
        return moment.replace(tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Slot:
    """When to send, or, where no slot was to be had, when to ask again: on a day that is not promised to others yet.

    So a person asks about once for each mail, however long the mailbox takes for all of them.
    """

    at: datetime
    is_taken: bool


class Planner:
    """Gives slots of one mailbox, whose row it holds until the commit."""

    def __init__(self, session: Session, mailbox_id: int, per_minute: int, per_day: int, at: datetime) -> None:
        self.session, self.mailbox_id, self.at = session, mailbox_id, at
        self.gap = timedelta(seconds=60 / max(1, min(per_minute, MOST_PER_MINUTE)))
        self.per_day = max(1, min(per_day, MOST_PER_DAY))
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        fresh = {"mailbox_id": mailbox_id, "last_slot_at": at - self.gap, "slot_on": at.date(), "slots": 0,
                 "asks_on": at.date(), "asks": 0}  # fmt: skip
        session.execute(insert(PACE).values(fresh).on_conflict_do_nothing())
        row = session.execute(select(PACE).where(PACE.c.mailbox_id == mailbox_id).with_for_update()).one()
        self.last, self.day, self.slots = row.last_slot_at, row.slot_on, row.slots
        self.asks_on, self.asks = row.asks_on, row.asks

    def give(self, window: Window) -> "Slot":
        """Return the mailbox's next slot; outside the window, or beyond the day's limit, a time to ask again."""
        at = max(self.last + self.gap, self.at)
        if at.date() == self.day and self.slots >= self.per_day:
            return self._ask_again(window, datetime.combine(self.day + timedelta(days=1), time(), UTC))
        opens_at = window.next_open(at)
        if opens_at > at:
            return self._ask_again(window, opens_at)
        if at.date() != self.day:
            self.day, self.slots = at.date(), 0
        self.slots += 1
        self.last = at
        return Slot(at, is_taken=True)

    def _ask_again(self, window: Window, at: datetime) -> "Slot":
        opens_at = window.next_open(at)
        if self.asks_on < opens_at.date():
            self.asks_on, self.asks = opens_at.date(), 0
        most = max(1, min(self.per_day, int(timedelta(minutes=window.end_minutes - window.start_minutes) / self.gap)))
        if self.asks >= most:
            self.asks_on, self.asks = self.asks_on + timedelta(days=1), 0
        self.asks += 1
        if self.asks_on > opens_at.date():
            opens_at = window.next_open(datetime.combine(self.asks_on, time(), UTC))
        return Slot(opens_at, is_taken=False)

    def save(self) -> None:
        """Write how far the mailbox is planned."""
        values = {"last_slot_at": self.last, "slot_on": self.day, "slots": self.slots,
                  "asks_on": self.asks_on, "asks": self.asks}  # fmt: skip
        self.session.execute(update(PACE).where(PACE.c.mailbox_id == self.mailbox_id).values(values))
