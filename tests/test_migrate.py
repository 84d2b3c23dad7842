"""Migrations: run twice without harm, by two processes at once, and never against a newer database."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, make_url, text
from sqlalchemy.engine import Connection

from server.db import Database
from server.errors import Refused
from server.migrate import is_newest, make_config, upgrade
from server.models import metadata

ROOT = Path(__file__).parent.parent
# Migrates, and kills itself before the statement of that number, or before the commit.
KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from server.migrate import upgrade
url, moment, count = sys.argv[1], sys.argv[2], 0
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def tick(*_):
    global count
    count += 1
    if count == int(moment):
        die()
event.listen(Engine, "commit", die) if moment == "commit" else event.listen(Engine, "before_cursor_execute", tick)
upgrade(url)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.sqlite'}"
        return
    base = request.getfixturevalue("postgres_url")
    name = f"migrate_{tmp_path.name.lower()}_{id(tmp_path)}"
    admin = Database(base)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(base).set(database=name).render_as_string(hide_password=False)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """That database; it is empty until a test migrates it."""
    database = Database(url)
    yield database
    database.dispose()


def test_an_empty_database_becomes_the_newest(url: str, database: Database) -> None:
    with database.engine.connect() as connection:
        assert not is_newest(connection)
    upgrade(url)
    with database.engine.connect() as connection:
        assert is_newest(connection)
        assert connection.execute(text("SELECT id, last_event_id FROM event_clock")).all() == [(1, 0)]


def test_running_again_changes_nothing(url: str, database: Database) -> None:
    upgrade(url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE event_clock SET last_event_id = 41"))
    upgrade(url)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT last_event_id FROM event_clock")).all() == [(41,)]


def test_processes_that_migrate_at_once_wait_for_each_other(url: str, database: Database) -> None:
    errors: list[BaseException] = []

    def migrate() -> None:
        try:
            upgrade(url)
        except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
            errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.engine.connect() as connection:
        assert is_newest(connection)


def test_a_newer_database_is_refused_and_left_alone(url: str, database: Database) -> None:
    upgrade(url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
        before = inspect(connection).get_table_names()
    with pytest.raises(Refused, match=r"from_the_future.*nothing was changed"):
        upgrade(url)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [("from_the_future",)]
        assert inspect(connection).get_table_names() == before


def test_the_revisions_make_what_the_models_say(url: str, database: Database) -> None:
    upgrade(url)
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [entry for entry in found if "event_default" not in str(entry) and "event_2" not in str(entry)] == []


def test_rows_of_the_first_schema_come_along_and_go_back(url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        _go_to(connection, "0001")
        connection.execute(
            text(
                "INSERT INTO workspace (id, name, time_zone, is_demo, managers_see_team, created_at)"
                " VALUES (7, 'Acme', 'UTC', false, true, '2026-01-02 03:04:05')"
            )
        )
    upgrade(url)
    with database.engine.begin() as connection:
        assert connection.execute(text("SELECT name, sets_honeypots FROM workspace")).all() == [("Acme", True)]
        _go_to(connection, "0001")
        assert connection.execute(text("SELECT name FROM workspace")).all() == [("Acme",)]
        assert "campaign" not in inspect(connection).get_table_names()


def test_killed_at_any_moment_it_leaves_nothing_and_runs_again(url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        _go_to(connection, "0001")
        connection.execute(text("UPDATE event_clock SET last_event_id = 41"))
        before = sorted(inspect(connection).get_table_names())
    for moment in ("10", "60", "100", "commit"):
        run = subprocess.run([sys.executable, "-c", KILLED, url, moment], cwd=ROOT, check=False)
        assert run.returncode == -signal.SIGKILL
        with database.engine.connect() as connection:
            assert MigrationContext.configure(connection).get_current_revision() == "0001"
            assert sorted(inspect(connection).get_table_names()) == before
    upgrade(url)
    with database.engine.connect() as connection:
        assert is_newest(connection)
        assert connection.execute(text("SELECT last_event_id FROM event_clock")).all() == [(41,)]


def test_no_table_is_rewritten_and_no_large_index_built_under_a_lock(url: str, database: Database) -> None:
    """New columns have constant defaults; `event`, the only table without bound, is left alone."""
    revision = (ROOT / "migrations" / "versions" / "0002_extension_to_campaigns.py").read_text()
    added = re.findall(r'op\.add_column\(\s*"(\w+)", sa\.Column\((.+)\)', revision)
    assert len(added) > 20
    assert [one for one in added if "nullable=False" in one[1] and "server_default=" not in one[1]] == []
    assert '"event"' not in re.sub(r"\[.*?\]", "", revision)


def _go_to(connection: Connection, revision: str) -> None:
    config = make_config()
    config.attributes["connection"] = connection
    current = MigrationContext.configure(connection).get_current_revision()
    (command.downgrade if current and current > revision else command.upgrade)(config, revision)


def test_events_are_partitioned_by_time_on_postgresql(url: str, database: Database) -> None:
    if not url.startswith("postgresql"):
        assert url.startswith("sqlite")  # one table there
        return
    upgrade(url)
    with database.engine.connect() as connection:
        kind = connection.execute(text("SELECT partstrat FROM pg_partitioned_table")).scalar_one()
        default = connection.execute(
            text("SELECT count(*) FROM pg_inherits WHERE inhrelid = 'event_default'::regclass")
        )
        assert kind in ("r", b"r")
        assert default.scalar_one() == 1
