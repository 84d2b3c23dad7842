"""Routes of the API: whom a token speaks for, mailboxes, and messages."""

from typing import Any

from flask import abort, url_for
from flask_login import current_user
from spectree import Response as Answers

from server.accounts.models import Member, Workspace
from server.api import answers, queries
from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.send import send
from server.api.shapes import inputs, outputs
from server.db import get_session
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.messages.models import Message
from server.security import allow


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


def _read_page(table: type[queries.Owned], query: inputs.ListQuery) -> tuple[list[queries.Owned], str | None]:
    session, name = get_session(), str(table.__tablename__)
    scope = queries.find_scope(session, current_user, query.scope)
    place = read_cursor(get_keys(), current_user.id, name, query.cursor)
    rows = queries.read_owned(session, table, scope, place[0] if place else None, query.limit + 1)
    page = rows[: query.limit]
    return page, make_next(name, (page[-1].id or 0,) if len(rows) > query.limit else None)
