"""An uploaded file on its way in: written aside, examined in a jail, and either refused or moved to its version."""

import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from server.config import Settings
from server.documents.failures import Unfit, refuse
from server.documents.jail import Limits, Stopped, run_jailed
from server.documents.models import FileKind

EXAMINE = Path(__file__).with_name("examine.py")
UNPACKED_BYTES = 500 * 2**20
MEMBERS = 10_000
DEPTH = 2
# Little of the processor, but long on the clock: a good file is not refused because the machine is busy.
EXAMINE_LIMITS = Limits(
    seconds=60, cpu_seconds=20, memory_bytes=2**30, address_bytes=2 * 2**30, output_bytes=2**20
)  # fmt: skip
CHUNK_BYTES = 2**20
FORM_BYTES = 2**20  # what stands around the file
NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was found fit: where it stands for now, and what it is."""

    path: Path
    file_name: str
    kind: FileKind
    sha256: str
    size_bytes: int

    def move_to(self, target: Path) -> None:
        """Put the file where it belongs."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.replace(self.path, target)


@contextmanager
def take_upload(settings: Settings, file: IO[bytes], file_name: str) -> Iterator[Upload]:
    """Yield the uploaded `file`, examined; raises `Refused` with the reason, and leaves nothing behind then."""
    folder = settings.warmline_home / "documents" / "incoming" / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "file"
    try:
        digest, size = _write(file, path, settings.document_max_mb * 2**20)
        kind = _examine(path)
        yield Upload(path, clean_name(file_name), kind, digest, size)
    except Unfit as unfit:
        raise refuse(unfit.reason) from None
    finally:
        shutil.rmtree(folder)


def most_request_bytes(settings: Settings) -> int:
    """Return how large a request may be that carries a file in a form."""
    return settings.document_max_mb * 2**20 + FORM_BYTES


def clean_name(file_name: str) -> str:
    """Return a file name as it is shown: one line, no folders, its ending kept however long it is."""
    name = "".join(letter for letter in file_name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    stem, dot, ending = " ".join(name.split()).rpartition(".")
    if not dot:
        stem, ending = ending, ""
    return f"{stem[: NAME_LENGTH - len(ending[:10]) - 1]}{dot}{ending[:10]}" or "document"


def _write(file: IO[bytes], path: Path, limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as kept:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise Unfit("too_large")
            digest.update(chunk)
            kept.write(chunk)
        kept.flush()
        os.fsync(kept.fileno())
    return digest.hexdigest(), size


def _examine(path: Path) -> FileKind:
    limits = json.dumps({"unpacked_bytes": UNPACKED_BYTES, "members": MEMBERS, "depth": DEPTH})
    command = [sys.executable, "-I", str(EXAMINE), str(path), limits]
    room = path.parent / "room"
    room.mkdir()
    try:
        lines = [line for line in run_jailed(command, room, EXAMINE_LIMITS, [str(EXAMINE), str(path)]) if line]
    except Stopped as stopped:
        raise Unfit({"crashed": "broken", "timeout": "unpacked", "memory": "unpacked"}.get(stopped.reason, "broken")) \
            from stopped  # fmt: skip
    answer = json.loads(lines[-1]) if lines else {"reason": "broken"}
    if "kind" not in answer:
        raise Unfit(answer["reason"])
    return FileKind(answer["kind"])
