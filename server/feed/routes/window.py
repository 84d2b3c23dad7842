"""The floating window, how far any shell has shown the feed, and the tickets with which it opens the live stream."""

from flask import jsonify, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from server.accounts.scope import scope_of
from server.accounts.session import session_id, token_id
from server.config import get_settings
from server.db import get_session
from server.feed.routes import bp
from server.feed.search import parse_search
from server.feed.tickets import Ticket, make_ticket
from server.feed.unread import mark_seen
from server.htmx import render
from server.keys import get_keys
from server.security import allow, allow_framing

TABS = ("engagement", "tasks", "target")
TAB_COOKIE = "window_tab"
YEAR_SECONDS = 31_536_000
LARGEST_EVENT_ID = 2**63 - 1


@bp.get("/window")
@allow("rep")
@allow_framing
def show_window() -> ResponseReturnValue:
    """Show the floating window on the tab asked for, else on the one used last."""
    asked = request.args.get("tab", request.cookies.get(TAB_COOKIE))
    tab = asked if asked in TABS else TABS[0]
    response = make_response(render("feed/window.html", "feed/_window.html", tab=tab))
    response.set_cookie(
        TAB_COOKIE, tab, max_age=YEAR_SECONDS, httponly=True, samesite="Lax", secure=get_settings().is_https
    )
    return response


@bp.post("/feed/seen")
@allow("rep")
def add_seen() -> ResponseReturnValue:
    """Note how far a shell has shown the member's feed."""
    session = get_session()
    last_id = request.form.get("last_id", 0, type=int)
    mark_seen(session, current_user.id, max(0, min(last_id, LARGEST_EVENT_ID)))
    session.commit()
    return "", 204


@bp.post("/stream/tickets")
@allow("rep")
def add_ticket() -> ResponseReturnValue:
    """Answer the address of a live stream for whoever asks, good for a minute."""
    session = get_session(write=False)
    scope = scope_of(session, current_user, team=request.form.get("of") == "team")
    search = request.form.get("q", "")
    if search:
        parse_search(search, {}, current_user.id)
    ticket = Ticket(
        member_id=current_user.id,
        workspace_id=scope.workspace_id,
        session_id=session_id(),
        token_id=token_id(),
        is_team=scope.member_id is None,
        show_machine=request.form.get("machine") == "shown",
        wants_rows=request.form.get("rows") == "wanted",
        locale=str(get_locale()),
        search=search,
    )
    return jsonify(url=f"{get_settings().stream_base_url}/stream?ticket={make_ticket(get_keys(), ticket)}")
