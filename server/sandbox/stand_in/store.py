"""The stand-in's own SQLite file: its tables, and transactions that any thread may open."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Event

from flask import current_app

BUSY_SECONDS = 30.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account (
    email TEXT PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL UNIQUE,
    history_id INTEGER NOT NULL, history_floor INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    thread_id TEXT NOT NULL, raw BLOB NOT NULL, internal_date INTEGER NOT NULL, history_id INTEGER NOT NULL,
    snippet TEXT NOT NULL, subject TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    search_text TEXT NOT NULL, rfc822_id TEXT NOT NULL, has_attachment INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS message_date ON message (account, internal_date, seq);
CREATE INDEX IF NOT EXISTS message_thread ON message (account, thread_id);
CREATE INDEX IF NOT EXISTS message_rfc822 ON message (account, rfc822_id);
CREATE TABLE IF NOT EXISTS message_label (
    message_id TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE, label_id TEXT NOT NULL,
    PRIMARY KEY (message_id, label_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS label (
    account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, id TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (account, id), UNIQUE (account, name)
);
CREATE TABLE IF NOT EXISTS draft (
    id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
    message_id TEXT NOT NULL UNIQUE REFERENCES message (id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS history (
    account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, id INTEGER NOT NULL, kind TEXT NOT NULL,
    message_id TEXT NOT NULL, thread_id TEXT NOT NULL, label_ids TEXT NOT NULL, changed_label_ids TEXT NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS watch (
    account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE, topic TEXT NOT NULL, label_ids TEXT NOT NULL,
    excludes INTEGER NOT NULL, expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS notification (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, account TEXT NOT NULL, history_id INTEGER NOT NULL,
    published_at INTEGER NOT NULL, is_pushed INTEGER NOT NULL DEFAULT 0,
    is_acknowledged INTEGER NOT NULL DEFAULT 0, ack_id TEXT, leased_until INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS notification_to_push ON notification (is_pushed, id);
CREATE INDEX IF NOT EXISTS notification_to_pull ON notification (is_acknowledged, id);
CREATE TABLE IF NOT EXISTS accepted_send (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message_id TEXT NOT NULL, headers BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS oauth_code (
    code TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, request TEXT NOT NULL,
    scopes TEXT NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER
);
CREATE TABLE IF NOT EXISTS refresh_token (
    token TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, client_id TEXT NOT NULL,
    scopes TEXT NOT NULL, is_revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS access_token (
    token TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account ON DELETE CASCADE, scopes TEXT NOT NULL,
    expires_at INTEGER NOT NULL, refresh_token TEXT
);
CREATE TABLE IF NOT EXISTS upload (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, received BLOB NOT NULL
);
"""
TABLES_OF_ACCOUNTS = ("account", "notification", "accepted_send", "upload")


class Store:
    """One SQLite file; every transaction has a connection of its own, so that threads never share one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changed = Event()
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        with self.reading() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(SCHEMA)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside BEGIN IMMEDIATE; commit at the end, roll back on any error."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()
        self.changed.set()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for reading."""
        with self._connection() as db:
            yield db

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = self._connect()
        try:
            yield db
        finally:
            self._idle.put(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    def close(self) -> None:
        """Close all idle connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def get_store() -> Store:
    """Return the store of the current app."""
    store: Store = current_app.extensions["stand_in_store"]
    return store
