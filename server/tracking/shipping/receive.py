"""The receiving end: each segment of an edge on another machine becomes a mirror here, byte for byte, for the drain.

A mirror's bytes stand where they stand in the segment, so a chunk that comes again, or again in part, changes nothing.
How far a mirror is drained stands in the database under its name, so neither does one that comes again after its
mirror was drained and deleted.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.tracking.journal import OPEN_SUFFIX, SUFFIX, sync_folder
from server.tracking.shipping.chunk import Chunk

MIRROR_SUFFIX = f"-shipped{SUFFIX}"  # no machine ships it on: an edge's own segments have other names


class Gap(Exception):
    """What stands before the chunk is not here; `held` is the number of bytes that are."""

    def __init__(self, held: int) -> None:
        super().__init__(f"only {held} bytes are here")
        self.held = held


def receive(folder: Path, chunk: Chunk) -> int:
    """Write `chunk` into the mirror of its segment and return, once it is on disk, how far that reaches.

    Raises `Gap` where bytes before it are missing, OSError where the disk takes no more; then nothing is promised.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mirror = folder / (chunk.segment.removesuffix(SUFFIX) + MIRROR_SUFFIX)
    with _hold(folder):
        held = mirror.stat().st_size if mirror.exists() else 0
        if chunk.offset > held:
            raise Gap(held)
        if not mirror.exists():
            _make(mirror)
        _write(mirror, chunk)
        if chunk.is_last:
            _mark(mirror).unlink(missing_ok=True)
            sync_folder(folder)
        return max(held, chunk.offset + len(chunk.data))


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Let one process at a time receive into `folder`."""
    with (folder / "receive.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _mark(mirror: Path) -> Path:
    return mirror.with_suffix(OPEN_SUFFIX)


def _make(mirror: Path) -> None:
    """Make an empty mirror; its mark comes first, so that the drain never takes it for complete."""
    for path in (_mark(mirror), mirror):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    sync_folder(mirror.parent)


def _write(mirror: Path, chunk: Chunk) -> None:
    handle = os.open(mirror, os.O_WRONLY)
    try:
        if (written := os.pwrite(handle, chunk.data, chunk.offset)) != len(chunk.data):
            raise OSError(f"{written} of {len(chunk.data)} bytes could be written")
        os.fdatasync(handle)
    finally:
        os.close(handle)
