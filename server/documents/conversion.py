"""From an uploaded version to its pages, in the background: claimed once, tried again after a death, or given up."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, or_, update
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.config import get_settings
from server.documents.failures import Unfit
from server.documents.models import Document, DocumentVersion, FileKind, VersionState
from server.documents.pages import Progress, make_pages

LEASE_SECONDS = 240  # longer than one conversion may take
MOST_ATTEMPTS = 3
TELL_SECONDS = 0.7

log = structlog.get_logger()


def convert(session: Session, version_id: int) -> Iterator[None]:
    """Make the pages of a version that waits for it; yields wherever the caller must commit before going on."""
    version = _claim(session, version_id)
    if version is None:
        return
    announce(session, version.document_id)
    yield
    try:
        if version.attempts > MOST_ATTEMPTS:
            raise Unfit("crashed")
        shown, told = Progress(), time.monotonic()
        for progress in make_pages(get_settings(), version.id, FileKind(version.kind), version.fence):
            if progress == shown or (progress.pages == shown.pages and time.monotonic() - told < TELL_SECONDS):
                continue
            shown, told = progress, time.monotonic()
            if not _store(session, version, pages=progress.pages, pages_done=progress.done):
                return  # it is somebody else's by now
            announce(session, version.document_id)
            yield
    except Unfit as unfit:
        log.warning("document not converted", version_id=version.id, reason=unfit.reason)
        _store(session, version, state=VersionState.FAILED, failure=unfit.reason, lease_until=None)
    else:
        _finish(session, version)
    announce(session, version.document_id)
    yield


def find_due(session: Session, limit: int = 50) -> list[int]:
    """Return the versions that wait for their pages, or whose worker is gone."""
    return list(
        session.exec(select(DocumentVersion.id).where(_is_due()).order_by(col(DocumentVersion.id)).limit(limit))
    )


def announce(session: Session, document_id: int) -> None:
    """Tell the workspace's pages that something about a document changed."""
    document = session.get_one(Document, document_id)
    queue.announce(session, "document", workspace_id=document.workspace_id, id=document_id)


def _claim(session: Session, version_id: int) -> DocumentVersion | None:
    taken = {"state": VersionState.CONVERTING, "lease_until": now() + timedelta(seconds=LEASE_SECONDS),
             "fence": DocumentVersion.fence + 1, "attempts": DocumentVersion.attempts + 1, "pages_done": 0}  # fmt: skip
    if not _update(session, version_id, taken, _is_due()):
        return None
    return session.get_one(DocumentVersion, version_id, populate_existing=True)


def _finish(session: Session, version: DocumentVersion) -> None:
    if not _store(session, version, state=VersionState.READY, failure="", lease_until=None, ready_at=now()):
        return
    document = session.get_one(Document, version.document_id, with_for_update=True, populate_existing=True)
    current = session.get(DocumentVersion, document.current_version_id) if document.current_version_id else None
    if current is None or current.number < version.number:
        document.current_version_id, document.updated_at = version.id, now()
        session.add(document)
        session.flush()


def _store(session: Session, version: DocumentVersion, **values: Any) -> bool:
    """Write `values` where this worker still holds the version; return whether it does."""
    ours = and_(col(DocumentVersion.state) == VersionState.CONVERTING, col(DocumentVersion.fence) == version.fence)
    return _update(session, version.id, values, ours)


def _update(session: Session, version_id: int, values: dict[str, Any], condition: ColumnElement[bool]) -> bool:
    statement = update(DocumentVersion).where(col(DocumentVersion.id) == version_id, condition).values(**values)
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return bool(cast(CursorResult[Any], result).rowcount)


def _is_due() -> ColumnElement[bool]:
    lost = and_(col(DocumentVersion.state) == VersionState.CONVERTING, col(DocumentVersion.lease_until) < now())
    return or_(col(DocumentVersion.state) == VersionState.UPLOADED, lost)
