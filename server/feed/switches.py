"""Whether a row may notify a member (F20): a pure decision from their switches; machines and we ourselves never do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from server.events.models import COUNTED_VERDICTS, EventKind
from server.feed.queries import EventRow

NOTIFYING_KINDS = (
    EventKind.VIEWED,
    EventKind.CLICKED,
    EventKind.REPLIED,
    EventKind.DOCUMENT_OPENED,
    EventKind.DOWNLOADED,
    EventKind.WEB_VISITED,
    EventKind.INTERESTING_MOMENT,
    EventKind.UNSUBSCRIBED,
)
FRESH = timedelta(minutes=15)  # what is recorded later, after an outage or by an import, is no news
MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Switches:
    """What one member wants to be notified of. Quiet hours are minutes of the day in `zone`, and may span midnight."""

    member_id: int
    zone: str
    kinds: frozenset[str] = frozenset(NOTIFYING_KINDS)
    first_view_only: bool = True
    reminders: bool = True
    quiet_from: int | None = None
    quiet_until: int | None = None
    muted: frozenset[str] = frozenset()

    def wants(self, row: EventRow, at: datetime, is_first_view: bool = True) -> bool:
        """Return whether `row` notifies the member at the time `at`."""
        return (
            row.member_id == self.member_id
            and row.kind in self.kinds
            and row.verdict in COUNTED_VERDICTS
            and row.person_address.lower() not in self.muted
            and (is_first_view or not self.first_view_only or row.kind != EventKind.VIEWED)
            and at - row.at <= FRESH
            and not self.is_quiet(at)
        )

    def wants_reminder(self, at: datetime) -> bool:
        """Return whether a task that is due notifies the member at the time `at`."""
        return self.reminders and not self.is_quiet(at)

    def is_quiet(self, at: datetime) -> bool:
        """Return whether the member's clock, at the time `at`, stands in the quiet hours."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        clock = at.astimezone(ZoneInfo(self.zone))
        minute = clock.hour * 60 + clock.minute
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= minute < self.quiet_until
        return minute >= self.quiet_from or minute < self.quiet_until
