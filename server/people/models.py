"""Tables of persons, their addresses, a workspace's custom fields, and imports."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class Person(SQLModel, table=True):
    """A prospect of a workspace, owned by one member. `custom` holds values by the id of their `CustomField`."""

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    owner_id: int | None = Field(default=None, foreign_key="member.id", index=True)
    name: str = ""
    company: str = ""
    job_title: str = ""
    phone: str = ""
    linkedin_url: str = ""
    notes: str = Field(default="", sa_type=Text)
    custom: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class PersonAddress(SQLModel, table=True):
    """One email address of a person; lower case, held by one person of a workspace. The first one is the main one."""

    __tablename__ = "person_address"
    __table_args__ = (UniqueConstraint("workspace_id", "email"),)

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    person_id: int = Field(foreign_key="person.id", index=True)
    email: str


class CustomField(SQLModel, table=True):
    """A field that a workspace added to its people."""

    __tablename__ = "custom_field"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    name: str
