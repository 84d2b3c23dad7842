"""Tables of outgoing messages, their copies, recipients and links, and of the mail that answered them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class MessageSource(StrEnum):
    """Where a message was written: our own compose, Gmail's compose with our extension, the API, a campaign, a sample.

    A sample carries neither pixel nor wrapped links: nothing ever comes of it.
    """

    APP = "app"
    GMAIL = "gmail"
    API = "api"
    CAMPAIGN = "campaign"
    SAMPLE = "sample"


class CopyState(StrEnum):
    """Where a copy stands on its way out; one handed to Gmail's own compose is sent there, and found again by sync.

    An excluded copy was not sent because of what its recipient said; `Copy.exclusion` names the reason.
    """

    HANDED = "handed"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXCLUDED = "excluded"


class Silence(StrEnum):
    """What a copy does not tell of its readers: their views, because they did not agree; anything, as they objected."""

    NONE = ""
    VIEWS = "views"
    ALL = "all"


class InboundKind(StrEnum):
    """What a mail that came back is; told apart in the order bounce and complaint, automatic reply, reply."""

    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    REPLY = "reply"
    COMPLAINT = "complaint"


class Message(SQLModel, table=True):
    """An outgoing tracked email as its member wrote it: one or several copies carry it to its recipients.

    A text-only mail has `text` and no `html`: it carries no pixel and no wrapped link, so it is not trackable (T14).
    Where it `is_merged`, subject, HTML and text are of the merge language, and `fields` holds the sender's values.
    `policy`, `has_notice` and `has_unsubscribe` keep what the policy said when it was written. Under an aggregate
    policy the message alone counts, in `aggregate_views` and `aggregate_clicks`; its copies do not.
    """

    __table_args__ = (
        UniqueConstraint("member_id", "idempotency_key"),
        Index("ix_message_member_id_id", "member_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    member_id: int = Field(foreign_key="member.id")
    mailbox_id: int = Field(foreign_key="mailbox.id", index=True)
    subject: str = Field(sa_type=Text)
    html: str = Field(sa_type=Text)
    text: str = Field(default="", sa_type=Text)
    source: str = MessageSource.APP
    campaign_id: int | None = Field(default=None, index=True)
    individually: bool = False
    track_views: bool = True
    track_clicks: bool = True
    has_honeypot: bool = False
    has_attachments: bool = False
    policy: str = "individual"
    has_notice: bool = False
    has_unsubscribe: bool = False
    aggregate_views: int = 0
    aggregate_clicks: int = 0
    is_merged: bool = False
    fields: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    idempotency_key: str | None = None
    request_hash: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

    @property
    def is_text(self) -> bool:
        """Whether the mail is text only."""
        return not self.html

    @property
    def is_trackable(self) -> bool:
        """Whether anything in the mail can tell that it was viewed or clicked."""
        return not self.is_text and (self.track_views or self.track_clicks)


class Copy(SQLModel, table=True):
    """One mail that Gmail sends: shared by all recipients, or one for each when sent individually.

    The row is the outbox: `state`, `due_at`, the lease and the `fence` make the send happen once (design.md §3).
    `doubted_at` is since when we cannot tell whether Gmail sent it. `tracking_id` (32 hex digits, 128 random bits) is
    what pixel and links carry. The counters project `event`; `repeats` are the views and clicks beyond what is kept of
    one mail in an hour (`tracking/repeats.py`). Of a merged message each copy has its person's values in `fields` and
    the subject that they make. One that `waits_for_sync` leaves only while its mailbox was read to within seconds, so
    that no reply is overlooked; `follows_id` is the copy whose thread it goes on in.
    """

    __tablename__ = "copy"
    __table_args__ = (Index("ix_copy_state_due_at", "state", "due_at"),)

    id: int = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    mailbox_id: int = Field(foreign_key="mailbox.id", index=True)
    tracking_id: str = Field(unique=True)
    subject: str = Field(default="", sa_type=Text)
    fields: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    state: str = CopyState.QUEUED
    due_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    waits_for_sync: bool = False
    follows_id: int | None = Field(default=None, foreign_key="copy.id")
    attempts: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fence: int = 0
    gmail_draft_id: str | None = None
    gmail_id: str | None = None
    gmail_thread_id: str | None = Field(default=None, index=True)
    rfc822_message_id: str | None = Field(default=None, index=True)
    failure: str = ""
    exclusion: str = ""
    silence: str = Silence.NONE
    doubted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    views: int = 0
    clicks: int = 0
    replies: int = 0
    bounces: int = 0
    reading: int = 0
    has_doubt: bool = False
    repeats: int = 0
    last_event_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Recipient(SQLModel, table=True):
    """One person on one message; `kind` is to, cc or bcc."""

    id: int = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    copy_id: int = Field(foreign_key="copy.id", index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    kind: str = "to"
    address: str
    name: str = ""


class Link(SQLModel, table=True):
    """One wrapped link of a message: its place in the mail and its exact target."""

    __table_args__ = (UniqueConstraint("message_id", "position"),)

    id: int = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id")
    position: int
    target: str = Field(sa_type=Text)


class InboundMail(SQLModel, table=True):
    """A mail in a linked mailbox that answers one of our copies; headers only, never the body."""

    __tablename__ = "inbound_mail"
    __table_args__ = (UniqueConstraint("mailbox_id", "gmail_id"),)

    id: int = Field(default=None, primary_key=True)
    mailbox_id: int = Field(foreign_key="mailbox.id")
    copy_id: int = Field(foreign_key="copy.id", index=True)
    gmail_id: str
    kind: str
    sender_address: str
    sender_name: str = ""
    subject: str = Field(default="", sa_type=Text)
    rfc822_message_id: str | None = None
    received_at: datetime = Field(sa_type=UtcDateTime)
