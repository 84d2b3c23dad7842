"""Tables of persons and their email addresses."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class Person(SQLModel, table=True):
    """A prospect of a workspace, owned by one member."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    owner_id: int | None = Field(default=None, foreign_key="member.id", index=True)
    name: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PersonAddress(SQLModel, table=True):
    """One email address of a person; lower case, held by one person of a workspace."""

    __tablename__ = "person_address"
    __table_args__ = (UniqueConstraint("workspace_id", "email"),)

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    person_id: int = Field(foreign_key="person.id", index=True)
    email: str
