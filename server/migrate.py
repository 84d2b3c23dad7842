"""Brings a database to the newest schema with Alembic; one process at a time, safe to kill and run again."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection

from server.db import make_engine
from server.errors import Refused

FOLDER = Path(__file__).parent.parent / "migrations"
UPGRADE_LOCK = 0x77A2_111E  # an advisory lock of PostgreSQL; SQLite has one writer anyway


def upgrade(url: str) -> None:
    """Migrate the database at `url` to the newest revision; refuse one that a newer Warmline has written."""
    config = make_config()
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            _refuse_newer(MigrationContext.configure(connection), ScriptDirectory.from_config(config))
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def is_newest(connection: Connection) -> bool:
    """Return whether the database behind `connection` is at the newest revision."""
    return MigrationContext.configure(connection).get_current_heads() == _newest_heads()


@cache
def _newest_heads() -> tuple[str, ...]:
    return tuple(ScriptDirectory.from_config(make_config()).get_heads())


def is_known(revision: str) -> bool:
    """Return whether this Warmline knows a revision of the schema."""
    try:
        return ScriptDirectory.from_config(make_config()).get_revision(revision) is not None
    except CommandError:
        return False


def make_config() -> Config:
    """Return Alembic's settings."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _refuse_newer(context: MigrationContext, scripts: ScriptDirectory) -> None:
    for revision in context.get_current_heads():
        try:
            scripts.get_revision(revision)
        except CommandError as error:
            raise Refused(
                f"This database is at revision {revision}, which this Warmline does not know: it was written by a "
                "newer version. Install that version, or restore a backup; nothing was changed."
            ) from error
