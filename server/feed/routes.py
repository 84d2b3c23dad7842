"""Routes of the room `feed`: the Engagement page and the tickets of its live stream."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from server.accounts.scope import may_see_team, scope_of
from server.accounts.session import session_id, token_id
from server.config import get_settings
from server.db import get_session
from server.feed.queries import COUNT_LIMIT, count_hidden, read_last_id, read_names, read_page
from server.feed.rows import present
from server.feed.tickets import Ticket, make_ticket
from server.gmail.mailboxes import find_mailbox
from server.htmx import render
from server.keys import get_keys
from server.security import allow

bp = Blueprint("feed", __name__)


@bp.get("/")
@allow("rep")
def engagement() -> ResponseReturnValue:
    """Show the Engagement feed, or one older page of it."""
    session = get_session()
    scope = scope_of(session, current_user, team=request.args.get("of") == "team")
    shows_machine = request.args.get("machine") == "shown"
    last_id = read_last_id(session)  # before the rows: what comes between is in the stream, and skipped when present
    page = read_page(session, scope, request.args.get("before"), show_machine=shows_machine)
    names = read_names(session, scope.workspace_id) if scope.member_id is None else None
    return render(
        "feed/feed.html",
        "feed/_rows.html",
        rows=[present(row, names) for row in page.rows],
        next=page.next,
        last_id=last_id,
        is_team=scope.member_id is None,
        may_see_team=may_see_team(session, current_user),
        shows_machine=shows_machine,
        hidden=count_hidden(session, scope),
        hidden_limit=COUNT_LIMIT,
        has_mailbox=find_mailbox(session, current_user) is not None,
    )


@bp.post("/stream/tickets")
@allow("rep")
def add_ticket() -> ResponseReturnValue:
    """Answer the address of a live stream for whoever asks, good for a minute."""
    scope = scope_of(get_session(write=False), current_user, team=request.form.get("of") == "team")
    ticket = Ticket(
        member_id=current_user.id,
        workspace_id=scope.workspace_id,
        session_id=session_id(),
        token_id=token_id(),
        is_team=scope.member_id is None,
        show_machine=request.form.get("machine") == "shown",
        wants_rows=request.form.get("rows") == "wanted",
        locale=str(get_locale()),
    )
    return jsonify(url=f"{get_settings().stream_base_url}/stream?ticket={make_ticket(get_keys(), ticket)}")
