"""Restoring: an archive is checked whole before anything is written, and what stood there before is kept aside.

What was about to leave when the backup was made may have left since, from the installation that went on: so every
campaign stays paused until somebody confirms it, and mail that waited in the outbox waits for its member.
"""

import hashlib
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from alembic import command
from sqlalchemy import Connection, MetaData, Table, insert, inspect, make_url, text, update
from sqlmodel import col

from server.backup.rows import READERS, read_rows
from server.backup.save import FILES, FORMAT, MANIFEST, TABLES
from server.campaigns.models import Campaign, CampaignState
from server.clock import now
from server.config import Settings
from server.db import make_engine
from server.errors import Refused
from server.messages.models import Copy, CopyState
from server.migrate import is_known, make_config, upgrade

CHUNK = 1 << 20
NOT_SENT = (
    "This installation was restored from a backup. Look into the folder Sent in Gmail; if it is not there, try again."
)


def restore(settings: Settings, source: Path, *, replaces: bool = False) -> dict[str, int]:
    """Make the installation that the archive `source` holds and return how many rows each table got.

    Raises `Refused`, with nothing written, for a damaged archive, one of a newer Warmline, or where something stands
    already and `replaces` is False. What stood in WARMLINE_HOME is moved into its folder `before-restore-…`.
    """
    manifest = _check(source)
    if (_list_kept(settings) or _has_tables(settings)) and not replaces:
        raise Refused(
            f"There is an installation in {settings.warmline_home} or its database. Give --replace to put the backup "
            "in its place; its files are kept aside."
        )
    settings.warmline_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _put_aside(settings)
    with _open(settings) as connection:
        _empty(connection)
        counts = _fill(connection, source, manifest)
    _write_files(settings, source)
    upgrade(settings.database_url)
    _hold_back(settings)
    return counts


def _check(source: Path) -> dict[str, Any]:
    """Return the manifest of an archive whose every file is as it was written."""
    sums: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if not member.isfile() or file is None or not _is_safe(member.name):
                    raise Refused(f"{source} is no backup of Warmline: it holds {member.name!r}.")
                if member.name == MANIFEST:
                    manifest = json.load(file)
                else:
                    sums[member.name] = _sum(file)
    except (OSError, tarfile.TarError, ValueError, EOFError, zlib.error) as error:
        raise Refused(f"{source} cannot be read as a backup: {error}.") from error
    if manifest.get("format") != FORMAT or sums != manifest.get("files"):
        raise Refused(f"{source} is damaged, or no backup of this version's form. Nothing was changed.")
    if not is_known(str(manifest["revision"])):
        raise Refused(f"{source} was made by a newer Warmline. Install that version first; nothing was changed.")
    return manifest


def _sum(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and (name == MANIFEST or path.parts[0] in (TABLES, FILES))


def _list_kept(settings: Settings) -> list[Path]:
    """Return what of an installation stands in the home besides its database: journal, keys, files."""
    names = ("keys.json", "documents", "imports", "journal")
    return [settings.warmline_home / name for name in names if (settings.warmline_home / name).exists()]


def _find_database(settings: Settings) -> Path | None:
    """Return the file of an SQLite database."""
    url = make_url(settings.database_url)
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


def _put_aside(settings: Settings) -> None:
    home = settings.warmline_home
    path = _find_database(settings)
    standing = [*_list_kept(settings), *(path.parent.glob(f"{path.name}*") if path is not None else ())]
    if not standing:
        return
    aside = home / f"before-restore-{now():%Y%m%d-%H%M%S}"
    aside.mkdir(mode=0o700)
    for path in standing:
        shutil.move(path, aside / path.name)


def _empty(connection: Connection) -> None:
    """Drop every table that stands in the database: one on PostgreSQL cannot be put aside."""
    standing = MetaData()
    standing.reflect(connection)
    standing.drop_all(connection)


def _fill(connection: Connection, source: Path, manifest: dict[str, Any]) -> dict[str, int]:
    """Make the schema as it was, and put the rows into it."""
    config = make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, str(manifest["revision"]))
    schema = MetaData()
    schema.reflect(connection)
    counts = {}
    with tarfile.open(source, "r:gz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            file = archive.extractfile(member)
            if name.parts[0] == TABLES and file is not None:
                table = schema.tables[name.stem]
                counts[name.stem] = _fill_table(connection, table, file, manifest["tables"][name.stem]["columns"])
    return counts


def _fill_table(connection: Connection, table: Table, lines: IO[bytes], forms: dict[str, str]) -> int:
    if unknown := set(forms.values()) - READERS.keys():
        raise Refused(f"The table {table.name} holds {sorted(unknown)}, which this version cannot read.")
    connection.execute(table.delete())  # what the migration itself put there
    rows = 0
    for batch in read_rows(lines, forms, drops_zone=connection.dialect.name == "sqlite"):
        connection.execute(insert(table), batch)
        rows += len(batch)
    _go_on_counting(connection, table)
    return rows


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL give ids after the highest one there is."""
    if connection.dialect.name != "postgresql" or "id" not in table.columns:
        return
    name = table.name
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": f'"{name}"'}).scalar()
    if sequence is not None:
        highest = f'SELECT setval(:sequence, GREATEST((SELECT COALESCE(MAX(id), 0) FROM "{name}"), 1))'  # noqa: S608
        connection.execute(text(highest), {"sequence": sequence})


def _write_files(settings: Settings, source: Path) -> None:
    with tarfile.open(source, "r:gz") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            file = archive.extractfile(member)
            if name.parts[0] == FILES and file is not None:
                target = settings.warmline_home.joinpath(*name.parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                    shutil.copyfileobj(file, copy, CHUNK)
                    copy.flush()
                    os.fsync(copy.fileno())


def _hold_back(settings: Settings) -> None:
    """Let nothing leave that may have left already."""
    with _open(settings) as connection:
        state = col(Campaign.state)
        connection.execute(update(Campaign).where(state == CampaignState.RUNNING).values(state=CampaignState.PAUSED))
        undone = {"state": CampaignState.DRAFT, "starts_at": None, "confirmed_at": None}
        connection.execute(update(Campaign).where(state == CampaignState.CONFIRMED).values(undone))
        leaving = update(Copy).where(col(Copy.state).in_((CopyState.QUEUED, CopyState.SENDING)))
        connection.execute(leaving.values(state=CopyState.FAILED, failure=NOT_SENT, lease_until=None))


@contextmanager
def _open(settings: Settings) -> Iterator[Connection]:
    """Yield a connection in a transaction; the engine is gone afterwards, as the file under it may be."""
    engine = make_engine(settings.database_url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _has_tables(settings: Settings) -> bool:
    path = _find_database(settings)
    if path is not None and not path.exists():
        return False  # connecting would make the file
    with _open(settings) as connection:
        return bool(inspect(connection).get_table_names())
