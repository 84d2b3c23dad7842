"""The table of tasks."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class TaskKind(StrEnum):
    """What is to be done (F10)."""

    EMAIL = "email"
    CALL = "call"
    INMAIL = "inmail"
    CUSTOM = "custom"


class Priority(StrEnum):
    """How much it matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Task(SQLModel, table=True):
    """Something its assignee has to do. `due_at` is a moment; `has_time` is False where only its day was given."""

    __table_args__ = (Index("ix_task_assignee_due", "assignee_id", "completed_at", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    creator_id: int = Field(foreign_key="member.id")
    assignee_id: int = Field(foreign_key="member.id")
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    kind: str = TaskKind.CUSTOM
    name: str
    priority: str = Priority.NORMAL
    details: str = Field(default="", sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime)
    has_time: bool = True
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reminded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
