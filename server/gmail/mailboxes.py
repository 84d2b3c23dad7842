"""Verbs on a linked mailbox: link, disconnect, mark revoked, find."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

import structlog
from cryptography.exceptions import InvalidTag
from flask_babel import gettext as _
from sqlalchemy import case, delete, update
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.gmail import oauth
from server.gmail.access import get_refresh_token, seal_refresh_token
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure
from server.gmail.models import (
    Backfill,
    GapCause,
    Mailbox,
    MailboxState,
    PendingMail,
    PubsubNotification,
    QuarantinedMail,
)

log = structlog.get_logger()


class Owner(Protocol):
    """Whoever links a mailbox; this room knows members by id only."""

    id: int | None
    workspace_id: int


ForgetMail: TypeAlias = Callable[[Session, Mailbox], None]


def link(session: Session, member: Owner, grant: oauth.Grant) -> Mailbox:
    """Link the mailbox that `grant` opens to `member`, or link it anew, and start to watch it.

    Raises `OAuthScopesMissing`, and `Refused` where another member of the workspace holds that mailbox.
    """
    oauth.refuse_missing_scopes(grant, oauth.MAILBOX_SCOPES)
    if not grant.refresh_token or not grant.email_verified:
        raise oauth.OAuthOddAnswer(_("Google gave no lasting access to this mailbox. Please connect it again."))
    mailbox = _find_or_add(session, member, grant.email)
    seal_refresh_token(mailbox, grant.refresh_token)
    mailbox.granted_scopes = " ".join(sorted(grant.scopes))
    mailbox.granted_at, mailbox.warned_at = now(), None
    mailbox.state, mailbox.state_reason = MailboxState.LINKED, ""
    mailbox.watched_at, mailbox.watch_error = None, ""
    mailbox.sync_wanted_at, mailbox.sync_failures, mailbox.sync_error = now(), 0, ""
    session.flush()
    queue.wake(session, "renew_watch", mailbox.id or 0)
    queue.wake(session, "sync_mailbox", mailbox.id or 0)
    _announce(session, mailbox)
    return mailbox


def _find_or_add(session: Session, member: Owner, email: str) -> Mailbox:
    rows = select(Mailbox).where(Mailbox.workspace_id == member.workspace_id, Mailbox.email == email)
    mailboxes = session.exec(rows).all()
    if any(row.member_id != member.id and row.state != MailboxState.DISCONNECTED for row in mailboxes):
        raise Refused(
            _("%(email)s is already connected by a colleague. Ask them to disconnect it first.", email=email),
            status=409,
        )
    for mailbox in mailboxes:
        if mailbox.member_id == member.id:
            return mailbox
    mailbox = Mailbox(workspace_id=member.workspace_id, member_id=member.id or 0, email=email)
    session.add(mailbox)
    session.flush()
    return mailbox


def find_mailbox(session: Session, member: Owner, mailbox_id: int | None = None) -> Mailbox | None:
    """Return the linked mailbox of `member` with that id, or their first one; None where there is none that works."""
    rows = select(Mailbox).where(Mailbox.member_id == member.id, Mailbox.state == MailboxState.LINKED)
    if mailbox_id is not None:
        rows = rows.where(Mailbox.id == mailbox_id)
    return session.exec(rows.order_by(col(Mailbox.id))).first()


def mark_revoked(session: Session, mailbox: Mailbox, reason: str) -> None:
    """Note that Google no longer lets us in; nothing is sent or read until the member links it again."""
    if mailbox.state != MailboxState.LINKED:
        return
    mailbox.state, mailbox.state_reason = MailboxState.REVOKED, reason
    mailbox.blind_cause = mailbox.blind_cause or GapCause.REVOKED
    if mailbox.granted_at is not None:
        mailbox.token_seconds = int((now() - mailbox.granted_at).total_seconds())
    mailbox.sync_wanted_at = mailbox.lease_until = mailbox.watch_expires_at = None
    session.flush()
    _announce(session, mailbox)


def set_tracking(session: Session, mailbox: Mailbox, is_tracked: bool) -> None:
    """Let the track toggle of Gmail's compose stand on or off at first, for mail from `mailbox`."""
    mailbox.tracks_by_default = is_tracked
    session.add(mailbox)
    session.flush()
    _announce(session, mailbox)


