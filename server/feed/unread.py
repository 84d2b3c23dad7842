"""How far a member has seen their feed, in whichever shell, and how much of it is unread."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from server.accounts.scope import Scope
from server.clock import now
from server.events.models import COUNTED_VERDICTS
from server.feed.models import FeedCursor
from server.feed.queries import read_last_id, read_page
from server.queue import announce

MOST_UNREAD = 99
LOOKED_THROUGH = 200
UNREAD_DAYS = 14  # what happened longer ago is no news, however long nobody looked


@dataclass(frozen=True, slots=True)
class Unread:
    """How many rows of the feed no shell has shown, counted to 99, and the newest event of the installation."""

    count: int
    is_more: bool
    last_id: int


def mark_seen(session: Session, member_id: int, event_id: int) -> None:
    """Note that a shell showed the member's feed up to an event; never moves back, nor beyond the newest event."""
    event_id = min(event_id, read_last_id(session))
    further = update(FeedCursor).where(col(FeedCursor.member_id) == member_id, col(FeedCursor.event_id) < event_id)
    moved = session.exec(further.values(event_id=event_id, seen_at=now())).rowcount
    if not moved and session.get(FeedCursor, member_id) is None:
        moved = _add(session, member_id, event_id)
    if moved:
        announce(session, "seen", member_id=member_id, id=member_id)


def start(session: Session, member_id: int) -> None:
    """Let what happened so far be no news to a member who never had a shell that counts."""
    if session.get(FeedCursor, member_id) is None:
        mark_seen(session, member_id, read_last_id(session))


def count_unread(session: Session, scope: Scope) -> Unread:
    """Return what a member has not seen of their own feed: what counts as engagement, of the last two weeks."""
    last_id = read_last_id(session)
    cursor = session.get(FeedCursor, scope.member_id)
    seen_id = cursor.event_id if cursor else 0
    if seen_id >= last_id:
        return Unread(0, False, last_id)
    oldest = now() - timedelta(days=UNREAD_DAYS)
    rows = read_page(session, scope, limit=LOOKED_THROUGH).rows
    count = sum(1 for row in rows if row.id > seen_id and row.verdict in COUNTED_VERDICTS and row.at > oldest)
    return Unread(min(count, MOST_UNREAD), count > MOST_UNREAD, last_id)


def _add(session: Session, member_id: int, event_id: int) -> int:
    try:
        with session.begin_nested():
            session.add(FeedCursor(member_id=member_id, event_id=event_id))
            session.flush()
    except IntegrityError:
        return 0  # another shell was first, a moment ago
    return 1
