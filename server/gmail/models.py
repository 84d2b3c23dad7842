"""Tables of linked mailboxes, what was not seen of them, Pub/Sub notifications, and mail that could not be read."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class MailboxState(StrEnum):
    """Linked and working; revoked at Google (relink to go on); disconnected by its member."""

    LINKED = "linked"
    REVOKED = "revoked"
    DISCONNECTED = "disconnected"


class GapCause(StrEnum):
    """Why Warmline could not look into a mailbox."""

    AWAY = "away"
    GMAIL = "gmail"
    REVOKED = "revoked"
    HISTORY = "history"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"


class Mailbox(SQLModel, table=True):
    """A member's linked Gmail account.

    `sync_wanted_at` is the pending-sync row of design.md §3: set by a push or the ticker, cleared by a sync that began
    after it; in the future it is a back-off. `lease_until` and `fence` are the per-mailbox lock. `history_id` is the
    cursor; it moves after processing. `seen_until_at` is when the last complete sync began: what came in before it
    has been received; `blind_cause` (of `GapCause`) is why it is not later. `is_paused`: its member is deactivated.
    `granted_at` is when Google gave the token, `warned_at` when its member was warned of its end, and
    `token_seconds` how long the one before lived until Google withdrew it.
    `tracks_by_default` is where the track toggle in Gmail's compose stands at first.
    Of one address, one row of a workspace may be in use.
    """

    __table_args__: Any = (
        Index(
            "ux_mailbox_in_use",
            "workspace_id",
            "email",
            unique=True,
            sqlite_where=text("state <> 'disconnected'"),
            postgresql_where=text("state <> 'disconnected'"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id", index=True)
    email: str = Field(index=True)
    state: str = MailboxState.LINKED
    state_reason: str = ""
    refresh_token_sealed: bytes | None = None
    granted_scopes: str = ""
    granted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    warned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    token_seconds: int | None = None
    is_paused: bool = False
    tracks_by_default: bool = True
    history_id: int | None = Field(default=None, sa_type=BigInteger)
    watch_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    watched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    watch_error: str = ""
    last_push_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_until_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    blind_cause: str = ""
    last_sync_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sync_wanted_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    sync_failures: int = 0
    sync_error: str = ""
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fence: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PubsubNotification(SQLModel, table=True):
    """A push already recorded; Pub/Sub delivers at least once."""

    __tablename__ = "pubsub_notification"

    pubsub_message_id: str = Field(primary_key=True)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id", index=True)
    received_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)


class QuarantinedMail(SQLModel, table=True):
    """A mail that could not be parsed or recorded; the sync went on without it."""

    __tablename__ = "quarantined_mail"
    __table_args__ = (UniqueConstraint("mailbox_id", "gmail_id"),)

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id")
    gmail_id: str
    reason: str
    quarantined_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    retry_wanted_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    retried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MailboxGap(SQLModel, table=True):
    """An interval in which Warmline could not see what came into a mailbox; `cause` is of `GapCause`."""

    __tablename__ = "mailbox_gap"
    __table_args__ = (Index("ix_mailbox_gap_workspace_id_end_at", "workspace_id", "end_at"),)

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", index=True)
    workspace_id: int
    member_id: int
    start_at: datetime = Field(sa_type=UtcDateTime)
    end_at: datetime = Field(sa_type=UtcDateTime)
    cause: str


class Backfill(SQLModel, table=True):
    """The last search that stood in for a mailbox's lost history, back to `since`.

    It listed `found` mails, and `beyond` more that lie past its limits: those are not read.
    """

    mailbox_id: int = Field(foreign_key="mailbox.id", primary_key=True)
    since: datetime = Field(sa_type=UtcDateTime)
    found: int
    beyond: int
    began_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PendingMail(SQLModel, table=True):
    """A mail that a backfill listed and that is still to be received; the greatest id is the newest mail."""

    __tablename__ = "pending_mail"
    __table_args__ = (UniqueConstraint("mailbox_id", "gmail_id"),)

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id")
    gmail_id: str
