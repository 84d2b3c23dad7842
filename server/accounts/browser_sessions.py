"""Rows of browser sessions: opened, read, changed without losing a neighbour's change, ended. Knows no HTTP."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import ua_parser
from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.models import BrowserSession
from server.clock import now
from server.keys import hash_token, make_token
from server.queue import announce

IDLE_DAYS = 14
LIFETIME_DAYS = 90
ANONYMOUS_MINUTES = 60
SEEN_MINUTES = 5


def open_session(
    session: Session, member_id: int | None, data: dict[str, Any] | None = None, user_agent: str = ""
) -> tuple[BrowserSession, str]:
    """Add a browser session, of nobody or of a member, and return it with the token that its cookie holds."""
    session.exec(delete(BrowserSession).where(col(BrowserSession.expires_at) <= now()))
    token, at = make_token(), now()
    row = BrowserSession(
        token_hash=hash_token(token), member_id=member_id, data=data or {}, user_agent=user_agent[:300],
        created_at=at, seen_at=at, expires_at=_expiry(member_id, at, at),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row, token


def find_session(session: Session, token: str) -> BrowserSession | None:
    """Return the browser session that `token` opens, unless it ended or expired."""
    row = session.exec(select(BrowserSession).where(BrowserSession.token_hash == hash_token(token))).first()
    return row if row is not None and row.expires_at > now() else None


def change_session(
    session: Session, session_id: int, changed: dict[str, Any], removed: Iterable[str]
) -> BrowserSession | None:
    """Change single keys of a session's data and note that it was seen; what others changed meanwhile stays."""
    row = _lock(session, session_id)
    if row is None:
        return None
    row.data = {key: value for key, value in (row.data | changed).items() if key not in set(removed)}
    row.seen_at = now()
    row.expires_at = _expiry(row.member_id, row.created_at, row.seen_at)
    session.add(row)
    session.flush()
    return row


def pop_value(session: Session, session_id: int, key: str) -> Any:
    """Take `key` out of a session's data; of any number of callers at once, one gets the value and all others None."""
    row = _lock(session, session_id)
    if row is None or key not in row.data:
        return None
    value = row.data[key]
    row.data = {other: kept for other, kept in row.data.items() if other != key}
    session.add(row)
    session.flush()
    return value


def is_stale(row: BrowserSession) -> bool:
    """Return whether `seen_at` is old enough to be worth a write."""
    return now() - row.seen_at > timedelta(minutes=SEEN_MINUTES)


def end_session(session: Session, session_id: int) -> None:
    """Delete one browser session and tell its streams."""
    session.exec(delete(BrowserSession).where(col(BrowserSession.id) == session_id))
    announce(session, "session_ended", id=session_id)


def end_sessions(session: Session, member_id: int, but: int | None = None) -> None:
    """Delete a member's browser sessions, except the one with the id `but`, and tell their streams."""
    for session_id in session.exec(select(BrowserSession.id).where(BrowserSession.member_id == member_id)).all():
        if session_id != but:
            end_session(session, session_id)


def list_sessions(session: Session, member_id: int) -> list[BrowserSession]:
    """Return a member's living browser sessions, the one seen last first."""
    chosen = select(BrowserSession).where(BrowserSession.member_id == member_id, BrowserSession.expires_at > now())
    return list(session.exec(chosen.order_by(col(BrowserSession.seen_at).desc())).all())


def name_browser(user_agent: str) -> str:
    """Return a browser and its system in words, such as “Firefox, Linux”."""
    parsed = ua_parser.parse(user_agent)
    families = [part.family for part in (parsed.user_agent, parsed.os) if part is not None]
    return ", ".join(families) or _("An unknown browser")


def _lock(session: Session, session_id: int) -> BrowserSession | None:
    chosen = select(BrowserSession).where(BrowserSession.id == session_id).with_for_update()
    return session.exec(chosen.execution_options(populate_existing=True)).first()


def _expiry(member_id: int | None, created_at: datetime, seen_at: datetime) -> datetime:
    if member_id is None:
        return seen_at + timedelta(minutes=ANONYMOUS_MINUTES)
    return min(seen_at + timedelta(days=IDLE_DAYS), created_at + timedelta(days=LIFETIME_DAYS))
