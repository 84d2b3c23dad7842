"""Records of the journal that could not be read or recorded: files beside it, each with its reason."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from pathlib import Path

from flask_babel import gettext as _

from server.clock import from_epoch_ms
from server.errors import Refused
from server.tracking.hits import read_record
from server.tracking.journal import Journal

NAME = re.compile(r"[0-9a-f-]{1,100}\.journal-\d{1,20}")
MAX_REASON_CHARACTERS = 300
LIMIT = 100


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One record that is kept aside."""

    name: str
    reason: str
    bytes: int
    kept_at: datetime


def folder_of(journal: Path) -> Path:
    """Return where the drain keeps what it could not read."""
    return journal / "bad"


def list_records(journal: Path, limit: int = LIMIT) -> list[KeptRecord]:
    """Return the newest records that are kept aside."""
    names = (path.stem for path in folder_of(journal).glob("*.reason") if NAME.fullmatch(path.stem))
    found = (_load(journal, name) for name in nlargest(limit, names))
    return [record for record in found if record is not None]


def retry_record(journal: Path, name: str) -> None:
    """Put a record back into the journal; raises `Refused` for one in which nothing can be read.

    A hit has an id of its own, so one that is put back twice is still one event.
    """
    path = _path(journal, name)
    try:
        payload = path.with_suffix(path.suffix + ".bin").read_bytes()
        read_record(payload)
    except FileNotFoundError:
        return
    except ValueError:
        raise Refused(
            _("This record is damaged: there is no hit in it that could be tried again."), status=409
        ) from None
    writer = Journal(journal)
    try:
        writer.append(payload)
    finally:
        writer.close()
    let_record_go(journal, name)


def let_record_go(journal: Path, name: str) -> None:
    """Delete a record and its reason."""
    path = _path(journal, name)
    for suffix in (".bin", ".reason"):
        path.with_suffix(path.suffix + suffix).unlink(missing_ok=True)


def _path(journal: Path, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise Refused(_("There is no such record."), status=404)
    return folder_of(journal) / name


def _load(journal: Path, name: str) -> KeptRecord | None:
    path = folder_of(journal) / name
    try:
        found = os.stat(f"{path}.bin")
        reason = Path(f"{path}.reason").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # let go meanwhile
        return None
    return KeptRecord(
        name, reason[:MAX_REASON_CHARACTERS].strip(), found.st_size, from_epoch_ms(int(found.st_mtime * 1000))
    )
