"""When somebody last did something: moved by every recorded event. Core statements only, inside the recorder's hold."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from server.db import UtcDateTime
from server.events.models import Event
from server.people.models import Person, PersonActivity

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
PERSON: Table = Person.__table__  # type: ignore[attr-defined]
ACTIVITY: Table = PersonActivity.__table__  # type: ignore[attr-defined]


def note_events(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Move the last activity of the persons of newly inserted events, dicts with `person_id, at, is_shown`."""
    latest: dict[int, datetime] = {}
    for row in rows:
        if row["person_id"] is not None and row["is_shown"]:
            latest[row["person_id"]] = max(row["at"], latest.get(row["person_id"], row["at"]))
    _move(session, latest)


def recount_activity(session: Session, person_id: int) -> None:
    """Read a person's last activity anew from their events: after a merge or an adoption."""
    last = select(func.max(EVENT.c.at)).where(EVENT.c.person_id == person_id, EVENT.c.is_shown)
    at = session.execute(last).scalar()
    session.execute(delete(ACTIVITY).where(ACTIVITY.c.person_id == person_id))
    _move(session, {person_id: at} if at is not None else {})


def _move(session: Session, latest: dict[int, datetime]) -> None:
    if not latest:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    source = select(
        PERSON.c.id, PERSON.c.workspace_id, PERSON.c.owner_id, bindparam("latest", type_=UtcDateTime())
    ).where(PERSON.c.id == bindparam("whose"))
    statement = dialect.insert(ACTIVITY).from_select(["person_id", "workspace_id", "owner_id", "last_event_at"], source)
    fresh = statement.excluded.last_event_at
    later = case((fresh > ACTIVITY.c.last_event_at, fresh), else_=ACTIVITY.c.last_event_at)
    statement = statement.on_conflict_do_update(index_elements=["person_id"], set_={"last_event_at": later})
    rows = [{"whose": person_id, "latest": at} for person_id, at in sorted(latest.items())]
    session.connection().execute(statement, rows)
