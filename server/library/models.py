"""Tables of templates and snippets, of signatures, and of which signature a mailbox starts a mail with."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime
from server.people.models import BY_CODE_POINT


class TemplateKind(StrEnum):
    """A whole mail with its subject, or a few lines to put into one."""

    TEMPLATE = "template"
    SNIPPET = "snippet"


class Template(SQLModel, table=True):
    """A mail or a snippet to use again: `subject` and `html` are text of the merge language (`library.merge`).

    `html` is clean (`messages.html.clean_html`). The owner alone sees it until it `is_shared` with the workspace;
    `sort_name` orders lists; `deleted_at` lets a removal be taken back.
    """

    __table_args__ = (
        Index("ix_template_owner", "owner_id", "sort_name", "id"),
        Index("ix_template_shared", "workspace_id", "is_shared", "sort_name", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    owner_id: int = Field(foreign_key="member.id")
    kind: str = TemplateKind.TEMPLATE
    name: str
    sort_name: str = Field(sa_type=BY_CODE_POINT)
    subject: str = Field(default="", sa_type=Text)
    html: str = Field(default="", sa_type=Text)
    is_shared: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Signature(SQLModel, table=True):
    """What a member ends mail with; `html` is clean and holds no fields."""

    __table_args__ = (UniqueConstraint("member_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id")
    name: str
    html: str = Field(default="", sa_type=Text)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class MailboxSignature(SQLModel, table=True):
    """The signature with which a new mail from a mailbox begins; no row, none."""

    __tablename__ = "mailbox_signature"

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    signature_id: int = Field(foreign_key="signature.id", index=True)
