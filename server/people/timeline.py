"""What is known of one person: their events, newest first, by keyset."""

from sqlalchemy import literal, select, tuple_
from sqlmodel import Session, col

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.db import UtcDateTime
from server.events.models import UNOWNED, Event
from server.feed.queries import COLUMNS, EventRow, Page, make_cursor, read_cursor

TIMELINE_SIZE = 20


def read_timeline(session: Session, member: Member, person_id: int, before: str | None) -> Page:
    """Return a person's shown events before a cursor, as far as `member` may see them (F16)."""
    chosen = select(*COLUMNS).where(col(Event.person_id) == person_id, col(Event.is_shown))
    if not may_see_team(session, member):
        chosen = chosen.where(col(Event.member_id).in_((member.id, UNOWNED)))
    if before is not None:
        at, event_id = read_cursor(before)
        chosen = chosen.where(tuple_(col(Event.at), col(Event.id)) < tuple_(literal(at, UtcDateTime()), event_id))
    chosen = chosen.order_by(col(Event.at).desc(), col(Event.id).desc()).limit(TIMELINE_SIZE + 1)
    rows = [EventRow(*row) for row in session.execute(chosen).all()]
    return Page(rows[:TIMELINE_SIZE], make_cursor(rows[TIMELINE_SIZE - 1]) if len(rows) > TIMELINE_SIZE else None)
