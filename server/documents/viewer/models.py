"""Tables of reading: visits, the time on each of their pages, the sittings they add up, and figures per page."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field, SQLModel

from server.db import UtcDateTime


class DocumentVisit(SQLModel, table=True):
    """One reader on one device with one version, until nothing was heard for ten minutes.

    `name` and `address` say who, as the share knows or as the reader said (`is_claimed`); several `candidates` mean a
    shared copy. `device_key` tells devices apart and says nothing else. `page` is the one in view, `is_open` whether
    the reader still looked when last heard. `reading_ms` and `pages_read` sum up the visit's pages.
    """

    __tablename__ = "document_visit"
    __table_args__: Any = (
        Index("ix_document_visit_document", "document_id", "member_id", "id"),
        Index("ix_document_visit_share", "share_id", "last_at"),
        Index("ix_document_visit_address", "workspace_id", "address", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id")
    document_id: int = Field(foreign_key="document.id", ondelete="CASCADE")
    version_id: int = Field(foreign_key="document_version.id", ondelete="CASCADE")
    share_id: int = Field(foreign_key="share.id", ondelete="CASCADE")
    name: str = ""
    address: str = ""
    candidates: list[str] = Field(default_factory=list, sa_type=JSON)
    is_claimed: bool = False
    device_key: str = ""
    device: str = ""
    place_city: str | None = None
    place_country: str | None = None
    started_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    pages: int = 0
    page: int = 1
    is_open: bool = True
    reading_ms: int = Field(default=0, sa_type=BigInteger)
    pages_read: int = 0
    furthest_page: int = 0
    downloads: int = 0


class VisitPage(SQLModel, table=True):
    """How long one page was in view during one visit."""

    __tablename__ = "visit_page"

    visit_id: int = Field(foreign_key="document_visit.id", primary_key=True, ondelete="CASCADE")
    page: int = Field(primary_key=True)
    ms: int = Field(default=0, sa_type=BigInteger)
    is_read: bool = False


class Sitting(SQLModel, table=True):
    """What one tab has reported so far: the highest time heard of each page, and the number of its newest report.

    A tab that comes back after ten idle minutes goes on with another `part`, which belongs to another visit.
    """

    load: str = Field(primary_key=True)
    part: int = Field(primary_key=True)
    visit_id: int = Field(foreign_key="document_visit.id", index=True, ondelete="CASCADE")
    sequence: int = 0
    page_ms: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    heard_at: datetime = Field(sa_type=UtcDateTime, index=True)


class PageFigure(SQLModel, table=True):
    """One page of a version, by whose share it was: milliseconds, visits that read it, visits that went no further."""

    __tablename__ = "page_figure"

    version_id: int = Field(foreign_key="document_version.id", primary_key=True, ondelete="CASCADE")
    member_id: int = Field(foreign_key="member.id", primary_key=True)
    page: int = Field(primary_key=True)
    ms: int = Field(default=0, sa_type=BigInteger)
    visits: int = 0
    ended: int = 0
