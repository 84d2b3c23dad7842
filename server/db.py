"""The engine, the sessions and the column types: SQLite and PostgreSQL behave alike above this file.

A session says whether it will write. On SQLite a writing transaction begins IMMEDIATE, because a deferred one that
reads and then writes loses updates or fails on upgrade (facts.md, Storage); a reading one never waits for a writer.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy import DateTime, Dialect, Engine, TypeDecorator, create_engine, event
from sqlalchemy.engine import Connection
from sqlmodel import Session

BUSY_TIMEOUT_SECONDS = 15
IMPATIENT_MS = 100
REST_SHARE = 0.25
LONGEST_REST_SECONDS = 0.25


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every database; SQLite would silently drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time ({value}) cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str) -> Engine:
    """Return an engine for `url`, with the pragmas and transaction modes this product needs."""
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        pool_size=10,
        max_overflow=20,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    _write_ahead(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn the write-ahead log on; where another connection does so now SQLite would not wait for it, so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    reads, busy_ms = options.get("reads_only", False), options.get("busy_ms", BUSY_TIMEOUT_SECONDS * 1000)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reads else 'OFF'}")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={busy_ms}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("reads_only", False):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def give_way(session: Session, begun: float) -> float:
    """Rest after one of many transactions in a row, committed, which began at `time.monotonic()` = `begun`.

    SQLite has one writer and no queue: who waits looks again after up to 100 ms, and would hardly ever look in the
    moment between two transactions. So whoever has many rests for a part of what each took. Returns when it is over.
    """
    if session.get_bind().dialect.name == "sqlite":
        time.sleep(min(LONGEST_REST_SECONDS, REST_SHARE * (time.monotonic() - begun)))
    return time.monotonic()


class Database:
    """One engine for a process; hands out sessions that read or write."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._reading = self.engine.execution_options(reads_only=True)
        self._impatient = self.engine.execution_options(busy_ms=IMPATIENT_MS)

    def open(self, *, write: bool = True) -> Session:
        """Return a new session the caller must close; a reading one refuses to write."""
        return Session(self.engine if write else self._reading, expire_on_commit=False)

    @contextmanager
    def impatient_session(self) -> Iterator[Session]:
        """Yield a writing session for what can be left out: OperationalError where SQLite has another writer now."""
        session = Session(self._impatient, expire_on_commit=False)
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def session(self, *, write: bool = True) -> Iterator[Session]:
        """Yield a session, rolled back and closed at the end; what should last is committed by the caller."""
        session = self.open(write=write)
        try:
            yield session
        finally:
            session.close()

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()

    def init_app(self, app: Flask) -> None:
        """Give `app` this database and close each request's sessions at its end."""
        app.extensions["warmline_db"] = self
        app.teardown_appcontext(close_sessions)


def get_db() -> Database:
    """Return the database of the current app."""
    db: Database = current_app.extensions["warmline_db"]
    return db


def get_session(*, write: bool | None = None) -> Session:
    """Return this request's session: a reading one for GET and HEAD, a writing one else, unless told."""
    if write is None:
        write = not (has_request_context() and request.method in ("GET", "HEAD", "OPTIONS"))
    name = "writing_session" if write else "reading_session"
    if name not in g:
        setattr(g, name, get_db().open(write=write))
    session: Session = getattr(g, name)
    return session


def close_sessions(_error: BaseException | None = None) -> None:
    """Close this request's sessions; what was not committed is rolled back."""
    for name in ("reading_session", "writing_session"):
        session: Session | None = g.pop(name, None)
        if session is not None:
            session.close()
