"""The reads that the library, the picker, a document's page and the API need."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.documents.models import Document, DocumentVersion, Share, ShareKind, VersionState
from server.messages.models import Message, Recipient
from server.people.terms import normalise

PAGE_SIZE = 50
MOST_SHARES = 200
LAST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Line:
    """A document in a list: the version that is shown, and the newest one, which may be on its way."""

    document: Document
    current: DocumentVersion
    newest: DocumentVersion

    @property
    def is_waiting(self) -> bool:
        """Whether the newest version still becomes pages."""
        return self.newest.state in (VersionState.UPLOADED, VersionState.CONVERTING)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of documents, newest first; `next` is the `before` of the following page."""

    lines: list[Line]
    next: int | None

    @property
    def is_waiting(self) -> bool:
        """Whether one of them still becomes pages."""
        return any(line.is_waiting for line in self.lines)


def find_document(session: Session, member: Member, public_id: str, *, deleted: bool = False) -> Document | None:
    """Return a document of the member's workspace; a deleted one only where that is asked for."""
    found = select(Document).where(Document.public_id == public_id, Document.workspace_id == member.workspace_id)
    document = session.exec(found).one_or_none()
    return document if document and (deleted or document.deleted_at is None) else None


def read_documents(
    session: Session, workspace_id: int, search: str = "", before: int = LAST_ID, limit: int = PAGE_SIZE
) -> Listing:
    """Return the documents of a workspace with id below `before` whose name holds every word of `search`."""
    rows = select(Document).where(
        Document.workspace_id == workspace_id, col(Document.deleted_at).is_(None), col(Document.id) < before
    )
    for word in normalise(search).split()[:5]:
        rows = rows.where(col(Document.sort_name).contains(word, autoescape=True))
    found = session.exec(rows.order_by(col(Document.id).desc()).limit(limit + 1)).all()
    page = found[:limit]
    return Listing(_make_lines(session, page), page[-1].id if len(found) > limit else None)


def read_line(session: Session, document: Document) -> Line:
    """Return one document as a list shows it."""
    return _make_lines(session, [document])[0]


def read_versions(session: Session, document_id: int, limit: int = 50) -> Sequence[DocumentVersion]:
    """Return the versions of a document, newest first."""
    rows = select(DocumentVersion).where(DocumentVersion.document_id == document_id)
    return session.exec(rows.order_by(col(DocumentVersion.number).desc()).limit(limit)).all()


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A share in a list, and for a copy's whose mail it was in."""

    share: Share
    subject: str = ""
    recipients: tuple[str, ...] = ()


def read_shares(session: Session, document_id: int, member: Member, limit: int = MOST_SHARES) -> list[ShareLine]:
    """Return the member's own links to a document, newest first: bare ones, and those that mails carried."""
    rows = select(Share).where(
        Share.document_id == document_id,
        Share.member_id == member.id,
        col(Share.kind).in_((ShareKind.LINK, ShareKind.COPY)),
    )
    shares = session.exec(rows.order_by(col(Share.id).desc()).limit(limit)).all()
    copies = [share.copy_id for share in shares if share.copy_id is not None]
    people: dict[int, list[str]] = {}
    subjects: dict[int, str] = {}
    mails = select(Recipient, Message.subject).join(Message, col(Message.id) == Recipient.message_id)
    for recipient, subject in session.exec(mails.where(col(Recipient.copy_id).in_(copies)).order_by(col(Recipient.id))):
        people.setdefault(recipient.copy_id, []).append(recipient.name or recipient.address)
        subjects[recipient.copy_id] = subject
    return [
        ShareLine(share, subjects.get(share.copy_id or 0, ""), tuple(people.get(share.copy_id or 0, ())))
        for share in shares
    ]


def find_share_of(session: Session, member: Member, share_id: int) -> Share | None:
    """Return a link of the member's own."""
    found = select(Share).where(Share.id == share_id, Share.member_id == member.id)
    return session.exec(found.where(col(Share.kind).in_((ShareKind.LINK, ShareKind.COPY)))).one_or_none()


def _make_lines(session: Session, documents: Sequence[Document]) -> list[Line]:
    ids = [document.id for document in documents]
    newest = (
        select(DocumentVersion.document_id, func.max(DocumentVersion.number).label("number"))
        .where(col(DocumentVersion.document_id).in_(ids)).group_by(col(DocumentVersion.document_id)).subquery()
    )  # fmt: skip
    on = (newest.c.document_id == DocumentVersion.document_id) & (newest.c.number == DocumentVersion.number)
    latest = {row.document_id: row for row in session.exec(select(DocumentVersion).join(newest, on))}
    shown = [document.current_version_id for document in documents]
    current = {row.id: row for row in session.exec(select(DocumentVersion).where(col(DocumentVersion.id).in_(shown)))}
    return [
        Line(document, current.get(document.current_version_id or 0, latest[document.id]), latest[document.id])
        for document in documents
    ]
