"""Routes of the API: engagement read, and engagement reported by programs."""

from datetime import timedelta
from typing import Any

from flask_login import current_user
from spectree import Response as Answers

from server.accounts.scope import Scope
from server.api import answers, queries
from server.api.cursors import read_cursor
from server.api.events_in import take_events
from server.api.moments import take_moment
from server.api.openapi import spec
from server.api.routes.blueprint import EPOCH, bp, make_next
from server.api.shapes import inputs, outputs, reports
from server.db import get_session
from server.errors import Refused
from server.keys import get_keys
from server.security import allow


@bp.get("/events")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=outputs.EventPage), operation_id="listEvents")
def list_events(query: inputs.EventsQuery) -> outputs.EventPage:
    """List engagement, the newest first; with `after`, follow it in the order in which it was recorded.

    Each event carries what Warmline believes about it (`verdict`, `confidence`) and why (`reasons`).
    """
    session = get_session()
    scope = queries.find_scope(session, current_user, query.scope)
    if query.after is not None:
        return _follow_events(scope, query, query.after)
    place = read_cursor(get_keys(), current_user.id, "events", query.cursor)
    before = (EPOCH + timedelta(microseconds=place[0]), place[1]) if place else None
    rows = queries.read_events(session, scope, _make_filter(query), before, query.limit + 1)
    items = [answers.show_event(row) for row in rows[: query.limit]]
    last = ((items[-1].at - EPOCH) // timedelta(microseconds=1), items[-1].id) if len(rows) > query.limit else None
    return outputs.EventPage(items=items, next=make_next("events", last))


def _follow_events(scope: Scope, query: inputs.EventsQuery, after: int) -> outputs.EventPage:
    if query.cursor is not None:
        raise Refused("cannot stand beside “after”; to go on, take the last event's id as “after”", field="cursor")
    rows = queries.read_events_after(get_session(), scope, _make_filter(query), after, query.limit)
    return outputs.EventPage(items=[answers.show_event(row) for row in rows], next=None)


@bp.post("/events")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=reports.TakenEvents), operation_id="addEvents")
def add_events(json: reports.NewEvents) -> reports.TakenEvents:
    """Report engagement with marketing content, up to 500 facts at once.

    Each is recorded once by its `id`, so a batch may be sent again. What is wrong with one is told by its `index`;
    the others are taken.
    """
    session = get_session()
    taken = take_events(session, current_user.workspace_id, json.events)
    session.commit()
    return taken


@bp.post("/interesting-moments")
@allow("rep")
@spec.validate(
    query=inputs.NoQuery,
    resp=Answers(HTTP_200=outputs.EventAnswer, HTTP_201=outputs.EventAnswer),
    operation_id="addInterestingMoment",
)
def add_moment(json: reports.NewMoment) -> Any:
    """Report an Interesting Moment; 200 and the event of before where its `id` is known."""
    session = get_session()
    event, is_new = take_moment(session, current_user.workspace_id, json)
    session.commit()
    return answers.show_event(event), 201 if is_new else 200


def _make_filter(query: inputs.EventsQuery) -> queries.EventFilter:
    return queries.EventFilter(
        kinds=query.kind or (),
        verdicts=query.verdict or (),
        message_id=query.message,
        person_id=query.person,
        since=query.since,
        until=query.until,
        shown_only=not query.include_machine,
    )
