"""Tables of persons, their addresses, a workspace's custom fields, merges, imports, and what lists read."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime

# Compared by code point on every database, so that a prefix is a range of an index.
BY_CODE_POINT = String().with_variant(String(collation="C"), "postgresql")


class Person(SQLModel, table=True):
    """A prospect of a workspace, owned by one member. `custom` holds values by the id of their `CustomField`.

    `sort_name` is the name, else the main address, as lists order it (`people.terms.normalise`).
    """

    __table_args__ = (
        Index("ix_person_owner_name", "workspace_id", "owner_id", "sort_name", "id"),
        Index("ix_person_owner_order", "workspace_id", "owner_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    owner_id: int | None = Field(default=None, foreign_key="member.id", index=True)
    name: str = ""
    sort_name: str = Field(default="", sa_type=BY_CODE_POINT)
    company: str = ""
    job_title: str = ""
    phone: str = ""
    linkedin_url: str = ""
    time_zone: str | None = None
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


class PersonTerm(SQLModel, table=True):
    """One beginning under which a person is found; `owner_id` copies the person's, so that a search is one range."""

    __tablename__ = "person_term"
    __table_args__ = (Index("ix_person_term_owner", "workspace_id", "owner_id", "term", "person_id"),)

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    term: str = Field(primary_key=True, sa_type=BY_CODE_POINT)
    workspace_id: int
    owner_id: int | None = None


class PersonActivity(SQLModel, table=True):
    """When a person last did something that the feed shows; narrow, because every event moves it."""

    __tablename__ = "person_activity"
    __table_args__ = (Index("ix_person_activity_owner", "workspace_id", "owner_id", "last_event_at", "person_id"),)

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    workspace_id: int
    owner_id: int | None = None
    last_event_at: datetime = Field(sa_type=UtcDateTime)


class PersonMerge(SQLModel, table=True):
    """A person who was merged into another one: old addresses of pages lead on, and a second merge changes nothing."""

    __tablename__ = "person_merge"

    gone_id: int = Field(primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    kept_id: int = Field(foreign_key="person.id", index=True)
    merged_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class CustomField(SQLModel, table=True):
    """A field that a workspace added to its people."""

    __tablename__ = "custom_field"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    name: str


class ImportState(StrEnum):
    """Uploaded, and its columns are to be chosen; being taken in; all lines looked at; given up, with the reason."""

    DRAFT = "draft"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class PersonImport(SQLModel, table=True):
    """One uploaded CSV file. `done_lines` moves in the transaction that took those lines in, so none is taken twice.

    `columns` says for each column of the file which field it fills, "" for none. The file stands in
    WARMLINE_HOME/imports/<id>.
    """

    __tablename__ = "person_import"

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id", index=True)
    state: str = Field(default=ImportState.DRAFT, index=True)
    file_name: str
    encoding: str
    separator: str
    header: list[str] = Field(default_factory=list, sa_type=JSON)
    columns: list[str] = Field(default_factory=list, sa_type=JSON)
    owner: str = "me"
    existing: str = "update"
    lines: int = 0
    done_lines: int = 0
    added: int = 0
    updated: int = 0
    skipped: int = 0
    refused: int = 0
    failure: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RefusedLine(SQLModel, table=True):
    """A line of an import that was not taken: where it stood, why, and its cells, so that it can be repaired."""

    __tablename__ = "refused_line"

    import_id: int = Field(primary_key=True, foreign_key="person_import.id")
    line: int = Field(primary_key=True)
    reason: str
    cells: list[str] = Field(default_factory=list, sa_type=JSON)
