"""Tables of what a member wants to be notified of and of whom not, and how far they have seen their feed."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class NotificationPreference(SQLModel, table=True):
    """A member's switches; without a row the defaults hold. Quiet hours are minutes of the member's day, or None."""

    __tablename__ = "notification_preference"

    member_id: int = Field(primary_key=True, foreign_key="member.id")
    kinds: list[str] = Field(default_factory=list, sa_type=JSON)
    first_view_only: bool = True
    reminders: bool = True
    quiet_from: int | None = None
    quiet_until: int | None = None


class MutedPerson(SQLModel, table=True):
    """An address (lower case) of which a member wants no notification; its rows stand in the feed as before."""

    __tablename__ = "muted_person"
    __table_args__: Any = (UniqueConstraint("member_id", "address"),)

    id: int = Field(default=None, primary_key=True)
    member_id: int = Field(foreign_key="member.id")
    address: str


class FeedCursor(SQLModel, table=True):
    """The newest event that some shell has shown the member; what came after it is unread."""

    __tablename__ = "feed_cursor"

    member_id: int = Field(primary_key=True, foreign_key="member.id")
    event_id: int = Field(default=0, sa_type=BigInteger)
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
