"""Interesting Moments that programs send (F21): events of a kind of their own, with what happened in words."""

from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from server.api.events_in import add_facts, make_fact, make_hit_id
from server.api.queries import get_event
from server.api.shapes.reports import NewEvent, NewMoment
from server.events.models import EventKind


def take_moment(session: Session, workspace_id: int, moment: NewMoment) -> tuple[Row[Any], bool]:
    """Record `moment`; return its event, and whether it is new. Under a known id the event of before is returned."""
    fields = moment.model_dump(include={"id", "email", "name", "at", "url"})
    details = {"moment": moment.kind, "text": moment.text}
    event = NewEvent.model_construct(kind=EventKind.INTERESTING_MOMENT.value, details=details, **fields)
    is_new = add_facts(session, [make_fact(workspace_id, event)]) == 1
    return get_event(session, make_hit_id(workspace_id, moment.id)), is_new
