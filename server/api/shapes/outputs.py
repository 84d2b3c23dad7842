"""The shapes of what the REST API answers; OpenAPI is made from them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from server.accounts.models import Role
from server.events.models import EventKind, Verdict
from server.gmail.models import MailboxState
from server.messages.models import CopyState


class PersonAnswer(BaseModel):
    """Who did it, as far as is known."""

    id: int | None
    name: str
    email: str | None


class Place(BaseModel):
    """Where the request came from; `source` is the kind of source. Absent when unknown."""

    city: str | None
    country: str | None
    source: str


class EventAnswer(BaseModel):
    """One engagement fact, with what Warmline believes about it and why."""

    id: int
    kind: EventKind
    at: datetime
    recorded_at: datetime
    verdict: Verdict
    confidence: float
    reasons: list[str]
    person: PersonAnswer | None = Field(description="Null where a shared copy leaves it open; see `candidates`.")
    candidates: list[str] = Field(description="Everybody who got the shared copy, when it may be any of them.")
    member_id: int | None = Field(description="Whose engagement it is; null while nobody owns the person.")
    message: int | None = Field(description="The id of the message.")
    recipient: int | None = Field(description="The id of the message's recipient.")
    subject: str
    content_kind: str = Field(description="`sales`: about mail of a member; `marketing`: about anything else.")
    place: Place | None
    link: str | None = Field(description="The target of a click.")
    sender: PersonAnswer | None = Field(description="Who sent the reply, automatic reply or bounce.")
    details: dict[str, Any] = Field(description="What belongs to the kind, such as a moment's text.")


class EventPage(BaseModel):
    """A page of events."""

    items: list[EventAnswer]
    next: str | None


class RecipientAnswer(BaseModel):
    """One person on one message. On a shared copy the counts are those of all its recipients together."""

    id: int
    email: str
    name: str
    kind: str
    person_id: int | None
    state: CopyState
    message_id: str | None = Field(description="The Message-ID header of the mail this recipient got.")
    is_shared: bool
    failure: str | None
    sent_at: datetime | None
    views: int
    clicks: int
    replies: int
    bounces: int


class LinkAnswer(BaseModel):
    """One tracked link: its place in the mail and its exact target."""

    position: int
    target: str


class MessageAnswer(BaseModel):
    """An outgoing email and where it stands."""

    id: int
    member_id: int
    mailbox_id: int
    subject: str
    state: CopyState
    message_id: str | None = Field(description="The Message-ID header, when one copy carries the message.")
    failure: str | None
    individually: bool
    track_views: bool
    track_clicks: bool
    created_at: datetime
    sent_at: datetime | None
    recipients: list[RecipientAnswer]
    links: list[LinkAnswer]


class MessagePage(BaseModel):
    """A page of messages."""

    items: list[MessageAnswer]
    next: str | None


class MailboxAnswer(BaseModel):
    """A linked Gmail account; never its secrets."""

    id: int
    email: str
    state: MailboxState
    state_reason: str
    watch_expires_at: datetime | None
    last_push_at: datetime | None
    last_sync_at: datetime | None


class MailboxPage(BaseModel):
    """A page of mailboxes."""

    items: list[MailboxAnswer]
    next: str | None


class WorkspaceAnswer(BaseModel):
    """The member's team."""

    id: int
    name: str


class MeAnswer(BaseModel):
    """Whom the token speaks for."""

    id: int
    email: str
    name: str
    role: Role
    workspace: WorkspaceAnswer


class FieldProblem(BaseModel):
    """What is wrong with one field, parameter or header."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default=[], description="One entry for each field at fault.")