def pause(session: Session, member_id: int) -> None:
    """Look no more into the mailboxes of a member who was deactivated; a sync that runs comes to nothing."""
    cause = case((col(Mailbox.blind_cause) == "", GapCause.PAUSED.value), else_=col(Mailbox.blind_cause))
    theirs = update(Mailbox).where(col(Mailbox.member_id) == member_id, col(Mailbox.is_paused).is_(False))
    session.execute(theirs.values(is_paused=True, sync_wanted_at=None, lease_until=None, blind_cause=cause))


def resume(session: Session, member_id: int) -> None:
    """Look again into the mailboxes of a member who was let in again."""
    theirs = update(Mailbox).where(col(Mailbox.member_id) == member_id, col(Mailbox.is_paused))
    wanted = case((col(Mailbox.state) == MailboxState.LINKED, now()))
    session.execute(theirs.values(is_paused=False, watched_at=None, sync_wanted_at=wanted))


def disconnect(session: Session, mailbox: Mailbox) -> None:
    """Stop using `mailbox` from now on; a job then revokes the access at Google and deletes what was copied."""
    mailbox.state, mailbox.state_reason = MailboxState.DISCONNECTED, ""
    mailbox.sync_wanted_at, mailbox.blind_cause = None, mailbox.blind_cause or GapCause.DISCONNECTED
    session.flush()
    queue.wake(session, "disconnect_mailbox", mailbox.id or 0)
    _announce(session, mailbox)


def finish_disconnect(session: Session, mailbox_id: int, forget_mail: ForgetMail) -> Iterator[None]:
    """Revoke the access at Google, then delete the token and everything that was copied from the mailbox.

    `forget_mail` deletes what the callers' rooms copied. Yields wherever the caller must commit. While Google is away
    the row stays as it is, and due.
    """
    mailbox = session.get(Mailbox, mailbox_id)
    yield
    if mailbox is None or mailbox.state != MailboxState.DISCONNECTED or mailbox.refresh_token_sealed is None:
        return
    try:
        _revoke_access(mailbox)
    except GmailFailure as error:
        log.warning("access not revoked yet", mailbox_id=mailbox_id, error=error.message)
        return
    session.refresh(mailbox)
    if mailbox.state == MailboxState.DISCONNECTED:  # else linked again meanwhile
        forget_mail(session, mailbox)
        _forget(session, mailbox)
    yield


def _revoke_access(mailbox: Mailbox) -> None:
    try:
        token = get_refresh_token(mailbox)
    except (InvalidTag, KeyError):
        return  # the key is gone, and with it any way into the mailbox
    try:
        with Gmail.open(mailbox) as gmail:
            gmail.stop()
    except GmailFailure as error:
        if not error.permanent:
            raise
    oauth.revoke(get_settings(), token or "")


def _forget(session: Session, mailbox: Mailbox) -> None:
    """Delete what this room copied; the row stays, for messages name it."""
    mailbox.refresh_token_sealed, mailbox.granted_scopes = None, ""
    mailbox.history_id = mailbox.watched_at = mailbox.watch_expires_at = mailbox.last_push_at = None
    mailbox.watch_error = mailbox.sync_error = ""
    session.flush()
    session.execute(delete(PendingMail).where(col(PendingMail.mailbox_id) == mailbox.id))
    session.execute(delete(Backfill).where(col(Backfill.mailbox_id) == mailbox.id))
    session.execute(delete(QuarantinedMail).where(col(QuarantinedMail.mailbox_id) == mailbox.id))
    session.execute(delete(PubsubNotification).where(col(PubsubNotification.mailbox_id) == mailbox.id))
    _announce(session, mailbox)


def _announce(session: Session, mailbox: Mailbox) -> None:
    queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)
