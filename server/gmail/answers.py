"""What Gmail answers, reduced to what Warmline needs. Reading a field that is missing raises KeyError or ValueError."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.clock import from_epoch_ms


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft in the mailbox; `gmail_id` is the id of the mail in it."""

    draft_id: str
    gmail_id: str
    thread_id: str

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "Draft":
        """Read a `Draft` resource."""
        return cls(answer["id"], answer["message"]["id"], answer["message"]["threadId"])


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that Gmail has accepted for delivery."""

    gmail_id: str
    thread_id: str

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "Sent":
        """Read a `Message` resource."""
        return cls(answer["id"], answer["threadId"])


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as it came: `raw` is the whole RFC 5322 message."""

    gmail_id: str
    thread_id: str
    label_ids: frozenset[str]
    raw: bytes
    received_at: datetime

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "RawMail":
        """Read a `Message` resource in the format `raw`."""
        raw = base64.urlsafe_b64decode(answer["raw"] + "==")
        received_at = from_epoch_ms(int(answer["internalDate"]))
        return cls(answer["id"], answer["threadId"], frozenset(answer.get("labelIds", ())), raw, received_at)


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose mailbox it is, and the newest point of its history."""

    email: str
    history_id: int

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "Profile":
        """Read a `Profile` resource."""
        return cls(answer["emailAddress"].lower(), int(answer["historyId"]))


@dataclass(frozen=True, slots=True)
class AddedMail:
    """A mail that history says came in, first in its record `history_id`; it may be gone by now."""

    gmail_id: str
    label_ids: frozenset[str]
    history_id: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history: what came in since the cursor.

    `last_id` is the point that this page reaches (None when it is empty), `history_id` the newest point of the mailbox.
    """

    added: tuple[AddedMail, ...]
    next_page_token: str | None
    last_id: int | None
    history_id: int

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "HistoryPage":
        """Read the answer of `users.history.list`; a mail named several times is kept once."""
        records = answer.get("history", ())
        added: dict[str, AddedMail] = {}
        for record in records:
            for entry in record.get("messagesAdded", ()):
                gmail_id, labels = entry["message"]["id"], frozenset(entry["message"].get("labelIds", ()))
                first_id = added[gmail_id].history_id if gmail_id in added else int(record["id"])
                added[gmail_id] = AddedMail(gmail_id, labels, first_id)
        last_id = max((int(record["id"]) for record in records), default=None)
        return cls(tuple(added.values()), answer.get("nextPageToken"), last_id, int(answer["historyId"]))


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page of a search, newest first."""

    gmail_ids: tuple[str, ...]
    next_page_token: str | None

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "MessagePage":
        """Read the answer of `users.messages.list`."""
        return cls(tuple(message["id"] for message in answer.get("messages", ())), answer.get("nextPageToken"))


@dataclass(frozen=True, slots=True)
class Watch:
    """A running watch: pushes come until `expires_at`."""

    history_id: int
    expires_at: datetime

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "Watch":
        """Read the answer of `users.watch`; `expiration` is in epoch milliseconds."""
        return cls(int(answer["historyId"]), from_epoch_ms(int(answer["expiration"])))


def read_headers(answer: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a `Message` resource by lower-case name; the first of several counts."""
    headers: dict[str, str] = {}
    for header in answer.get("payload", {}).get("headers", ()):
        headers.setdefault(header["name"].lower(), header["value"])
    return headers
