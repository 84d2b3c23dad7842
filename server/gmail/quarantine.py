"""Mail that could not be received: set aside with its reason, so that the sync goes on, and tried again on request."""

import traceback
from collections.abc import Callable, Iterator
from typing import TypeAlias

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.errors import ForeignFailure, Unreadable
from server.gmail.answers import RawMail
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure, NotFound
from server.gmail.models import Mailbox, MailboxState, QuarantinedMail

Receive: TypeAlias = Callable[[Session, Mailbox, RawMail], object]

log = structlog.get_logger()


def receive_guarded(session: Session, mailbox: Mailbox, mail: RawMail, receive: Receive) -> str:
    """Give one mail to `receive` and return why it could not be received, or nothing where it was.

    What is not this mail's fault is raised: the whole batch is tried again.
    """
    for is_last_try in (False, True):
        try:
            with session.begin_nested():
                receive(session, mailbox, mail)
            return ""
        except (OperationalError, InterfaceError, ForeignFailure, BaseTimeoutException):
            raise
        except IntegrityError as error:
            if is_last_try:  # else a row that somebody else has just added; now it can be found
                return _tell(mailbox, mail, error)
        except Exception as error:  # noqa: BLE001 - whatever one mail does, the sync goes on
            return _tell(mailbox, mail, error)
    return ""


def _tell(mailbox: Mailbox, mail: RawMail, error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    reason = error.reason if isinstance(error, Unreadable) else f"{type(error).__name__} in {frame.name}"
    log.warning(
        "mail quarantined", mailbox_id=mailbox.id, gmail_id=mail.gmail_id, reason=reason, line=frame.lineno
    )  # never the text of a foreign error: it may quote the mail
    return reason


def set_aside(session: Session, mailbox: Mailbox, gmail_id: str, reason: str) -> None:
    """Note that a mail could not be received, once."""
    rows = select(QuarantinedMail).where(
        col(QuarantinedMail.mailbox_id) == mailbox.id, col(QuarantinedMail.gmail_id) == gmail_id
    )
    if session.exec(rows).first() is None:
        session.add(QuarantinedMail(mailbox_id=mailbox.id or 0, gmail_id=gmail_id, reason=reason))
        session.flush()


def want_retry(session: Session, mailbox: Mailbox, mail_id: int | None = None) -> None:
    """Ask for another try of a quarantined mail of `mailbox`, or of all of them; a job makes it."""
    of_these = update(QuarantinedMail).where(col(QuarantinedMail.mailbox_id) == mailbox.id)
    if mail_id is not None:
        of_these = of_these.where(col(QuarantinedMail.id) == mail_id)
    session.execute(of_these.values(retry_wanted_at=now()))
    queue.wake(session, "retry_quarantined", mailbox.id or 0)
    _announce(session, mailbox)


def find_wanted(session: Session) -> list[int]:
    """Return the ids of the mailboxes of which a quarantined mail is to be tried again."""
    is_wanted = col(QuarantinedMail.retry_wanted_at).is_not(None)
    rows = select(QuarantinedMail.mailbox_id).join(Mailbox, col(Mailbox.id) == QuarantinedMail.mailbox_id)
    is_linked = col(Mailbox.state) == MailboxState.LINKED
    return list(session.exec(rows.where(is_wanted, is_linked, col(Mailbox.is_paused).is_(False)).distinct()))


def retry(session: Session, mailbox_id: int, receive: Receive) -> Iterator[None]:
    """Try the wanted mails of a mailbox again; what is received, or gone from Gmail, leaves the quarantine.

    Receiving twice leaves one trace, so two at once do no harm. Yields wherever the caller must commit.
    """
    mailbox = session.get(Mailbox, mailbox_id)
    if mailbox is None or mailbox.state != MailboxState.LINKED:
        return
    wanted = session.exec(
        select(QuarantinedMail.id, QuarantinedMail.gmail_id).where(
            QuarantinedMail.mailbox_id == mailbox_id, col(QuarantinedMail.retry_wanted_at).is_not(None)
        )
    ).all()
    yield
    try:
        with Gmail.open(mailbox) as gmail:
            for mail_id, gmail_id in wanted:
                mail = _find_raw(gmail, gmail_id)
                reason = receive_guarded(session, mailbox, mail, receive) if mail else ""
                _settle(session, mail_id, reason)
                _announce(session, mailbox)
                yield
    except GmailFailure as error:  # the next sync notes it at the mailbox; the wish stays, and is found again
        log.info("quarantined mail not tried again yet", mailbox_id=mailbox_id, error=error.message)
        session.rollback()


def _find_raw(gmail: Gmail, gmail_id: str) -> RawMail | None:
    try:
        return gmail.get_raw(gmail_id)
    except NotFound:
        return None


def _settle(session: Session, mail_id: int, reason: str) -> None:
    this = col(QuarantinedMail.id) == mail_id
    if reason:
        values = {"reason": reason, "retried_at": now(), "retry_wanted_at": None}
        session.execute(update(QuarantinedMail).where(this).values(**values))
    else:
        session.execute(delete(QuarantinedMail).where(this))


def _announce(session: Session, mailbox: Mailbox) -> None:
    queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)
