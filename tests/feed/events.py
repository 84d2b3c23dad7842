"""Rows of `event` as `events.record` leaves them, numbered by the same clock."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from server.accounts.models import Member
from server.events.models import Event, EventClock, EventKind, Verdict

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def make_event(session: Session, member: Member, minutes: float = 0, **fields: Any) -> Event:
    """Add an event of `member`, `minutes` after a noon, under the next id."""
    return make_events(session, member, [minutes], **fields)[0]


def make_events(session: Session, member: Member, minutes: Iterable[float], **fields: Any) -> list[Event]:
    """Add an event for each of `minutes`, all at once."""
    events = [_make_event(session, member, minute, **fields) for minute in minutes]
    session.add_all(events)
    session.flush()
    return events


def _make_event(session: Session, member: Member, minutes: float, **fields: Any) -> Event:
    clock = session.get(EventClock, 1)
    assert clock is not None
    clock.last_event_id += 1
    at = NOON + timedelta(minutes=minutes)
    fields = {
        "id": clock.last_event_id,
        "at": at,
        "recorded_at": at,
        "hit_id": secrets.token_hex(8),
        "workspace_id": member.workspace_id,
        "member_id": member.id,
        "kind": EventKind.VIEWED,
        "verdict": Verdict.HUMAN,
        "is_shown": True,
        "person_address": "flynn@flynnsarcade.example",
        "subject": "Lunch on Thursday?",
        **fields,
    }
    return Event(**fields)
