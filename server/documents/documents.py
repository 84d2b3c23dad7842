"""Documents in the library: added, replaced by a newer version, renamed, deleted, brought back, swept."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server import queue
from server.accounts.models import Member, Role
from server.clock import now
from server.config import get_settings
from server.documents import storage
from server.documents.conversion import announce
from server.documents.models import Document, DocumentVersion, ShareKind, VersionState
from server.documents.shares import add_share
from server.documents.uploads import Upload
from server.errors import Refused
from server.keys import get_keys
from server.people.terms import normalise

NAME_LENGTH = 200
KEPT_DAYS = 30


def add_document(session: Session, member: Member, upload: Upload, name: str = "") -> Document:
    """Add a document with `upload` as its first version, and wake the conversion."""
    name = _read_name(name or upload.file_name.rpartition(".")[0] or upload.file_name)
    document = Document(
        workspace_id=member.workspace_id, member_id=member.id, name=name, sort_name=normalise(name)
    )  # fmt: skip
    session.add(document)
    session.flush()
    version = _add_version(session, member, document, upload, 1)
    document.current_version_id = version.id
    session.add(document)
    add_share(session, get_keys(), document, member.id, ShareKind.PREVIEW, is_counted=False)
    return document


def replace_file(session: Session, member: Member, document: Document, upload: Upload) -> DocumentVersion:
    """Add a newer version; links and history stay, and show it as soon as it is ready."""
    check_owner(member, document)
    locked = select(Document).where(Document.id == document.id).with_for_update()
    document = session.exec(locked.execution_options(populate_existing=True)).one()
    newest = session.exec(
        select(DocumentVersion).where(DocumentVersion.document_id == document.id)
        .order_by(col(DocumentVersion.number).desc()).limit(1)
    ).one()  # fmt: skip
    if newest.sha256 == upload.sha256 and newest.state != VersionState.FAILED:
        raise Refused(_("This is the very file that is shown already."), field="file")
    version = _add_version(session, member, document, upload, newest.number + 1)
    current = session.get(DocumentVersion, document.current_version_id)
    if current is None or current.state == VersionState.FAILED:
        document.current_version_id = version.id
    document.updated_at = now()
    session.add(document)
    session.flush()
    return version


def rename(session: Session, member: Member, document: Document, name: str) -> None:
    """Give a document another name; recipients see it too."""
    check_owner(member, document)
    document.name = _read_name(name)
    document.sort_name, document.updated_at = normalise(document.name), now()
    session.add(document)
    session.flush()
    announce(session, document.id)


def delete(session: Session, member: Member, document: Document) -> None:
    """Delete a document: its links show nothing from now on. It can come back for `KEPT_DAYS` days."""
    check_owner(member, document)
    document.deleted_at = document.deleted_at or now()
    session.add(document)
    session.flush()
    announce(session, document.id)


def restore(session: Session, member: Member, document: Document) -> None:
    """Bring back a deleted document with all its links."""
    check_owner(member, document)
    version = session.get(DocumentVersion, document.current_version_id)
    if version is None or version.state == VersionState.SWEPT:
        raise Refused(_("The files of this document are gone. Upload it again."), status=410)
    document.deleted_at = None
    session.add(document)
    session.flush()
    announce(session, document.id)


def sweep(session: Session, limit: int = 100) -> list[int]:
    """Let go of the files of documents deleted long ago; return the versions whose files the caller deletes then."""
    old = now() - timedelta(days=KEPT_DAYS)
    rows = session.exec(
        select(DocumentVersion).join(Document, col(Document.id) == DocumentVersion.document_id)
        .where(col(Document.deleted_at) < old, DocumentVersion.state != VersionState.SWEPT).limit(limit)
    ).all()  # fmt: skip
    for version in rows:
        version.state = VersionState.SWEPT
        session.add(version)
    session.flush()
    return [version.id for version in rows]


def check_owner(member: Member, document: Document) -> None:
    """Refuse to change a colleague's document, except for managers and admins."""
    if document.member_id != member.id and member.role not in (Role.MANAGER, Role.ADMIN):
        raise Refused(_("Only its owner, a manager or an admin can change this document."), status=403)


def _add_version(session: Session, member: Member, document: Document, upload: Upload, number: int) -> DocumentVersion:
    version = DocumentVersion(
        document_id=document.id, member_id=member.id, number=number, file_name=upload.file_name, kind=upload.kind,
        sha256=upload.sha256, size_bytes=upload.size_bytes,
    )  # fmt: skip
    session.add(version)
    session.flush()
    upload.move_to(storage.original_path(get_settings(), version.id))
    queue.wake(session, "convert_document", version.id)
    announce(session, document.id)
    return version


def _read_name(name: str) -> str:
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise Refused(_("A document's name has 1 to %(most)s characters.", most=NAME_LENGTH), field="name")
    return name
