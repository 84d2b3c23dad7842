"""The table of attached files."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class Attachment(SQLModel, table=True):
    """A file that goes with a mail as it is; without a message it waits in a form.

    Its content stands in WARMLINE_HOME/attachments/<id> until it is swept; then Gmail alone has it.
    """

    id: int = Field(default=None, primary_key=True)
    member_id: int = Field(foreign_key="member.id")
    message_id: int | None = Field(default=None, foreign_key="message.id", index=True, ondelete="CASCADE")
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    swept_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
