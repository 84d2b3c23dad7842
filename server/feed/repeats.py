"""What several views of one mail say: which was the first, and whether it went on to somebody else (F9)."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlmodel import Session, col

from server.events.models import COUNTED_VERDICTS, Event, EventKind
from server.events.readers import Readers, read_readers
from server.feed.queries import EventRow

VIEWS_OF_A_FORWARD = 3
PLACES_OF_A_FORWARD = 2


def find_forwarded(session: Session, rows: Iterable[EventRow]) -> dict[int, Readers]:
    """Return by id the rows whose mail may have been forwarded, each with the estimate of its readers.

    It takes at least three views, and more places than the mail has recipients; two queries, however many rows.
    """
    views = [row for row in rows if row.kind == EventKind.VIEWED and row.copy_id is not None]
    copies = {row.copy_id for row in views}
    if not copies:
        return {}
    place = col(Event.place_country) + "/" + func.coalesce(col(Event.place_city), "")
    counted = (
        select(col(Event.copy_id), func.count(), func.count(func.distinct(place)))
        .where(col(Event.copy_id).in_(copies), col(Event.kind) == EventKind.VIEWED)
        .where(col(Event.verdict).in_(COUNTED_VERDICTS))
        .group_by(col(Event.copy_id))
    )
    places = {copy_id: count for copy_id, seen, count in session.execute(counted) if seen >= VIEWS_OF_A_FORWARD}
    forwarded = [
        row for row in views if places.get(row.copy_id, 0) >= max(PLACES_OF_A_FORWARD, len(row.person_candidates) + 1)
    ]
    readers = read_readers(session, {row.copy_id for row in forwarded if row.copy_id is not None})
    return {row.id: readers.get(row.copy_id or 0, Readers()) for row in forwarded}


def find_first_views(session: Session, rows: Iterable[EventRow]) -> frozenset[int]:
    """Return the ids of those `rows` that are the first view of their mail by a person, as far as that is known."""
    copies = {row.copy_id for row in rows if row.kind == EventKind.VIEWED and row.copy_id is not None}
    if not copies:
        return frozenset()
    first = (
        select(func.min(col(Event.id)))
        .where(col(Event.copy_id).in_(copies), col(Event.kind) == EventKind.VIEWED)
        .where(col(Event.verdict).in_(COUNTED_VERDICTS))
        .group_by(col(Event.copy_id))
    )
    return frozenset(session.execute(first).scalars())
