"""Attached files: kept while a mail is written, bound to it when it is sent, put into each of its copies, swept."""

import hashlib
import mimetypes
import re
from collections.abc import Sequence
from datetime import timedelta
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.mime.nonmultipart import MIMENonMultipart
from pathlib import Path
from typing import IO

from flask_babel import gettext as _
from sqlalchemy import or_
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.config import Settings, get_settings
from server.errors import Refused
from server.gmail.errors import GmailFailure
from server.messages.attachments.models import Attachment
from server.messages.models import Message

MOST_BYTES = 25_000_000  # Gmail takes 25 MB of files; encoded they stay below the 35 MB of its API
MOST_FILES = 20
NAME_LENGTH = 150
WAITING_HOURS = 24
SENT_DAYS = 30
TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")


def keep(session: Session, member: Member, file: IO[bytes], file_name: str) -> Attachment:
    """Keep an uploaded file until its mail is sent."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(_("Gmail takes at most %(most)s MB of files.", most=MOST_BYTES // 10**6), field="files")
    name = _clean_name(file_name)
    kind = mimetypes.guess_type(name, strict=False)[0] or ""
    row = Attachment(
        member_id=member.id, name=name, content_type=kind if TYPE.fullmatch(kind) else "application/octet-stream",
        size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    path = path_of(get_settings(), row)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(content)
    return row


def find_own(session: Session, member: Member, ids: Sequence[int]) -> list[Attachment]:
    """Return those of the member's kept files with `ids`, in their order."""
    if not ids:
        return []
    rows = session.exec(
        select(Attachment).where(col(Attachment.id).in_(ids[: MOST_FILES + 1]), Attachment.member_id == member.id)
    )
    return sorted(rows, key=lambda row: row.id)


def check(files: Sequence[Attachment]) -> None:
    """Refuse more than Gmail takes, and what is here no more."""
    if any(file.message_id is not None or file.swept_at is not None for file in files):
        raise Refused(_("A file is here no more. Attach it again."), field="files")
    if len(files) > MOST_FILES or sum(file.size_bytes for file in files) > MOST_BYTES:
        raise Refused(
            _(
                "Gmail takes at most %(most)s MB of files. Share large ones as content instead.",
                most=MOST_BYTES // 10**6,
            ),
            field="files",
        )


def bind(session: Session, files: Sequence[Attachment], message: Message) -> None:
    """Let `files` go with a message."""
    message.has_attachments = bool(files)
    for file in files:
        file.message_id = message.id
        session.add(file)
    session.flush()


def read_attached(session: Session, message: Message) -> list[Attachment]:
    """Return the files of a message."""
    if not message.has_attachments:
        return []
    rows = select(Attachment).where(Attachment.message_id == message.id).order_by(col(Attachment.id))
    return list(session.exec(rows))


def make_parts(session: Session, settings: Settings, message: Message) -> list[MIMEBase]:
    """Return the parts of a mail that carry its files (RFC 2183), byte for byte."""
    return [_make_part(settings, file) for file in read_attached(session, message)]


def path_of(settings: Settings, file: Attachment) -> Path:
    """Return where the content of a kept file stands."""
    return settings.warmline_home / "attachments" / str(file.id)


def sweep(session: Session, limit: int = 200) -> list[Path]:
    """Let go of files that no mail took, and of those sent long ago; return the paths the caller deletes then."""
    forgotten = (col(Attachment.message_id).is_(None)) & (
        Attachment.created_at < now() - timedelta(hours=WAITING_HOURS)
    )
    sent = col(Attachment.created_at) < now() - timedelta(days=SENT_DAYS)
    old = select(Attachment).where(col(Attachment.swept_at).is_(None), or_(forgotten, sent)).limit(limit)
    rows = session.exec(old).all()
    for row in rows:
        row.swept_at = now()
        session.add(row)
    session.flush()
    return [path_of(get_settings(), row) for row in rows]


def _make_part(settings: Settings, file: Attachment) -> MIMEBase:
    part = MIMENonMultipart(*file.content_type.split("/", 1))
    name = file.name if file.name.isascii() else ("utf-8", "", file.name)  # RFC 2231
    part.add_header("Content-Disposition", "attachment", filename=name)
    try:
        part.set_payload(path_of(settings, file).read_bytes())
    except FileNotFoundError:
        message = f"The attached file {file.name} is gone, so the mail was not sent."
        raise GmailFailure(message, permanent=True) from None
    encode_base64(part)
    return part


def _clean_name(file_name: str) -> str:
    name = "".join(letter for letter in file_name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    stem, dot, ending = " ".join(name.split()).rpartition(".")
    return f"{stem[: NAME_LENGTH - 12]}{dot}{ending[:10] if dot else ending[:NAME_LENGTH]}" or "file"
