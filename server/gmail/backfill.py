"""The search that stands in for a lost history: all of it is listed at once, and received in portions, newest first.

What is listed stands in `pending_mail` until it is received, so nothing is dropped, whatever dies in between.
"""

from collections.abc import Iterator
from datetime import timedelta

import structlog
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from server.clock import now
from server.gmail.client import Gmail
from server.gmail.lease import Lease, hold
from server.gmail.models import Backfill, GapCause, PendingMail

log = structlog.get_logger()

PORTION_MAILS = 500  # received in one sync; in between, what is new has its turn
MOST_MAILS = 20_000
OVERLAP_MINUTES = 10


def start(session: Session, gmail: Gmail, lease: Lease) -> Iterator[None]:
    """List what came in while the cursor was lost, and set the cursor anew; yields wherever the caller must commit.

    Of more than `MOST_MAILS` the newest are listed, and as many again are counted.
    """
    mailbox = lease.mailbox
    resume_at = gmail.get_profile().history_id  # before the search: what comes in meanwhile is seen twice, never missed
    since = (mailbox.seen_until_at or mailbox.last_sync_at or mailbox.created_at) - timedelta(minutes=OVERLAP_MINUTES)
    log.warning("history expired; searching instead", mailbox_id=mailbox.id, since=since.isoformat())
    gmail_ids: list[str] = []
    page_token = None
    while len(gmail_ids) < 2 * MOST_MAILS:
        page = gmail.list_message_ids(f"after:{int(since.timestamp())}", page_token)
        gmail_ids += page.gmail_ids
        if (page_token := page.next_page_token) is None:
            break
        if lease.is_aging():
            hold(session, lease)
            yield
    listed = list(dict.fromkeys(gmail_ids[:MOST_MAILS]))
    session.execute(delete(PendingMail).where(col(PendingMail.mailbox_id) == mailbox.id))
    session.add_all(PendingMail(mailbox_id=mailbox.id, gmail_id=gmail_id) for gmail_id in reversed(listed))
    beyond = max(0, len(gmail_ids) - MOST_MAILS)
    session.merge(Backfill(mailbox_id=mailbox.id, since=since, found=len(listed), beyond=beyond, finished_at=None))
    hold(session, lease, history_id=resume_at, blind_cause=mailbox.blind_cause or GapCause.HISTORY)
    yield


def find_portion(session: Session, mailbox_id: int) -> list[str]:
    """Return the ids of the newest mails that are still to be received, a mail before what answers it."""
    newest = select(PendingMail.gmail_id).where(PendingMail.mailbox_id == mailbox_id)
    return list(session.exec(newest.order_by(col(PendingMail.id).desc()).limit(PORTION_MAILS)))[::-1]


def has_pending(session: Session, mailbox_id: int) -> bool:
    """Return whether any mail is still to be received."""
    return session.exec(select(PendingMail.id).where(PendingMail.mailbox_id == mailbox_id).limit(1)).first() is not None


def note_received(session: Session, mailbox_id: int, gmail_ids: list[str]) -> None:
    """Take mails off the list, in the transaction that received them; the last one ends the backfill."""
    these = delete(PendingMail).where(
        col(PendingMail.mailbox_id) == mailbox_id, col(PendingMail.gmail_id).in_(gmail_ids)
    )
    session.execute(these)
    if not has_pending(session, mailbox_id):
        running = update(Backfill).where(col(Backfill.mailbox_id) == mailbox_id, col(Backfill.finished_at).is_(None))
        session.execute(running.values(finished_at=now()))
