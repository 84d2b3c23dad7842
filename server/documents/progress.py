"""How a visit stands: which page is being read right now, and when it is over, what was read of it and for how long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.scope import Scope
from server.clock import now
from server.documents.viewer.models import DocumentVisit
from server.documents.visits import VISIT_GAP

SILENCE = timedelta(seconds=15)  # a reader is heard of every five seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """One visit as a line of text shows it. `is_over` says that nothing can be added to it any more."""

    visit_id: int
    is_reading: bool
    is_over: bool
    page: int
    pages: int
    pages_read: int
    seconds: int

    @property
    def words(self) -> str:
        """What happens, or what happened, in the language of the reader."""
        time = tell_duration(self.seconds)
        if self.is_reading:
            return _("reading page %(page)s of %(pages)s · %(time)s so far",
                     page=self.page, pages=self.pages, time=time)  # fmt: skip
        return _("read %(read)s of %(pages)s pages in %(time)s", read=self.pages_read, pages=self.pages, time=time)


def make_progress(visit: DocumentVisit, at: datetime) -> Progress:
    """Return how `visit` stands `at` a time."""
    is_reading = visit.is_open and at - visit.last_at < SILENCE
    is_over = at - visit.last_at > VISIT_GAP
    seconds = visit.reading_ms // 1000
    return Progress(visit.id, is_reading, is_over, visit.page, visit.pages, visit.pages_read, seconds)


def read_progress(session: Session, visit_ids: Collection[int]) -> dict[int, Progress]:
    """Return how these visits stand now by their ids, in one query."""
    if not visit_ids:
        return {}
    at = now()
    rows = session.exec(select(DocumentVisit).where(col(DocumentVisit.id).in_(visit_ids)))
    return {visit.id: make_progress(visit, at) for visit in rows}


def find_progress(session: Session, scope: Scope, visit_id: int) -> Progress | None:
    """Return how a visit stands now, None where it is not one that `scope` may see."""
    visit = session.get(DocumentVisit, visit_id)
    if visit is None or visit.workspace_id != scope.workspace_id or scope.member_id not in (None, visit.member_id):
        return None
    return make_progress(visit, now())


def tell_duration(seconds: int) -> str:
    """Return a time as people say it: 12 s, 4 min 12 s, 1 h 5 min."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    if minutes:
        return _("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=rest)
    return _("%(seconds)s s", seconds=rest)
