"""Routes of the REST API, version 1. It takes bearer tokens only, and JSON only."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from spectree import Response as Answers

from server.accounts.models import Member, Workspace
from server.accounts.scope import Scope
from server.api import answers, inputs, outputs, queries, schemas_in
from server.api.cursors import make_cursor, read_cursor
from server.api.events_in import take_events
from server.api.moments import take_moment
from server.api.openapi import make_document, spec
from server.api.send import send
from server.db import get_session
from server.errors import Refused
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.limits import limiter
from server.messages.models import Message
from server.security import PUBLIC, allow, bearer_token

BODY_LIMIT = 5 * 2**20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WITHOUT_BODY = ("api.complete_task",)

bp = Blueprint("api", __name__, url_prefix="/api/v1")


def find_limit() -> str:
    """Return how often one token may ask."""
    return str(current_app.config.get("API_LIMIT", "3000 per minute"))


limiter.shared_limit(
    find_limit, scope="api", error_message=lambda: f"This token may ask {find_limit()}; `Retry-After` says when again."
)(bp)


@bp.before_request
def take_json_from_programs() -> ResponseReturnValue | None:
    """Refuse cookies instead of a token, and bodies that are no JSON object."""
    if request.endpoint == "api.show_openapi":
        return None
    if bearer_token(request) is None:
        abort(401, "The API takes a bearer token: Authorization: Bearer … (see Settings, Access tokens).")
    if request.method in ("POST", "PUT", "PATCH") and request.endpoint not in WITHOUT_BODY:
        request.max_content_length = BODY_LIMIT
        if request.mimetype != "application/json":
            abort(415, "The API takes JSON: send Content-Type: application/json.")
        if not isinstance(request.get_json(), dict):
            raise Refused("The body must be a JSON object.")
    return None


@bp.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Let no cache keep what a token opened."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/openapi.json")
@allow(PUBLIC)
def show_openapi() -> Response:
    """Answer the OpenAPI document."""
    return jsonify(make_document())


@bp.get("/me")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=outputs.MeAnswer), operation_id="getMe")
def show_me() -> outputs.MeAnswer:
    """Whom the token speaks for."""
    member: Member = current_user
    workspace = get_session().get_one(Workspace, member.workspace_id)
    return answers.show_me(member, workspace)


@bp.get("/mailboxes")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=outputs.MailboxPage), operation_id="listMailboxes")
def list_mailboxes(query: inputs.ListQuery) -> outputs.MailboxPage:
    """List linked mailboxes, the newest first."""
    rows, following = _read_page(Mailbox, query)
    return outputs.MailboxPage(items=[answers.show_mailbox(row) for row in rows], next=following)


@bp.get("/messages")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=outputs.MessagePage), operation_id="listMessages")
def list_messages(query: inputs.ListQuery) -> outputs.MessagePage:
    """List messages, the newest first."""
    rows, following = _read_page(Message, query)
    parts = queries.read_parts(get_session(), [row.id for row in rows])
    return outputs.MessagePage(items=[answers.show_message(row, parts) for row in rows], next=following)


@bp.post("/messages")
@allow("rep")
@spec.validate(
    query=inputs.NoQuery,
    resp=Answers(HTTP_201=outputs.MessageAnswer),
    operation_id="sendMessage",
)
def send_message(json: inputs.NewMessage, headers: inputs.NewMessageHeaders) -> Any:
    """Send a tracked email.

    It is in the outbox when this answers; `Location` tells where to ask for its state. With the same
    `Idempotency-Key` and body the same message answers again, marked `Idempotency-Replayed: true`.
    """
    session, member = get_session(), current_user
    is_replay = queries.is_key_used(session, member, headers.idempotency_key)
    message = send(session, member, json, headers.idempotency_key)
    answer = answers.show_message(message, queries.read_parts(session, [message.id or 0]))
    session.commit()
    more = {"Location": url_for("api.show_message", message_id=message.id)}
    return answer, 201, more | ({"Idempotency-Replayed": "true"} if is_replay else {})


@bp.get(f"/messages/<int(min=1, max={inputs.LARGEST_ID}):message_id>")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=outputs.MessageAnswer), operation_id="getMessage")
def show_message(message_id: int) -> outputs.MessageAnswer:
    """One message: its state, its recipients and what they did."""
    session = get_session()
    message = queries.find_message(session, current_user, message_id)
    if message is None:
        abort(404, f"There is no message {message_id} that you may see.")
    return answers.show_message(message, queries.read_parts(session, [message_id]))


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
    return outputs.EventPage(items=items, next=_make_next("events", last))


def _follow_events(scope: Scope, query: inputs.EventsQuery, after: int) -> outputs.EventPage:
    if query.cursor is not None:
        raise Refused("cannot stand beside “after”; to go on, take the last event's id as “after”", field="cursor")
    rows = queries.read_events_after(get_session(), scope, _make_filter(query), after, query.limit)
    return outputs.EventPage(items=[answers.show_event(row) for row in rows], next=None)


@bp.post("/events")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=schemas_in.TakenEvents), operation_id="addEvents")
def add_events(json: schemas_in.NewEvents) -> schemas_in.TakenEvents:
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
def add_moment(json: schemas_in.NewMoment) -> Any:
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


def _read_page(table: type[queries.Owned], query: inputs.ListQuery) -> tuple[list[queries.Owned], str | None]:
    session, name = get_session(), str(table.__tablename__)
    scope = queries.find_scope(session, current_user, query.scope)
    place = read_cursor(get_keys(), current_user.id, name, query.cursor)
    rows = queries.read_owned(session, table, scope, place[0] if place else None, query.limit + 1)
    page = rows[: query.limit]
    return page, _make_next(name, (page[-1].id or 0,) if len(rows) > query.limit else None)


def _make_next(name: str, place: tuple[int, ...] | None) -> str | None:
    return None if place is None else make_cursor(get_keys(), current_user.id, name, place)


from server.api import people, targets, tasks  # noqa: E402, F401 - they hang themselves on `bp`
