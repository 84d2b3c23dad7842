"""What Pub/Sub tells: “something changed in this mailbox”, at least once, in any order, perhaps never."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import case, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import Settings
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState, PubsubNotification

FIELD_CHARACTERS = 320


class Outcome(StrEnum):
    """What became of a notification."""

    RECORDED = "recorded"
    SEEN = "seen"
    UNKNOWN_MAILBOX = "unknown mailbox"


@dataclass(frozen=True, slots=True)
class Notification:
    """One message from the topic: its Pub/Sub id and the mailbox that it names."""

    pubsub_message_id: str
    email: str


def get_audience(settings: Settings) -> str:
    """Return the audience that a push's token must have; by default the endpoint's own address, as in Pub/Sub."""
    return settings.pubsub_audience or f"{settings.base_url}/gmail/push"


def read_notification(message: Any) -> Notification | None:
    """Read a Pub/Sub message; None when its data is not a Gmail notification, which no repetition can change.

    Raises `Refused` (400) for what is no Pub/Sub message at all: then the subscription is set up wrongly.
    """
    message_id = message.get("messageId") if isinstance(message, dict) else None
    if not isinstance(message_id, str) or not 0 < len(message_id) <= FIELD_CHARACTERS:
        raise Refused("This is no Pub/Sub message. Is payload unwrapping off in the subscription?", status=400)
    try:
        data = json.loads(base64.b64decode(message["data"].translate(str.maketrans("-_", "+/")) + "=="))
        email = data["emailAddress"].strip().lower()
        int(data["historyId"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None
    return Notification(message_id, email) if 0 < len(email) <= FIELD_CHARACTERS else None


def record(session: Session, notification: Notification) -> Outcome:
    """Note the notification and ask for a sync of its mailbox; one that was noted before changes nothing.

    The pushed history id is not used: reading starts from our own cursor.
    """
    if session.get(PubsubNotification, notification.pubsub_message_id) is not None:
        return Outcome.SEEN
    is_read = (col(Mailbox.state) == MailboxState.LINKED) & col(Mailbox.is_paused).is_(False)
    linked = select(Mailbox.id).where(Mailbox.email == notification.email, is_read)
    mailbox_ids = [mailbox_id for mailbox_id in session.exec(linked) if mailbox_id is not None]
    if not mailbox_ids:
        return Outcome.UNKNOWN_MAILBOX
    try:
        with session.begin_nested():
            row = PubsubNotification(pubsub_message_id=notification.pubsub_message_id, mailbox_id=mailbox_ids[0])
            session.add(row)
    except IntegrityError:
        return Outcome.SEEN  # the same push came to another process at the same time
    _want_sync(session, mailbox_ids)
    return Outcome.RECORDED


def _want_sync(session: Session, mailbox_ids: list[int]) -> None:
    at, wanted = now(), col(Mailbox.sync_wanted_at)
    is_paused = (col(Mailbox.sync_failures) > 0) & (wanted > at + timedelta(seconds=1))
    wish = case((is_paused, wanted), else_=at)  # a push must not break into the back-off after a failure
    pushed = update(Mailbox).where(col(Mailbox.id).in_(mailbox_ids))
    session.execute(pushed.values(last_push_at=at, sync_wanted_at=wish))
    for mailbox_id in mailbox_ids:
        queue.wake(session, "sync_mailbox", mailbox_id)
