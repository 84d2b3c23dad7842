"""Who is asking: the server-side browser session behind a cookie, or a bearer token.

`flask.session` is a row of `browser_session`, read when first touched and written, in a transaction of its own, after
the view. `flask_login.current_user` is the member, attached to the request's reading session: to change that row, take
it from `get_member(session)`. A request with a bearer token has no browser session, whatever cookies came with it.
"""

from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Flask, Request, Response, current_app, g, has_request_context, jsonify, redirect, request
from flask import session as flask_session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from werkzeug.exceptions import Unauthorized

from server.accounts import browser_sessions, tokens
from server.accounts.browser_sessions import end_sessions as end_sessions
from server.accounts.models import AccessToken, Member, Workspace
from server.accounts.stored_session import StoredSession, StoredSessions
from server.config import get_settings
from server.db import get_db, get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.keys import get_keys
from server.security import EXTENSION_HEADER, bearer_token
from server.tracking.devices import device_ticket

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Install browser sessions and sign-in on `app`."""
    app.session_interface = StoredSessions()
    login = _Login(app)
    login.session_protection = None
    login.user_loader(_load_by_session)
    login.request_loader(_load_by_bearer)
    login.unauthorized_handler(_ask_to_sign_in)
    app.context_processor(lambda: {"device_image_url": device_image_url()})
    app.jinja_env.filters["browser"] = browser_sessions.name_browser
    app.extensions["babel"].timezone_selector = select_time_zone


class _Login(LoginManager):  # type: ignore[misc]
    def _update_remember_cookie(self, response: Response) -> Response:
        return response  # there is no such cookie, and looking for it would read every request's session


def sign_in(member: Member) -> None:
    """Sign `member` in under a new token, keeping nothing of the session before; this browser is known from now on."""
    flask_session.clear()
    if not login_user(member):
        raise Refused("This account is deactivated. An admin of your workspace can reactivate it.", status=403)
    for key in ("_id", "_fresh"):
        flask_session.pop(key)
    _current().is_new_login = True
    log.info("signed in", member_id=member.id)


def sign_out() -> None:
    """End this browser's session."""
    logout_user()
    flask_session.clear()
    _current().is_ended = True


def pop_once(key: str) -> Any:
    """Take a value out of the session; of two requests at once only one gets it, the other gets None.

    It commits a transaction of its own: call it before the view's writing session has begun.
    """
    stored = _current()
    value = stored.get(key)
    stored.forget(key)
    if stored.row is None or value is None:
        return value
    with get_db().session() as session:
        value = browser_sessions.pop_value(session, stored.row.id, key)
        session.commit()
    return value


def get_member(session: Session) -> Member:
    """Return the signed-in member as a row of `session`, where it can be changed."""
    member = session.get(Member, current_user.id)
    assert member is not None  # noqa: S101 - current_user is a row
    return member


def session_id() -> int | None:
    """Return the id of this browser session; a notice "session_ended" names it."""
    stored = _current()
    return stored.row.id if len(stored) and stored.row is not None else None


def token_id() -> int | None:
    """Return the id of the access token this request came with; a notice "token_revoked" names it."""
    return g.get("access_token_id") if current_user.is_authenticated else None


def device_id() -> str | None:
    """Return the id of this browser, if a member has ever signed in here."""
    return _current().device_id


def device_image_url() -> str | None:
    """Return the image by which the recipients' edge gets to know this browser as a member's (T12)."""
    known = device_id() if current_user.is_authenticated else None
    if known is None:
        return None
    return f"{get_settings().edge_base_url}/device/{device_ticket(get_keys(), known)}.gif"


def select_time_zone() -> str | None:
    """Return the time zone in which this answer tells times: the member's, else their workspace's."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    if current_user.time_zone:
        return str(current_user.time_zone)
    workspace = get_session(write=False).get(Workspace, current_user.workspace_id)
    return workspace.time_zone if workspace is not None else None


def _current() -> StoredSession:
    stored: StoredSession = flask_session._get_current_object()  # type: ignore[attr-defined]
    return stored


def _load_by_session(member_id: str) -> Member | None:
    member = get_session(write=False).get(Member, int(member_id))
    return member if member is not None and member.is_active else None


def _load_by_bearer(request: Request) -> Member | None:
    if (secret := bearer_token(request)) is None:
        return None
    found = tokens.find_token(get_session(write=False), secret)
    if found is None or not tokens.is_open_to(found[0], request.path):
        return None
    token, member = found
    g.access_token_id = token.id
    if tokens.is_use_news(token):
        _note_use(token)
    return member


def _note_use(token: AccessToken) -> None:
    try:
        with get_db().impatient_session() as session:
            tokens.note_use(session, token.id)
            session.commit()
    except OperationalError as error:
        log.warning("could not note that a token was used", token_id=token.id, error=str(error.orig))


def _ask_to_sign_in() -> ResponseReturnValue:
    secret, is_api = bearer_token(request), request.path.startswith("/api/")
    if not is_api and (secret is not None or EXTENSION_HEADER in request.headers):
        return _refuse_token(secret or "")
    if is_api:
        error = Unauthorized("This needs a valid access token: Authorization: Bearer … (see Settings, Access tokens).")
        response = current_app.make_response(current_app.handle_http_exception(error))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_partial_wanted() else ""
    address = "/sign-in" + (f"?{urlencode({'next': here})}" if here not in ("", "/") else "")
    if is_partial_wanted():
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address, 302 if request.method in ("GET", "HEAD") else 303)


def _refuse_token(secret: str) -> Response:
    """Say in the shape that the extension reads (docs/extension-api.md) why a token opens nothing here."""
    code = tokens.find_refusal(get_session(write=False), secret)
    message, fix = tokens.tell_refusal(code)
    response = jsonify(error=code, message=message, fix=fix)
    response.status_code, response.headers["WWW-Authenticate"] = 401, "Bearer"
    return response
