"""The table of tasks."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Text, text
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


def _index(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


_OPEN = "completed_at IS NULL AND deleted_at IS NULL"
_DONE = "completed_at IS NOT NULL AND deleted_at IS NULL"


class Task(SQLModel, table=True):
    """Something its assignee has to do.

    `due_at` is a moment; where only a day was given (`has_time` is False) it is the last second of that day in the
    assignee's time zone, so that a task is overdue when `due_at` has passed. `remind_at` is when a reminder is still to
    be given, None once it was. What was deleted can come back until the row is swept.
    """

    __table_args__: Any = (
        _index("ix_task_assignee_due", "assignee_id", "due_at", "id", where=_OPEN),
        _index("ix_task_assignee_done", "assignee_id", "due_at", "id", where=_DONE),
        _index("ix_task_workspace_due", "workspace_id", "due_at", "id", where=_OPEN),
        _index("ix_task_workspace_done", "workspace_id", "due_at", "id", where=_DONE),
        _index("ix_task_remind", "remind_at", where="remind_at IS NOT NULL"),
        _index("ix_task_deleted", "deleted_at", where="deleted_at IS NOT NULL"),
        Index("ix_task_person_due", "person_id", "due_at", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    creator_id: int = Field(foreign_key="member.id")
    assignee_id: int = Field(foreign_key="member.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")
    kind: str = TaskKind.CUSTOM
    name: str
    priority: str = Priority.NORMAL
    details: str = Field(default="", sa_type=Text)
    due_at: datetime = Field(sa_type=UtcDateTime)
    has_time: bool = True
    remind_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
