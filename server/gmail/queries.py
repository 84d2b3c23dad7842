"""What the mailboxes page and the banner on every page need to know."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.clock import now
from server.config import get_settings
from server.gmail import ending, watch
from server.gmail.models import Mailbox, MailboxState, QuarantinedMail


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """One mailbox of the page, with what cannot be read from its row alone."""

    mailbox: Mailbox
    quarantined: int
    is_watch_wanted: bool

    @property
    def is_watched(self) -> bool:
        """Whether Gmail pushes at present."""
        expires_at = self.mailbox.watch_expires_at
        return expires_at is not None and expires_at > now()

    @property
    def is_being_disconnected(self) -> bool:
        """Whether Google has not yet been told."""
        return self.mailbox.state == MailboxState.DISCONNECTED and self.mailbox.refresh_token_sealed is not None

    @property
    def is_settling(self) -> bool:
        """Whether something about it is about to change by itself, so that the page looks again."""
        is_new = self.mailbox.last_sync_at is None or (self.is_watch_wanted and self.mailbox.watched_at is None)
        return self.is_being_disconnected or (self.mailbox.state == MailboxState.LINKED and is_new)


@dataclass(frozen=True, slots=True)
class Banner:
    """Why replies are not tracked: `email` was revoked, or no mailbox is linked at all; or until when they are."""

    email: str = ""
    mailbox_id: int | None = None
    ends_at: datetime | None = None


def list_mailboxes(session: Session, member_id: int) -> list[MailboxRow]:
    """Return the member's mailboxes, the oldest first; disconnected ones only until Google has been told."""
    mailboxes = session.exec(select(Mailbox).where(Mailbox.member_id == member_id).order_by(col(Mailbox.id))).all()
    unread = select(QuarantinedMail.mailbox_id, func.count()).group_by(col(QuarantinedMail.mailbox_id))
    of_these = unread.where(col(QuarantinedMail.mailbox_id).in_([mailbox.id for mailbox in mailboxes]))
    counts = {mailbox_id: count for mailbox_id, count in session.exec(of_these)}
    is_wanted = watch.is_wanted(get_settings())
    rows = [MailboxRow(mailbox, counts.get(mailbox.id or 0, 0), is_wanted) for mailbox in mailboxes]
    return [row for row in rows if row.mailbox.state != MailboxState.DISCONNECTED or row.is_being_disconnected]


def find_own_mailbox(session: Session, member_id: int, mailbox_id: int) -> Mailbox | None:
    """Return the mailbox if it is the member's and not disconnected."""
    mailbox = session.get(Mailbox, mailbox_id)
    if mailbox is None or mailbox.member_id != member_id or mailbox.state == MailboxState.DISCONNECTED:
        return None
    return mailbox


def find_banner(session: Session, member_id: int) -> Banner | None:
    """Return what to warn the member about (T5, F16), None while all their mailboxes work."""
    states = select(Mailbox.state, Mailbox.email, Mailbox.id).where(
        Mailbox.member_id == member_id, Mailbox.state != MailboxState.DISCONNECTED
    )
    rows = session.exec(states).all()
    for state, email, mailbox_id in rows:
        if state == MailboxState.REVOKED:
            return Banner(email, mailbox_id)
    return _find_ending(session, member_id) if rows else Banner()


def _find_ending(session: Session, member_id: int) -> Banner | None:
    """Return the warning that Google will soon end the access to a mailbox, as it does for apps in testing."""
    near = select(Mailbox).where(
        Mailbox.member_id == member_id,
        Mailbox.state == MailboxState.LINKED,
        col(Mailbox.granted_at) <= now() - ending.WARNED_AFTER,
    )
    mailbox = session.exec(near.order_by(col(Mailbox.granted_at)).limit(1)).first()
    ends_at = ending.find_end(session, mailbox) if mailbox else None
    return Banner(mailbox.email, mailbox.id, ends_at) if mailbox and ends_at else None
