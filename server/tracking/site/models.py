"""The table of workspaces' websites."""

from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class Site(SQLModel, table=True):
    """The website of a workspace, whose snippet reports visits.

    `public_id` (32 hex digits) is what the site key signs; `hosts` are those of which visits are taken, each with what
    stands below it. `sealed_secret` is what the site's server signs its visitors with.
    """

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    public_id: str = Field(unique=True)
    hosts: list[str] = Field(default_factory=list, sa_type=JSON)
    takes_unsigned: bool = False
    sealed_secret: bytes | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    last_visit_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
