"""Gmail's promise to push: started when a mailbox is linked, renewed daily, because it ends after 7 days."""

from collections.abc import Iterator
from typing import Any

import structlog
from sqlalchemy import update
from sqlmodel import Session, col

from server import queue
from server.clock import now
from server.config import Settings, get_settings
from server.gmail import mailboxes
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure, TokenRevoked
from server.gmail.models import Mailbox, MailboxState

log = structlog.get_logger()

PUBLISHER = "gmail-api-push@system.gserviceaccount.com"


def is_wanted(settings: Settings) -> bool:
    """Return whether Gmail is to push at all, by webhook or through a pull subscription."""
    return settings.gmail_notifications in ("push", "pull") and bool(settings.pubsub_topic)


def renew(session: Session, mailbox_id: int) -> Iterator[None]:
    """Start or renew the watch of the mailbox, without a label filter; a failure is noted in its row.

    Yields wherever the caller must commit: Google is called between those points.
    """
    mailbox = session.get(Mailbox, mailbox_id)
    yield
    settings = get_settings()
    if mailbox is None or mailbox.is_paused or mailbox.state != MailboxState.LINKED or not is_wanted(settings):
        return
    try:
        with Gmail.open(mailbox) as gmail:
            watch = gmail.watch(settings.pubsub_topic)
    except TokenRevoked as error:
        mailboxes.mark_revoked(session, mailbox, error.message)
    except GmailFailure as error:
        log.warning("watch not renewed", mailbox_id=mailbox_id, error=error.message)
        hint = f" Check that {PUBLISHER} may publish to {settings.pubsub_topic}." if error.permanent else ""
        _note(session, mailbox, watch_error=error.message + hint)
    else:
        _note(session, mailbox, watch_error="", watch_expires_at=watch.expires_at)
    yield


def _note(session: Session, mailbox: Mailbox, **values: Any) -> None:
    linked = update(Mailbox).where(col(Mailbox.id) == mailbox.id, col(Mailbox.state) == MailboxState.LINKED)
    session.execute(linked.values(watched_at=now(), **values))
    queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)
