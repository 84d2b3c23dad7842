"""Tables of documents, their versions, and the shares under which recipients read them."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime

PUBLIC_ID_BYTES = 16


class FileKind(StrEnum):
    """What a file is by its content; these words are also its ending."""

    PDF = "pdf"
    DOC = "doc"
    DOCX = "docx"
    PPT = "ppt"
    PPTX = "pptx"


class VersionState(StrEnum):
    """Where a version stands on its way to pages; a swept one has lost its files, its history stays."""

    UPLOADED = "uploaded"
    CONVERTING = "converting"
    READY = "ready"
    FAILED = "failed"
    SWEPT = "swept"


class ShareKind(StrEnum):
    """A generic link as it stands in the editor; of one copy of a mail; a bare one with a name; the members' own."""

    PREVIEW = "preview"
    INSERTION = "insertion"
    COPY = "copy"
    LINK = "link"


def make_public_id() -> str:
    """Return the id under which a document is known outside; it opens nothing."""
    return secrets.token_hex(PUBLIC_ID_BYTES)


class Document(SQLModel, table=True):
    """A file that members share, under one name through all its versions.

    `current_version_id` names the `DocumentVersion` that every share shows: the first one from the start, a later one
    as soon as it is ready, so that links never lead to a file that cannot be shown. A deleted document can come back
    until it is swept.
    """

    __table_args__: Any = (
        Index("ix_document_workspace_order", "workspace_id", "id"),
        Index("ix_document_deleted", "deleted_at", sqlite_where=text("deleted_at IS NOT NULL"),
              postgresql_where=text("deleted_at IS NOT NULL")),
    )  # fmt: skip

    id: int = Field(default=None, primary_key=True)
    public_id: str = Field(default_factory=make_public_id, unique=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id", index=True)
    name: str
    sort_name: str = ""
    current_version_id: int | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DocumentVersion(SQLModel, table=True):
    """One uploaded file of a document and what became of it; its files stand where server/documents/storage.py says.

    `failure` is a code of server/documents/failures.py. `pages` is known once the file was opened, `pages_done` counts
    those already drawn. The row is claimed with a lease and a fence, like a copy in the outbox.
    """

    __tablename__ = "document_version"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        Index("ix_document_version_state", "state", "lease_until"),
    )

    id: int = Field(default=None, primary_key=True)
    document_id: int = Field(foreign_key="document.id")
    member_id: int = Field(foreign_key="member.id")
    number: int = 1
    file_name: str
    kind: str
    sha256: str
    size_bytes: int
    state: str = VersionState.UPLOADED
    failure: str = ""
    pages: int = 0
    pages_done: int = 0
    attempts: int = 0
    fence: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    ready_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Share(SQLModel, table=True):
    """One link to a document, with its own settings; it always shows the document's current version.

    The token (128 random bits) is found by `token_hash`; `sealed_token` lets its owner see the address again. A copy's
    share belongs to all recipients of that copy; `recipient_id` is set where there is only one. `parent_id` is the
    share that stood in the editor. What is not `is_counted` (a sample's) makes no event.
    """

    __table_args__ = (UniqueConstraint("copy_id", "parent_id"), Index("ix_share_document", "document_id", "id"))

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id")
    document_id: int = Field(foreign_key="document.id")
    kind: str = ShareKind.LINK
    name: str = ""
    token_hash: str = Field(unique=True)
    sealed_token: bytes
    parent_id: int | None = Field(default=None, foreign_key="share.id")
    copy_id: int | None = Field(default=None, foreign_key="copy.id", ondelete="SET NULL")
    recipient_id: int | None = Field(default=None, foreign_key="recipient.id", index=True, ondelete="SET NULL")
    is_counted: bool = True
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    password_hash: str | None = None
    asks_for_email: bool = False
    allow_download: bool = True
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
