"""Engagement that programs send: each fact once by its id, and the good ones kept where others are refused."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session

from server.api.openapi import name_field, say
from server.api.queries import EVENT
from server.api.shapes.reports import NewEvent, RefusedEvent, TakenEvents
from server.events.models import EventKind
from server.events.record import Fact, hold_clock, record


def take_events(session: Session, workspace_id: int, items: Sequence[Any]) -> TakenEvents:
    """Record what is a `NewEvent` among `items`, and tell what is wrong with the rest."""
    events = [item for item in items if isinstance(item, NewEvent)]
    accepted = add_facts(session, [make_fact(workspace_id, event) for event in events])
    refused = [
        one for index, item in enumerate(items) if not isinstance(item, NewEvent) for one in _refuse(index, item)
    ]
    return TakenEvents(accepted=accepted, known=len(events) - accepted, refused=refused)


def add_facts(session: Session, facts: Iterable[Fact]) -> int:
    """Record the facts whose `hit_id` is new, whatever their time, and return how many those were."""
    by_id: dict[str, Fact] = {}
    for fact in facts:
        by_id.setdefault(fact.hit_id, fact)
    if not by_id:
        return 0
    hold_clock(session)  # so that the same id, sent twice at once with two times, is not new twice
    known = set(session.execute(select(EVENT.hit_id).where(EVENT.hit_id.in_(by_id))).scalars())
    return len(record(session, [fact for hit_id, fact in by_id.items() if hit_id not in known]))


def make_fact(workspace_id: int, event: NewEvent) -> Fact:
    """Return the fact that a program reports."""
    subject = event.subject
    kind = EventKind(event.kind)
    if kind is EventKind.INTERESTING_MOMENT:
        subject = subject or str(event.details["text"])
    return Fact(
        kind=kind,
        at=event.at,
        hit_id=make_hit_id(workspace_id, event.id),
        workspace_id=workspace_id,
        content_kind=event.content_kind,
        subject=subject,
        person_name=event.name,
        person_address=event.email,
        link_target=event.url,
        details=event.details,
        evidence={"reported": event.verdict},
    )


def make_hit_id(workspace_id: int, key: str) -> str:
    """Return under which id the event log knows what a program of the workspace calls `key`."""
    return f"api:{workspace_id}:{key}"


def _refuse(index: int, item: Any) -> Iterator[RefusedEvent]:
    try:
        NewEvent.model_validate(item)
    except ValidationError as error:
        for entry in error.errors():
            yield RefusedEvent(index=index, field=name_field(entry["loc"]), detail=say(entry, [*NewEvent.model_fields]))
