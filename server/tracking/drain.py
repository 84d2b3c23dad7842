"""From the edge's journal to the event log: each hit that is on disk becomes one event, however often this is killed.

One transaction records a batch of hits and moves the cursor of their segment. A segment is deleted once its writer is
gone and its cursor, committed, stands at its end; the cursor stays for long after, so that a segment that comes back,
from a backup or shipped again, says nothing new. What cannot be read is kept aside in `bad/`, and the drain goes on.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, update
from sqlalchemy.exc import DataError
from sqlmodel import Session, col, select

from server.clock import from_epoch_ms, now
from server.consent.sayings import make_sayings
from server.documents.readings import make_readings
from server.events.models import EventKind, JournalCursor
from server.events.numbering import hold_clock
from server.events.record import Fact, record
from server.keys import Keyring
from server.messages.models import Copy
from server.tracking.devices import read_device
from server.tracking.frames import Frame, read_frames
from server.tracking.hits import Hit, read_record
from server.tracking.journal import OPEN_SUFFIX, SUFFIX, UNBORN_SUFFIX
from server.tracking.repeats import sum_repeats
from server.tracking.site.visits import make_visits
from server.tracking.tokens import HONEYPOT_POSITION

log = structlog.get_logger()

BATCH_HITS = 1000
UNBORN_SECONDS = 3600
CURSOR_DAYS = 90  # after which a segment that was drained and comes back would be drained again
KIND_OF_HIT = {"pixel": EventKind.VIEWED, "click": EventKind.CLICKED}
Seen = Sequence[tuple[Hit, dict[str, Any]]]  # hits, each with its evidence
# What turns the hits of a kind into facts; it may write rows of its own, in the transaction that moves the cursor.
MAKERS: dict[str, Callable[[Session, Keyring, Seen], list[Fact]]] = {
    "saying": make_sayings,  # first: what somebody objects to is not recorded a moment later
    "visit": make_visits,
    "reading": make_readings,
}
UNRECORDABLE = (DataError, ValueError, TypeError, LookupError)


@contextlib.contextmanager
def hold_journal(folder: Path) -> Iterator[bool]:
    """Yield whether this process alone may drain `folder` until the end of the block (or its own, however it comes)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "drain.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            _delete_unborn(folder)
            yield True


