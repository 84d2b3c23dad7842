"""How a mailbox is doing: what Warmline sees of it, what it could not see, and what is wrong, in one look (T18)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, func, select

from server.clock import now
from server.config import get_settings
from server.gmail import ending, gaps, watch
from server.gmail.models import Backfill, Mailbox, MailboxGap, MailboxState, PendingMail, QuarantinedMail

QUARANTINED_SHOWN = 50


class Trouble(StrEnum):
    """What is wrong with a mailbox, the worst first."""

    REVOKED = "revoked"
    BLIND = "blind"
    FAILING = "failing"
    ENDING = "ending"
    UNWATCHED = "unwatched"
    BACKFILL = "backfill"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Health:
    """All that the page of one mailbox shows."""

    mailbox: Mailbox
    is_watch_wanted: bool
    is_watched: bool
    gap: MailboxGap | None
    gaps: list[MailboxGap]
    backfill: Backfill | None
    pending: int
    quarantined: list[QuarantinedMail]
    quarantined_count: int
    ends_at: datetime | None

    @property
    def troubles(self) -> list[Trouble]:
        """What is wrong, the worst first."""
        mailbox = self.mailbox
        return [
            trouble
            for trouble, holds in (
                (Trouble.REVOKED, mailbox.state == MailboxState.REVOKED),
                (Trouble.BLIND, self.gap is not None and mailbox.state == MailboxState.LINKED),
                (Trouble.FAILING, bool(mailbox.sync_error) and mailbox.state == MailboxState.LINKED),
                (Trouble.ENDING, self.ends_at is not None),
                (Trouble.UNWATCHED, self.is_watch_wanted and not self.is_watched and mailbox.watched_at is not None),
                (Trouble.BACKFILL, self.pending > 0),
                (Trouble.QUARANTINED, self.quarantined_count > 0),
            )
            if holds
        ]

    @property
    def is_moving(self) -> bool:
        """Whether something changes by itself within seconds, so that the page looks again."""
        return self.pending > 0 or any(mail.retry_wanted_at for mail in self.quarantined)


@dataclass(frozen=True, slots=True)
class TroubledMailbox:
    """One line of the feed: what is worst with a mailbox, and until when where that is known."""

    mailbox: Mailbox
    trouble: Trouble
    gap: MailboxGap | None = None
    ends_at: datetime | None = None


def read_health(session: Session, mailbox: Mailbox) -> Health:
    """Return how `mailbox` is doing."""
    of_it = QuarantinedMail.mailbox_id == mailbox.id
    aside = select(QuarantinedMail).where(of_it).order_by(col(QuarantinedMail.id).desc()).limit(QUARANTINED_SHOWN)
    pending = select(func.count()).select_from(PendingMail).where(PendingMail.mailbox_id == mailbox.id)
    expires_at = mailbox.watch_expires_at
    return Health(
        mailbox=mailbox,
        is_watch_wanted=watch.is_wanted(get_settings()),
        is_watched=expires_at is not None and expires_at > now(),
        gap=gaps.find_gap(mailbox, now()),
        gaps=gaps.list_gaps(session, mailbox.id),
        backfill=session.get(Backfill, mailbox.id),
        pending=session.exec(pending).one(),
        quarantined=list(session.exec(aside)),
        quarantined_count=session.exec(select(func.count()).select_from(QuarantinedMail).where(of_it)).one(),
        ends_at=ending.find_end(session, mailbox),
    )


def find_trouble(session: Session, member_id: int) -> TroubledMailbox | None:
    """Return what is worst with the member's linked mailboxes, for the line in the feed; None while they are well.

    Withdrawn access is not among it: every page says that already.
    """
    linked = select(Mailbox).where(Mailbox.member_id == member_id, Mailbox.state == MailboxState.LINKED)
    order = list(Trouble)
    found = []
    for mailbox in session.exec(linked.order_by(col(Mailbox.id)).limit(20)):
        health = read_health(session, mailbox)
        worth_a_line = [one for one in health.troubles if one not in (Trouble.ENDING, Trouble.QUARANTINED)]
        found += [TroubledMailbox(mailbox, one, health.gap, health.ends_at) for one in worth_a_line[:1]]
    return min(found, key=lambda one: order.index(one.trouble), default=None)
