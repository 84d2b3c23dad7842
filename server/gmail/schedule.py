"""Which mailboxes are due: for a sync, for a new watch, for the end of their disconnection."""

from datetime import timedelta

from sqlalchemy import and_, delete, or_, update
from sqlmodel import Session, col, select

from server.clock import now
from server.config import get_settings
from server.gmail import watch
from server.gmail.models import Mailbox, MailboxState, PubsubNotification

FALLBACK_POLL_SECONDS = 300
WATCH_RENEWAL_HOURS = 24
WATCH_MARGIN_HOURS = 48
WATCH_RETRY_HOURS = 1
NOTIFICATION_KEPT_DAYS = 32  # Pub/Sub keeps what was not acknowledged for 31 days at most

is_linked = and_(col(Mailbox.state) == MailboxState.LINKED, col(Mailbox.is_paused).is_(False))


def find_due_syncs(session: Session) -> list[int]:
    """Return the ids of mailboxes whose sync is wanted by now and not under way."""
    at = now()
    is_free = or_(col(Mailbox.lease_until).is_(None), col(Mailbox.lease_until) < at)
    return _ids(session, is_linked, col(Mailbox.sync_wanted_at) <= at, is_free)


def find_due_polls(session: Session) -> list[int]:
    """Return the ids of mailboxes that nobody has looked into for a while: pushes can be late or lost."""
    settings = get_settings()
    seconds = settings.gmail_poll_seconds if settings.gmail_notifications == "poll" else FALLBACK_POLL_SECONDS
    is_old = or_(
        col(Mailbox.last_sync_at).is_(None), col(Mailbox.last_sync_at) <= now() - timedelta(seconds=seconds)
    )  # fmt: skip
    return _ids(session, is_linked, col(Mailbox.sync_wanted_at).is_(None), is_old)


def want_syncs(session: Session, mailbox_ids: list[int]) -> None:
    """Ask for a sync of each of these mailboxes unless one is asked for already."""
    free = update(Mailbox).where(col(Mailbox.id).in_(mailbox_ids), is_linked, col(Mailbox.sync_wanted_at).is_(None))
    session.execute(free.values(sync_wanted_at=now()))


def find_due_watches(session: Session) -> list[int]:
    """Return the ids of mailboxes whose watch is to be started, renewed, or tried again after an error."""
    if not watch.is_wanted(get_settings()):
        return []
    at, tried = now(), col(Mailbox.watched_at)
    is_ending = or_(
        col(Mailbox.watch_error) != "",
        col(Mailbox.watch_expires_at).is_(None),
        col(Mailbox.watch_expires_at) < at + timedelta(hours=WATCH_MARGIN_HOURS),
    )
    is_due = or_(
        tried.is_(None),
        tried < at - timedelta(hours=WATCH_RENEWAL_HOURS),
        and_(is_ending, tried < at - timedelta(hours=WATCH_RETRY_HOURS)),
    )
    return _ids(session, is_linked, is_due)


def find_due_disconnects(session: Session) -> list[int]:
    """Return the ids of disconnected mailboxes into which Google may still let us."""
    is_disconnected = col(Mailbox.state) == MailboxState.DISCONNECTED
    return _ids(session, is_disconnected, col(Mailbox.refresh_token_sealed).is_not(None))


def delete_old_notifications(session: Session) -> None:
    """Delete the record of pushes that Pub/Sub can no longer repeat."""
    is_old = col(PubsubNotification.received_at) < now() - timedelta(days=NOTIFICATION_KEPT_DAYS)
    session.execute(delete(PubsubNotification).where(is_old))


def _ids(session: Session, *conditions: object) -> list[int]:
    rows = select(Mailbox.id).where(*conditions)  # type: ignore[arg-type]
    return [mailbox_id for mailbox_id in session.exec(rows) if mailbox_id is not None]