def _delete_unborn(folder: Path) -> None:
    """Delete what writers left that were killed while they opened a segment."""
    for path in folder.glob(f"*{UNBORN_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNBORN_SECONDS:
                path.unlink()


def drain_batch(session: Session, folder: Path, keys: Keyring, limit: int = BATCH_HITS) -> bool:
    """Record up to `limit` hits and move the cursors; return whether there was anything, to be committed, to do.

    Call it in `hold_journal`, commit, and call it again until it returns False. Where a hit cannot be recorded the
    batch is rolled back and halved, until that one stands alone and is kept aside.
    """
    try:
        return _drain(session, folder, keys, limit)
    except UNRECORDABLE as error:
        session.rollback()
        log.warning("a hit cannot be recorded", hits=limit, error=type(error).__name__)
        if limit > 1:
            return drain_batch(session, folder, keys, limit // 2)
        return _drain(session, folder, keys, 1, refused_for=type(error).__name__)


def _drain(session: Session, folder: Path, keys: Keyring, limit: int, refused_for: str = "") -> bool:
    paths = list_segments(folder)
    hold_clock(session)  # another machine may drain a segment of the same name
    cursors = _load_cursors(session, (path.name for path in paths))
    frames: list[tuple[str, Frame]] = []
    has_changed = False
    for path in paths:
        drained = cursors.get(path.name, 0)
        try:
            new, end, is_over = _read_segment(path, drained, limit - len(frames))
        except FileNotFoundError:  # its writer removed it, empty
            continue
        if is_over and end <= drained:
            _delete_segment(session, path)
            has_changed = True
        elif end > drained:
            frames += [(f"{path.name}-{drained + frame.start:09d}", frame) for frame in new]
            session.merge(JournalCursor(segment=path.name, drained_bytes=end))
            has_changed = True
        if len(frames) >= limit:
            break
    _record(session, folder, keys, frames, refused_for)
    return has_changed


def _load_cursors(session: Session, names: Iterable[str]) -> dict[str, int]:
    query = select(JournalCursor.segment, JournalCursor.drained_bytes)
    return dict(session.exec(query.where(col(JournalCursor.segment).in_(list(names)))).all())


def list_segments(folder: Path) -> list[Path]:
    """Return the journal's segments, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _read_segment(path: Path, drained: int, limit: int) -> tuple[list[Frame], int, bool]:
    """Return new frames with offsets in the file, the offset behind them, and whether nothing will ever follow."""
    with path.open("rb") as file:
        # Asked before reading: what follows the answer would be missed.
        is_over = _is_abandoned(file.fileno()) and not path.with_suffix(OPEN_SUFFIX).exists()
        file.seek(drained)
        data = file.read()
    frames = list(islice(read_frames(data), limit))
    end = frames[-1].end if frames else 0
    if is_over and len(frames) < limit:
        end = len(data)  # a torn tail was never acknowledged
    return frames, drained + end, is_over


def _is_abandoned(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _delete_segment(session: Session, path: Path) -> None:
    path.unlink(missing_ok=True)
    session.execute(update(JournalCursor).where(col(JournalCursor.segment) == path.name).values(ended_at=now()))


def forget_old_cursors(session: Session) -> None:
    """Delete the cursors of segments that ended long ago."""
    session.execute(delete(JournalCursor).where(col(JournalCursor.ended_at) < now() - timedelta(days=CURSOR_DAYS)))


def _record(
    session: Session, folder: Path, keys: Keyring, frames: Sequence[tuple[str, Frame]], refused_for: str
) -> None:
    hits: list[Hit] = []
    for name, frame in frames:
        try:
            if reason := frame.reason or refused_for:
                raise ValueError(reason)
            hits.append(read_record(frame.payload))
        except ValueError as error:
            _keep_aside(folder / "bad", name, frame, str(error))
    mail = [hit for hit in hits if hit.kind in KIND_OF_HIT]
    copy_ids = _find_copies(session, {hit.tracking_id for hit in mail})
    seen = [_make_fact(hit, copy_ids[hit.tracking_id], keys) for hit in mail if hit.tracking_id in copy_ids]
    facts = sum_repeats(session, seen)
    for kind, make_facts in MAKERS.items():
        if ours := [(hit, _make_evidence(hit, keys)) for hit in hits if hit.kind == kind]:
            facts += make_facts(session, keys, ours)
    record(session, facts)


def _find_copies(session: Session, tracking_ids: set[str]) -> dict[str, int]:
    query = select(Copy.tracking_id, Copy.id).where(col(Copy.tracking_id).in_(tracking_ids))
    return {tracking_id: copy_id for tracking_id, copy_id in session.exec(query) if copy_id is not None}


def _make_evidence(hit: Hit, keys: Keyring) -> dict[str, Any]:
    evidence = {"agent": hit.agent, "ip": hit.ip, "method": hit.method, "headers": hit.headers}
    if device := read_device(keys, hit.device):
        evidence["device"] = device
    return evidence


def _make_fact(hit: Hit, copy_id: int, keys: Keyring) -> Fact:
    evidence = _make_evidence(hit, keys)
    if hit.kind == "click" and hit.position == HONEYPOT_POSITION:
        evidence["honeypot"] = True
    return Fact(
        kind=KIND_OF_HIT[hit.kind],
        at=from_epoch_ms(hit.at_ms),
        hit_id=hit.id,
        copy_id=copy_id,
        link_target=hit.target,
        details={} if hit.position is None else {"position": hit.position},
        evidence=evidence,
    )


def _keep_aside(folder: Path, name: str, frame: Frame, reason: str) -> None:
    folder.mkdir(exist_ok=True, mode=0o700)
    (folder / f"{name}.bin").write_bytes(frame.payload)
    (folder / f"{name}.reason").write_text(f"{reason}\n", encoding="utf-8")
    log.error("a record of the journal is kept aside", file=str(folder / name), reason=reason)


class Lookout:
    """A cheap look, many times a second, whether the journal holds something that is not in the event log yet."""

    def __init__(self) -> None:
        self._settled: dict[str, int] = {}
        self._has_looked = False

    def has_news(self, session: Session, folder: Path) -> bool:
        """Return whether a drain is wanted; asks the database only while the folder is not as when it was drained."""
        try:
            with os.scandir(folder) as entries:
                sizes = {entry.name: entry.stat().st_size for entry in entries if entry.name.endswith(SUFFIX)}
        except FileNotFoundError:  # no hit yet, or a segment was deleted meanwhile
            return False
        if sizes == self._settled:
            return False
        cursors = _load_cursors(session, sizes)
        is_behind = any(size > cursors.get(name, 0) for name, size in sizes.items())
        if not is_behind:
            self._settled = sizes
        if self._has_looked:
            return is_behind
        self._has_looked = True
        return True  # once at the start, for the segments that an ended process left
