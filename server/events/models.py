"""The event table, the clock that orders it, and how far each journal segment has been drained."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class EventKind(StrEnum):
    """One kind of engagement fact; the public API uses these words."""

    VIEWED = "viewed"
    CLICKED = "clicked"
    REPLIED = "replied"
    AUTO_REPLIED = "auto_replied"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    DOCUMENT_OPENED = "document_opened"
    PAGE_READ = "page_read"
    DOWNLOADED = "downloaded"
    WEB_VISITED = "web_visited"
    INTERESTING_MOMENT = "interesting_moment"


class Verdict(StrEnum):
    """What Warmline believes about an event."""

    HUMAN = "human"
    PROXY = "proxy"
    MACHINE = "machine"
    SELF = "self"
    UNKNOWN = "unknown"


COUNTED_VERDICTS = (Verdict.HUMAN, Verdict.PROXY, Verdict.UNKNOWN)


UNOWNED = 0  # the `member_id` of engagement by somebody whom no member owns: every member of the workspace sees it


class EventClock(SQLModel, table=True):
    """One row that numbers events: its lock makes ids follow the order of commits, so a cursor misses nothing."""

    __tablename__ = "event_clock"

    id: int = Field(default=1, primary_key=True)
    last_event_id: int = Field(default=0, sa_type=BigInteger)


class Event(SQLModel, table=True):
    """One engagement fact. Everything a person sees is a projection of this table.

    `id` follows commit order (the stream's cursor), `at` is when it happened (the order of the feed). `hit_id` names
    the outside fact and is unique for its `at`, so nothing is recorded twice. `is_shown` is False for what a machine or
    we ourselves did, except for automatic replies and bounces.
    `person_name` and `person_address` are what was known then; several `person_candidates` mean a shared copy.
    Marketing engagement has no copy, and `UNOWNED` as its member while nobody owns the person.
    """

    __table_args__: Any = (
        UniqueConstraint("hit_id", "at"),
        Index("ix_event_member_feed", "workspace_id", "member_id", "is_shown", "at", "id"),
        Index("ix_event_workspace_feed", "workspace_id", "is_shown", "at", "id"),
        Index("ix_event_copy", "copy_id", "at"),
        Index("ix_event_message", "message_id", "at"),
        Index("ix_event_person", "person_id", "at", "id"),
        Index(
            "ix_event_unknown_person",
            "workspace_id",
            "person_address",
            sqlite_where=text("person_id IS NULL"),
            postgresql_where=text("person_id IS NULL"),
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    hit_id: str
    workspace_id: int
    member_id: int
    kind: str
    verdict: str
    is_shown: bool
    confidence: float = 1.0
    reasons: list[str] = Field(default_factory=list, sa_type=JSON)
    verdict_version: int = 1
    message_id: int | None = None
    copy_id: int | None = None
    recipient_id: int | None = None
    person_id: int | None = None
    person_name: str = ""
    person_address: str = ""
    person_candidates: list[str] = Field(default_factory=list, sa_type=JSON)
    subject: str = Field(default="", sa_type=Text)
    content_kind: str = "sales"
    link_target: str | None = Field(default=None, sa_type=Text)
    place_city: str | None = None
    place_country: str | None = None
    place_source: str = ""
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class JournalCursor(SQLModel, table=True):
    """How many bytes of a journal segment are in `event`; moved in the transaction that recorded them.

    It outlives its segment, from `ended_at` on, so that the same bytes are never recorded again.
    """

    __tablename__ = "journal_cursor"

    segment: str = Field(primary_key=True)
    drained_bytes: int = Field(default=0, sa_type=BigInteger)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)


class VerdictReplay(SQLModel, table=True):
    """One run of the current rules over past events: how far it has come, and what it moved.

    `moves` counts events by workspace id, then by "from→to: reason". A killed run goes on behind its cursors.
    """

    __tablename__ = "verdict_replay"

    id: int = Field(default=None, primary_key=True)
    workspace_id: int | None = Field(default=None, foreign_key="workspace.id")
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_dry: bool = False
    rules: str
    copy_cursor: int = 0
    event_cursor: int = Field(default=0, sa_type=BigInteger)
    events: int = 0
    moved: int = 0
    moves: dict[str, dict[str, int]] = Field(default_factory=dict, sa_type=JSON)
    started_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
