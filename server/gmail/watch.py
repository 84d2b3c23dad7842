"""Gmail's promise to push: started when a mailbox is linked, renewed daily, because it ends after 7 days."""

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


def renew(session: Session, mailbox: Mailbox) -> None:
    """Start or renew the watch of `mailbox`, without a label filter; a failure is noted in the row.

    Call it without an open transaction: it speaks to Google first.
    """
    topic = get_settings().pubsub_topic
    try:
        with Gmail.open(mailbox) as gmail:
            watch = gmail.watch(topic)
    except TokenRevoked as error:
        mailboxes.mark_revoked(session, mailbox, error.message)
    except GmailFailure as error:
        log.warning("watch not renewed", mailbox_id=mailbox.id, error=error.message)
        hint = f" Check that {PUBLISHER} may publish to {topic}." if error.permanent else ""
        _note(session, mailbox, watch_error=error.message + hint)
    else:
        _note(session, mailbox, watch_error="", watch_expires_at=watch.expires_at)


def _note(session: Session, mailbox: Mailbox, **values: Any) -> None:
    linked = update(Mailbox).where(col(Mailbox.id) == mailbox.id, col(Mailbox.state) == MailboxState.LINKED)
    session.execute(linked.values(watched_at=now(), **values))
    queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)
