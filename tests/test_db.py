"""The database: no update is lost, readers cannot write, every time is aware, on SQLite and PostgreSQL alike."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError
from sqlmodel import Session, select

from server.accounts.models import Workspace
from server.db import BUSY_TIMEOUT_SECONDS, LONGEST_REST_SECONDS, Database, get_db, get_session, give_way
from server.events.models import EventClock

WRITERS, WRITES = 8, 200


@pytest.fixture
def database(app: Flask) -> Iterator[Database]:
    """The app's database."""
    db: Database = app.extensions["warmline_db"]
    yield db


def test_read_modify_write_from_many_threads_loses_nothing(database: Database) -> None:
    errors: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(WRITES):
                with database.session() as session:
                    clock = session.exec(select(EventClock).where(EventClock.id == 1).with_for_update()).one()
                    clock.last_event_id += 1
                    session.add(clock)
                    session.commit()
        except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
            errors.append(error)

    threads = [threading.Thread(target=count) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.session(write=False) as session:
        assert session.get_one(EventClock, 1).last_event_id == WRITERS * WRITES


def test_a_reading_session_refuses_to_write(database: Database) -> None:
    with database.session(write=False) as session, pytest.raises(DBAPIError, match=r"read.?only"):
        session.add(Workspace(name="ENCOM"))
        session.flush()
    with database.session() as session:
        session.add(Workspace(name="ENCOM"))  # the next writer on the same connection may
        session.commit()


def test_a_reader_never_waits_for_a_writer(database: Database) -> None:
    with database.session() as writer, database.session(write=False) as reader:
        writer.add(Workspace(name="ENCOM"))
        writer.flush()
        assert reader.exec(select(Workspace)).all() == []
        writer.commit()


def test_an_impatient_writer_gives_up_beside_another_and_the_next_one_waits_again(database: Database) -> None:
    if database.engine.dialect.name != "sqlite":
        assert database.engine.dialect.name == "postgresql"  # it has no lock on the whole database
        return
    with database.session() as writing:
        writing.execute(text("UPDATE event_clock SET last_event_id = 5"))
        with database.impatient_session() as session, pytest.raises(OperationalError, match="locked"):
            session.execute(text("UPDATE event_clock SET last_event_id = 6"))
        writing.commit()
    with database.session() as session:
        assert session.execute(text("PRAGMA busy_timeout")).scalar_one() == BUSY_TIMEOUT_SECONDS * 1000


def test_a_connection_waits_for_another_that_has_just_made_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    database = Database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, other.rollback)
        release.start()
        with database.engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        release.join()
    database.dispose()


def test_what_is_not_committed_does_not_last(database: Database) -> None:
    with database.session() as session:
        session.add(Workspace(name="ENCOM"))
        session.flush()
    with database.session(write=False) as session:
        assert session.exec(select(Workspace)).all() == []


def test_a_time_comes_back_as_the_same_aware_moment_in_utc(session: Session) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    session.add(Workspace(name="ENCOM", created_at=at))
    session.commit()
    session.expunge_all()
    found = session.exec(select(Workspace)).one().created_at
    assert found == at
    assert found.tzinfo is UTC


def test_times_are_compared_as_moments(session: Session) -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    session.add(Workspace(name="ENCOM", created_at=at))
    session.flush()
    elsewhere = at.astimezone(timezone(timedelta(hours=-9))) + timedelta(seconds=1)
    assert session.exec(select(Workspace).where(Workspace.created_at < elsewhere)).all() != []


def test_a_naive_time_is_refused(session: Session) -> None:
    session.add(Workspace(name="ENCOM", created_at=datetime(2026, 3, 2)))  # noqa: DTZ001 - the point of the test
    with pytest.raises(StatementError, match="naive"):
        session.flush()
    session.rollback()


def test_a_foreign_key_that_leads_nowhere_is_refused(session: Session) -> None:
    with pytest.raises(DBAPIError):
        session.execute(
            text("INSERT INTO person_address (workspace_id, person_id, email) VALUES (99, 99, 'a@b.example')")
        )
        session.commit()
    session.rollback()


def test_a_request_reads_with_get_and_writes_with_post(app: Flask) -> None:
    for method, writes in (("GET", False), ("HEAD", False), ("POST", True), ("DELETE", True)):
        with app.test_request_context("/", method=method):
            assert get_session() is get_session(write=writes)
            assert get_session() is not get_session(write=not writes)


def test_a_requests_sessions_are_closed_with_it(app: Flask) -> None:
    with app.test_request_context("/"):
        session = get_session()
        session.exec(select(Workspace)).all()
        assert session.in_transaction()
        pool = get_db().engine.pool
    assert not session.in_transaction()
    assert pool.checkedout() == 0  # type: ignore[attr-defined]


def test_long_work_rests_between_its_transactions_where_others_find_no_other_moment(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("server.db.time", SimpleNamespace(sleep=rests.append, monotonic=lambda: 100.4))
    for begun in (100.0, 0.0):
        give_way(session, begun)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    assert rests == ([pytest.approx(0.1), LONGEST_REST_SECONDS] if is_sqlite else [])
