"""What the feed's rows tell of the documents that are being read: how each visit stands."""

from collections.abc import Iterable

from sqlmodel import Session

from server.documents.progress import Progress, read_progress
from server.feed.queries import EventRow
from server.feed.rows import find_visit_id


def read_readings(session: Session, rows: Iterable[EventRow]) -> dict[int, Progress]:
    """Return how the visits stand whose beginning stands in `rows`, by their ids; one query, however many rows."""
    return read_progress(session, {visit_id for row in rows if (visit_id := find_visit_id(row)) is not None})
