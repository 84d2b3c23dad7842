"""`flask.session` as a row of `browser_session`: read when first touched, written after the view, known by a cookie.

It is written in a transaction of its own, so that a request that only reads stays one, and by single keys, so that two
requests at once lose nothing of each other.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import structlog
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import OperationalError

from server.accounts import browser_sessions
from server.accounts.devices import ensure_device
from server.accounts.models import BrowserSession
from server.clock import now
from server.config import Settings, get_settings
from server.db import close_sessions, get_db, get_session
from server.security import bearer_token

SESSION_COOKIE = "warmline_session"
DEVICE_COOKIE = "warmline_browser"  # not the edge's name: on one machine both origins share their cookies
DEVICE_COOKIE_SECONDS = 400 * 86_400  # the longest that browsers keep a cookie (RFC 6265bis, section 5.5)
MEMBER_KEY = "_user_id"  # flask-login's; kept in the column `member_id`, not in the data
DEVICE_ID = re.compile(r"[\w-]{43}", re.ASCII)

log = structlog.get_logger()


class StoredSession(SessionMixin):
    """One request's view of its browser session; empty, and without a row, until something is stored."""

    def __init__(self, token: str | None, device_id: str | None = None, user_agent: str = "") -> None:
        self.token = token
        self.device_id = device_id
        self.user_agent = user_agent
        self.row: BrowserSession | None = None
        self.is_loaded = False
        self.is_gone = False
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
                self.is_gone = self.row is None  # not where the database is away: then the browser keeps its cookie
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


class TokenSession(StoredSession):
    """The session of a request with a bearer token: empty at first, and forgotten at its end."""


class StoredSessions(SessionInterface):
    """Opens and saves browser sessions for Flask."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """Return the session of the request's cookie, not yet read; an empty one beside a bearer token."""
        if bearer_token(request) is not None:
            return TokenSession(None)
        settings, cookies = app.config["SETTINGS"], request.cookies
        device = cookies.get(cookie_name(settings, DEVICE_COOKIE), "")
        return StoredSession(
            cookies.get(cookie_name(settings, SESSION_COOKIE)),
            device if DEVICE_ID.fullmatch(device) else None,
            request.user_agent.string,
        )

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write what changed and set the cookies that follow from it."""
        assert isinstance(session, StoredSession)  # noqa: S101 - nobody else makes one
        if not session.is_loaded or isinstance(session, TokenSession):
            return
        response.vary.add("Cookie")
        changed, removed = session.difference()
        if session.is_ended or session.is_new_login or (session.row is None and changed):
            close_sessions()  # the view is done; SQLite has one writer at a time
            _replace(session, response)
        elif session.row is not None and (changed or removed or browser_sessions.is_stale(session.row)):
            close_sessions()
            _change(session, session.row, response)
        elif session.is_gone:
            _drop_cookie(response)


def cookie_name(settings: Settings, name: str) -> str:
    """Return `name`, bound to this very host by its prefix where the app is on https."""
    return f"__Host-{name}" if settings.is_https else name


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
        row, token = browser_sessions.open_session(session, member_id, data, stored.user_agent)
        device = ensure_device(session, member_id, stored.device_id) if member_id else None
        session.commit()
    _set_cookie(response, SESSION_COOKIE, token, int((row.expires_at - now()).total_seconds()))
    if device:
        _set_cookie(response, DEVICE_COOKIE, device, DEVICE_COOKIE_SECONDS)


def _change(stored: StoredSession, row: BrowserSession, response: Response) -> None:
    changed, removed = stored.difference()
    db = get_db()
    try:
        with db.session() if changed or removed else db.impatient_session() as session:
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
    _set_cookie(response, SESSION_COOKIE, stored.token or "", int((kept.expires_at - now()).total_seconds()))
    if stored.device_id is not None:
        _set_cookie(response, DEVICE_COOKIE, stored.device_id, DEVICE_COOKIE_SECONDS)


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
