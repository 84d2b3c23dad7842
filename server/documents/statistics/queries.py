"""The reads behind a document's picture: figures per page, and the newest visits with their time on each page."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from server.accounts.scope import Scope
from server.clock import now
from server.documents.models import Document, DocumentVersion
from server.documents.progress import Progress, make_progress
from server.documents.viewer.models import DocumentVisit, PageFigure, VisitPage

VISITS_SHOWN = 100
VISITS_AT_ONCE = 500
VISITS_OF_A_PERSON = 10


@dataclass(frozen=True, slots=True)
class Read:
    """One visit of a person: to which document, and how it stands."""

    document: Document
    progress: Progress
    at: datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """A page over all visits: milliseconds in view, visits that read it, and visits that came at least so far."""

    page: int
    ms: int
    visits: int
    reached: int

    @property
    def mean_ms(self) -> int:
        """How long it was in view on average, among those who read it."""
        return self.ms // self.visits if self.visits else 0


@dataclass(frozen=True, slots=True)
class Summary:
    """A version in figures, page by page, and over all visits."""

    pages: list[Figure]
    visits: int

    @property
    def ms(self) -> int:
        """All time in view."""
        return sum(figure.ms for figure in self.pages)

    @property
    def completion(self) -> float:
        """Which share of the pages a visit read on average, 0 to 1."""
        read = sum(figure.visits for figure in self.pages)
        return read / (self.visits * len(self.pages)) if self.visits and self.pages else 0.0

    @property
    def mean_ms(self) -> int:
        """How long a visit lasted on average, in view."""
        return self.ms // self.visits if self.visits else 0


@dataclass(slots=True)
class Reader:
    """All shown visits of one reader: by address, else by the link they came by."""

    key: tuple[int, str]
    visits: list[DocumentVisit] = field(default_factory=list)
    ms: dict[int, int] = field(default_factory=dict)

    @property
    def newest(self) -> DocumentVisit:
        """The visit by which they are called."""
        return self.visits[0]

    @property
    def total_ms(self) -> int:
        """All their time in view."""
        return sum(self.ms.values())

    @property
    def devices(self) -> int:
        """On how many devices or in how many networks they read."""
        return len({visit.device_key for visit in self.visits})

    @property
    def may_be_forwarded(self) -> bool:
        """Whether more devices read than a reader usually has, none of whom said who they are."""
        return self.devices > 1 and not self.newest.is_claimed

    @property
    def downloads(self) -> int:
        """How often they took the file along."""
        return sum(visit.downloads for visit in self.visits)


def read_summary(session: Session, scope: Scope, version: DocumentVersion) -> Summary:
    """Return the figures of a version, as far as `scope` may see its readers; never reads a visit."""
    chosen = select(PageFigure.page, func.sum(PageFigure.ms), func.sum(PageFigure.visits), func.sum(PageFigure.ended))
    chosen = chosen.where(PageFigure.version_id == version.id).group_by(col(PageFigure.page))
    if scope.member_id is not None:
        chosen = chosen.where(PageFigure.member_id == scope.member_id)
    rows = {page: (int(ms), int(visits), int(ended)) for page, ms, visits, ended in session.execute(chosen)}
    figures: list[Figure] = []
    reached = 0
    for page in range(version.pages, 0, -1):
        ms, visits, ended = rows.get(page, (0, 0, 0))
        reached += ended
        figures.append(Figure(page, ms, visits, reached))
    return Summary(figures[::-1], reached)


def read_readers(session: Session, scope: Scope, version: DocumentVersion, limit: int = VISITS_SHOWN) -> list[Reader]:
    """Return who read a version in its newest `limit` visits, the latest first, with their time on each page."""
    visits = _read_visits(session, scope, version.document_id, limit=limit, version_id=version.id)
    pages = read_pages(session, [visit.id for visit in visits])
    readers: dict[tuple[int, str], Reader] = {}
    for visit in visits:
        key = (0, visit.address) if visit.address else (visit.share_id, "")
        reader = readers.setdefault(key, Reader(key))
        reader.visits.append(visit)
        for page, ms in pages.get(visit.id, {}).items():
            reader.ms[page] = reader.ms.get(page, 0) + ms
    return list(readers.values())


def read_pages(session: Session, visit_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Return the milliseconds by page of these visits, by visit."""
    pages: dict[int, dict[int, int]] = {}
    chosen = select(VisitPage.visit_id, VisitPage.page, VisitPage.ms).where(col(VisitPage.visit_id).in_(visit_ids))
    for visit_id, page, ms in session.exec(chosen.order_by(col(VisitPage.visit_id), col(VisitPage.page))):
        pages.setdefault(visit_id, {})[page] = ms
    return pages


def walk_visits(session: Session, scope: Scope, document_id: int) -> Iterator[Sequence[DocumentVisit]]:
    """Yield all visits to a document that `scope` may see, the newest first, some at once."""
    before: int | None = None
    while visits := _read_visits(session, scope, document_id, limit=VISITS_AT_ONCE, before=before):
        yield visits
        before = visits[-1].id
        session.expunge_all()


def read_visits_of(
    session: Session, scope: Scope, addresses: Collection[str], limit: int = VISITS_OF_A_PERSON
) -> list[Read]:
    """Return the newest visits by those who hold `addresses`, that `scope` may see."""
    chosen = select(DocumentVisit, Document).join(Document, col(Document.id) == col(DocumentVisit.document_id))
    chosen = chosen.where(DocumentVisit.workspace_id == scope.workspace_id, col(DocumentVisit.address).in_(addresses))
    if scope.member_id is not None:
        chosen = chosen.where(DocumentVisit.member_id == scope.member_id)
    rows = session.exec(chosen.order_by(col(DocumentVisit.id).desc()).limit(limit)).all()
    return [Read(document, make_progress(visit, now()), visit.last_at) for visit, document in rows]


def _read_visits(
    session: Session, scope: Scope, document_id: int, *, limit: int, version_id: int | None = None,
    before: int | None = None,
) -> Sequence[DocumentVisit]:  # fmt: skip
    chosen = select(DocumentVisit).where(DocumentVisit.document_id == document_id)
    if scope.member_id is not None:
        chosen = chosen.where(DocumentVisit.member_id == scope.member_id)
    if version_id is not None:
        chosen = chosen.where(DocumentVisit.version_id == version_id)
    if before is not None:
        chosen = chosen.where(col(DocumentVisit.id) < before)
    return session.exec(chosen.order_by(col(DocumentVisit.id).desc()).limit(limit)).all()
