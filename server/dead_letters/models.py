"""The table of jobs that are held because they ended, or failed, again and again."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class DeadLetter(SQLModel, table=True):
    """A job, by its name and the `ids` it was woken for, that is not started again until an admin says so.

    One of nothing but itself (no `ids`) goes on being tried: it works for the whole installation. An empty `job` stands
    for wake-ups in the queue that nobody here wrote. After `let_go_at` it is held and no longer listed.
    """

    __tablename__ = "dead_letter"
    __table_args__ = (UniqueConstraint("job", "ids"),)

    id: int = Field(default=None, primary_key=True)
    job: str
    ids: str = ""
    reason: str
    times: int = 1
    set_aside_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    let_go_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
