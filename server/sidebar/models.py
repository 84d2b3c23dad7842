"""Tables of pairings under way, threads that members opened in Gmail, and what a member set for the extension."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class PairingCode(SQLModel, table=True):
    """A single-use code of RFC 6749 §4.1, bound to its challenge (RFC 7636) and redirect; only its hash is kept.

    `token_id` is the token that the code gave: a second use of the code revokes it.
    """

    __tablename__ = "pairing_code"

    id: int = Field(default=None, primary_key=True)
    member_id: int = Field(foreign_key="member.id")
    code_hash: str = Field(unique=True)
    challenge: str
    redirect: str
    device: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    token_id: int | None = Field(default=None, foreign_key="accesstoken.id", ondelete="SET NULL")


class ThreadOpening(SQLModel, table=True):
    """A member's browser was about to show this thread: whoever fetches its pixels around `at` is that member (T12)."""

    __tablename__ = "thread_opening"
    __table_args__: Any = (
        Index("ix_thread_opening_thread", "gmail_thread_id", "member_id", "at"),
        Index("ix_thread_opening_at", "at"),
    )

    id: int = Field(default=None, primary_key=True)
    member_id: int = Field(foreign_key="member.id")
    gmail_thread_id: str
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ExtensionPreference(SQLModel, table=True):
    """What a member set for the extension in all their browsers; without a row the defaults hold."""

    __tablename__ = "extension_preference"

    member_id: int = Field(primary_key=True, foreign_key="member.id")
    shows_marks: bool = True
