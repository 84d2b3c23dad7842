"""The one counter that numbers events. Whoever holds it records alone, so that ids follow the order of commits."""

from sqlalchemy import update
from sqlmodel import Session, col

from server.events.models import EventClock


def take_ids(session: Session, count: int) -> int:
    """Return the first of `count` new ids, and hold the clock until the commit."""
    statement = update(EventClock).where(col(EventClock.id) == 1).values(last_event_id=EventClock.last_event_id + count)
    statement = statement.returning(col(EventClock.last_event_id)).execution_options(synchronize_session=False)
    last_id: int = session.execute(statement).scalar_one()
    return last_id - count + 1


def hold_clock(session: Session) -> None:
    """Let nobody else record until the commit: what is read from now on about events is still so when it is written."""
    take_ids(session, 0)
