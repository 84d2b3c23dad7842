"""Who is asking: the server-side browser session behind a cookie, or a bearer token.

`flask.session` is a row of `browser_session`, read when first touched and written, in a transaction of its own, after
the view. `flask_login.current_user` is the member, attached to the request's reading session: to change that row, take
it from `get_member(session)`. A request with a bearer token has no browser session, whatever cookies came with it.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Flask, Request, Response, current_app, g, has_request_context, redirect, request
from flask import session as flask_session
from flask.sessions import SessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from werkzeug.exceptions import Unauthorized

from server.accounts import browser_sessions, tokens
from server.accounts.browser_sessions import end_sessions as end_sessions
from server.accounts.devices import ensure_device
from server.accounts.models import AccessToken, BrowserSession, Member, Workspace
from server.clock import now
from server.config import Settings, get_settings
from server.db import close_sessions, get_db, get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.keys import get_keys
from server.security import bearer_token
from server.tracking.devices import device_ticket

SESSION_COOKIE = "warmline_session"
DEVICE_COOKIE = "warmline_browser"  # not the edge's name: on one machine both origins share their cookies
DEVICE_COOKIE_SECONDS = 400 * 86_400  # the longest that browsers keep a cookie (RFC 6265bis, section 5.5)
MEMBER_KEY = "_user_id"  # flask-login's; kept in the column `member_id`, not in the data

log = structlog.get_logger()


class StoredSession(SessionMixin):
    """One request's view of its browser session; empty, and without a row, until something is stored."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.row: BrowserSession | None = None
        self.is_loaded = False
        self.is_new_login = False
        self.is_ended = False
        self._data: dict[str, Any] = {}
        self._stored: dict[str, Any] = {}

    @property
    def data(self) -> dict[str, Any]:
        """What is stored, read from the database at the first use."""
        if not self.is_loaded:
            self.is_loaded = True
            if self.token:
                self.row = browser_sessions.find_session(get_session(write=False), self.token)
            if self.row is not None:
                member = {MEMBER_KEY: str(self.row.member_id)} if self.row.member_id else {}
                self._data = copy.deepcopy(self.row.data) | member
                self._stored = copy.deepcopy(self._data)
        return self._data

    def difference(self) -> tuple[dict[str, Any], list[str]]:
        """Return what this request set, and which keys it removed."""
        nothing = object()
        changed = {key: value for key, value in self._data.items() if self._stored.get(key, nothing) != value}
        return changed, [key for key in self._stored if key not in self._data]

    def forget(self, key: str) -> None:
        """Drop `key` here because its row has already lost it."""
        self._data.pop(key, None)
        self._stored.pop(key, None)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = value

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class StoredSessions(SessionInterface):
    """Opens and saves browser sessions for Flask."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """Return the session of the request's cookie, not yet read; an empty one beside a bearer token."""
        if bearer_token(request) is not None:
            return StoredSession(None)
        return StoredSession(request.cookies.get(cookie_name(app.config["SETTINGS"], SESSION_COOKIE)))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed and set the cookies that follow from it."""
        assert isinstance(session, StoredSession)  # noqa: S101 - nobody else makes one
        if not session.is_loaded or bearer_token(request) is not None:
            return
        response.vary.add("Cookie")
        changed, removed = session.difference()
        if session.is_ended or session.is_new_login or (session.row is None and changed):
            close_sessions()  # the view is done; SQLite has one writer at a time
            _replace(session, response)
        elif session.row is not None and (changed or removed or browser_sessions.is_stale(session.row)):
            close_sessions()
            _change(session.row, changed, removed, session.token or "", response)
        elif session.row is None and session.token:
            _drop_cookie(response)


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
    value = request.cookies.get(cookie_name(get_settings(), DEVICE_COOKIE), "")
    return value if re.fullmatch(r"[\w-]{43}", value, re.ASCII) else None


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


def cookie_name(settings: Settings, name: str) -> str:
    """Return `name`, bound to this very host by its prefix where the app is on https."""
    return f"__Host-{name}" if settings.is_https else name


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
        with get_db().session() as session:
            tokens.note_use(session, token.id)
            session.commit()
    except OperationalError as error:
        log.warning("could not note that a token was used", token_id=token.id, error=str(error.orig))


def _ask_to_sign_in() -> ResponseReturnValue:
    if bearer_token(request) is not None or request.path.startswith("/api/"):
        error = Unauthorized("This needs a valid access token: Authorization: Bearer … (see Settings, Access tokens).")
        response = current_app.make_response(current_app.handle_http_exception(error))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_partial_wanted() else ""
    address = "/sign-in" + (f"?{urlencode({'next': here})}" if here not in ("", "/") else "")
    if is_partial_wanted():
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address, 302 if request.method in ("GET", "HEAD") else 303)


def _replace(stored: StoredSession, response: Response) -> None:
    """Delete the row there was; make one under a new token unless the session ended."""
    data = dict(stored.data)
    member_id = int(data.pop(MEMBER_KEY)) if MEMBER_KEY in data else None
    with get_db().session() as session:
        if stored.row is not None:
            browser_sessions.end_session(session, stored.row.id)
        if stored.is_ended:
            session.commit()
            _drop_cookie(response)
            return
        row, token = browser_sessions.open_session(session, member_id, data, request.user_agent.string)
        device = ensure_device(session, member_id, device_id()) if member_id else None
        session.commit()
    _set_cookie(response, SESSION_COOKIE, token, int((row.expires_at - now()).total_seconds()))
    if device:
        _set_cookie(response, DEVICE_COOKIE, device, DEVICE_COOKIE_SECONDS)


def _change(row: BrowserSession, changed: dict[str, Any], removed: list[str], token: str, response: Response) -> None:
    try:
        with get_db().session() as session:
            kept = browser_sessions.change_session(session, row.id, changed, removed)
            session.commit()
    except OperationalError as error:
        if changed or removed:
            raise
        log.warning("could not note that a session was seen", session_id=row.id, error=str(error.orig))
        return
    if kept is None:
        _drop_cookie(response)
        return
    _set_cookie(response, SESSION_COOKIE, token, int((kept.expires_at - now()).total_seconds()))
    if (device := device_id()) is not None:
        _set_cookie(response, DEVICE_COOKIE, device, DEVICE_COOKIE_SECONDS)


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    settings = get_settings()
    response.set_cookie(
        cookie_name(settings, name), value, max_age=seconds, path="/", httponly=True, samesite="Lax",
        secure=settings.is_https,
    )  # fmt: skip


def _drop_cookie(response: Response) -> None:
    settings = get_settings()
    response.delete_cookie(
        cookie_name(settings, SESSION_COOKIE), path="/", httponly=True, samesite="Lax", secure=settings.is_https
    )
