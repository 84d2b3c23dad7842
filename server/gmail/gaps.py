"""The intervals in which Warmline could not see what came into a mailbox: noted when it sees again, and read."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from server import queue
from server.config import get_settings
from server.gmail.models import GapCause, Mailbox, MailboxGap

SHORTEST_GAP = timedelta(minutes=15)
SHOWN = 50


def tell_shortest() -> timedelta:
    """Return how long nothing may be seen before it is a gap: longer than any usual pause between two looks."""
    settings = get_settings()
    pause = settings.gmail_poll_seconds if settings.gmail_notifications == "poll" else 0
    return max(SHORTEST_GAP, timedelta(seconds=2 * pause))


def note_seen(session: Session, mailbox: Mailbox, at: datetime) -> None:
    """Note the gap that a complete sync of `mailbox` ends at `at`, where there was one."""
    start_at = mailbox.seen_until_at
    if start_at is None:
        return
    if at - start_at < tell_shortest() and mailbox.blind_cause != GapCause.HISTORY:
        return
    session.add(
        MailboxGap(
            mailbox_id=mailbox.id, workspace_id=mailbox.workspace_id, member_id=mailbox.member_id,
            start_at=start_at, end_at=at, cause=mailbox.blind_cause or GapCause.AWAY,
        )
    )  # fmt: skip
    queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)


def find_gap(mailbox: Mailbox, at: datetime) -> MailboxGap | None:
    """Return the gap that is not over yet, as if it ended at `at`; None while all is seen."""
    start_at = mailbox.seen_until_at
    if start_at is None or at - start_at < tell_shortest():
        return None
    return MailboxGap(
        mailbox_id=mailbox.id, workspace_id=mailbox.workspace_id, member_id=mailbox.member_id,
        start_at=start_at, end_at=at, cause=mailbox.blind_cause or GapCause.AWAY,
    )  # fmt: skip


def list_gaps(session: Session, mailbox_id: int) -> list[MailboxGap]:
    """Return the most recent gaps of one mailbox, the newest first."""
    rows = select(MailboxGap).where(MailboxGap.mailbox_id == mailbox_id)
    return list(session.exec(rows.order_by(col(MailboxGap.end_at).desc(), col(MailboxGap.id).desc()).limit(SHOWN)))


def list_between(
    session: Session, workspace_id: int, member_id: int | None, after: datetime, until: datetime | None
) -> list[tuple[MailboxGap, str]]:
    """Return the gaps that ended in that time, with the addresses of their mailboxes, the newest first.

    Without a member, those of all members of the workspace. One read of one index.
    """
    rows = (
        select(MailboxGap, Mailbox.email)
        .join(Mailbox, col(Mailbox.id) == MailboxGap.mailbox_id)
        .where(MailboxGap.workspace_id == workspace_id, MailboxGap.end_at > after)
    )
    if member_id is not None:
        rows = rows.where(MailboxGap.member_id == member_id)
    if until is not None:
        rows = rows.where(MailboxGap.end_at <= until)
    return list(session.exec(rows.order_by(col(MailboxGap.end_at).desc()).limit(SHOWN)))
