"""Saving: journal, then database, then files, into one archive, while everything runs.

The order is the promise. A hit that was acknowledged before the start is in the journal, which is copied first, or in
the database, which is read afterwards in one snapshot; in both, it is still counted once. Files come last, so that each
row's file is there.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from server.backup.rows import describe, write_rows
from server.clock import now
from server.config import Settings
from server.db import make_engine
from server.models import metadata

FORMAT = 1
MANIFEST = "manifest.json"
TABLES, FILES = "database", "home"
KEPT = ("keys.json", "documents", "imports")  # what else stands in WARMLINE_HOME belongs to one start, or is made anew


def save(settings: Settings, target: Path) -> dict[str, int]:
    """Write everything into the archive `target` (mode 0600: it holds the keys); return the rows of each table.

    A file that stands there is replaced only once the new one is whole.
    """
    part = target.with_name(target.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as archive:
            sums: dict[str, str] = {}
            _add_files(archive, settings.warmline_home, _list_files(settings.journal_dir), sums)
            dump = _add_database(archive, settings, sums)
            for name in KEPT:
                _add_files(archive, settings.warmline_home, _list_files(settings.warmline_home / name), sums)
            manifest = {"format": FORMAT, "made_at": now().isoformat(), **asdict(dump), "files": sums}
            _add_bytes(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
        _flush(part)
        part.rename(target)
        _flush(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return {name: one["rows"] for name, one in dump.tables.items()}


@dataclass(frozen=True, slots=True)
class Dump:
    """The schema's revision, and of each table how many rows it has and how its columns are written."""

    revision: str
    tables: dict[str, dict[str, Any]]


def _add_database(archive: tarfile.TarFile, settings: Settings, sums: dict[str, str]) -> Dump:
    engine = make_engine(settings.database_url)
    tables: dict[str, dict[str, Any]] = {}
    try:
        with engine.connect() as connection:
            is_postgresql = connection.dialect.name == "postgresql"
            if is_postgresql:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.execution_options(reads_only=True).begin():
                heads = MigrationContext.configure(connection).get_current_heads()
                for table in metadata.sorted_tables:
                    name = f"{TABLES}/{table.name}.jsonl"
                    with tempfile.TemporaryFile(dir=settings.warmline_home) as lines:
                        rows = _write_lines(connection, table.name, lines)
                        sums[name] = _add_stream(archive, name, lines)
                    tables[table.name] = {"rows": rows, "columns": describe(table)}
    finally:
        engine.dispose()
    return Dump(heads[0] if heads else "", tables)


def _write_lines(connection: Connection, name: str, target: IO[bytes]) -> int:
    rows = 0
    for line in write_rows(connection, metadata.tables[name]):
        target.write(line)
        rows += 1
    return rows


def _list_files(folder: Path) -> list[Path]:
    """Return the files in `folder`, or the file itself."""
    return [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())


def _add_files(archive: tarfile.TarFile, home: Path, paths: list[Path], sums: dict[str, str]) -> None:
    for path in paths:
        name = f"{FILES}/{path.relative_to(home)}"
        try:
            with path.open("rb") as file:
                sums[name] = _add_stream(archive, name, file)
        except FileNotFoundError:  # drained or swept meanwhile
            continue


def _add_stream(archive: tarfile.TarFile, name: str, file: IO[bytes]) -> str:
    """Add what `file` holds now, and return its SHA-256; what is appended meanwhile stays out."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    reader = _Summing(file, size)
    archive.addfile(member, reader)
    return reader.sum.hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


class _Summing:
    """A file of `size` bytes that is summed while it is read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left, self.sum = file, size, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        data = self.file.read(self.left if count < 0 else min(count, self.left))
        self.left -= len(data)
        self.sum.update(data)
        return data


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
