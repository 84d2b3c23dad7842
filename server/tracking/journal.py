"""The durable hit log of the edge: append-only segments, one writer per process, group commit.

`append` returns when the record is on disk. Whoever comes first leads: it writes all records that wait in one `write`
and one `fdatasync`, then hands the lead to the first of those who came meanwhile (group commit; DeWitt et al., 1984).

A writer holds an flock on its live segment, which ends with the process, however it ends: a segment whose lock can be
had is complete. A segment in which a write failed is cut back to its last good byte and never written again, so that
what a reader has passed never changes.
"""

import contextlib
import fcntl
import os
import secrets
import threading
import time
from pathlib import Path

from server.tracking.frames import make_frame

SUFFIX = ".journal"
UNBORN_SUFFIX = ".new"  # not locked yet: readers leave it alone
OPEN_SUFFIX = ".open"  # stands beside a segment that another machine still writes (server/tracking/shipping)
SEGMENT_BYTES = 16 * 2**20


class JournalFull(Exception):
    """The record is not on disk: the disk is full, or failing."""


class _Batch:
    """The records of one `write`, the locks their threads wait on, and whether they are on disk."""

    __slots__ = ("error", "frames", "is_over", "turns")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.turns: list[threading.Lock] = []
        self.is_over = False
        self.error: BaseException | None = None


class Journal:
    """This process's writer; opens its first segment at the first record, so it may be made before a fork."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self._gate = threading.Lock()
        self._waiting = _Batch()
        self._is_led = False
        self._segment: _Segment | None = None

    def append(self, record: bytes) -> None:
        """Write `record` and return when it is durable; raises `JournalFull` when it is not."""
        frame = make_frame(record)
        turn = None
        with self._gate:
            batch = self._waiting
            batch.frames.append(frame)
            if self._is_led:
                turn = threading.Lock()
                turn.acquire()
                batch.turns.append(turn)
            self._is_led = True
        if turn is not None:
            turn.acquire()  # until the batch is written, or this thread is to lead it
        if not batch.is_over:
            self._lead(batch)
        if batch.error is not None:
            raise JournalFull(f"{self.folder} cannot take a hit: {batch.error}") from batch.error

    def close(self) -> None:
        """Give up the live segment; a record appended later opens a new one."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _lead(self, batch: _Batch) -> None:
        with self._gate:
            self._waiting = _Batch()
        try:
            self._write(b"".join(batch.frames))
        except BaseException as error:  # whatever it was, those who wait must hear that their hit is not safe
            batch.error = error
            if not isinstance(error, OSError):
                raise
        finally:
            batch.is_over = True
            with self._gate:
                heir = self._waiting.turns.pop(0) if self._waiting.turns else None
                self._is_led = heir is not None
            for turn in (heir, *batch.turns):
                if turn is not None:
                    turn.release()

    def _write(self, data: bytes) -> None:
        segment = self._segment
        if segment is not None and (segment.size >= self.segment_bytes or segment.pid != os.getpid()):
            self.close()
            segment = None
        if segment is None:
            segment = self._segment = _Segment(self.folder)
        try:
            segment.write(data)
        except OSError:
            self._segment = None
            segment.abandon()
            raise


class _Segment:
    """One live file of the journal, locked by this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pid = os.getpid()
        self.size = 0
        self.path = folder / f"{time.time_ns():020d}-{self.pid}-{secrets.token_hex(8)}{SUFFIX}"
        unlocked = self.path.with_suffix(UNBORN_SUFFIX)
        self._handle = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(unlocked, self.path)
            sync_folder(folder)
        except OSError:
            unlocked.unlink(missing_ok=True)
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """Append `data` and return when it is on disk."""
        if (written := os.write(self._handle, data)) != len(data):
            raise OSError(f"{written} of {len(data)} bytes could be written")
        os.fdatasync(self._handle)
        self.size += len(data)

    def abandon(self) -> None:
        """Cut off what a failed write left, and let the segment go; an empty one is removed."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, self.size)
        if not self.size:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.close()

    def close(self) -> None:
        """Let the segment go: from now on it never changes."""
        os.close(self._handle)


def sync_folder(folder: Path) -> None:
    """Make names durable that were made or changed in `folder`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
