"""The sending end, beside an edge without workers: each segment goes chunk by chunk to the machine that drains it.

A segment is deleted here once it is complete there. `shipped.json` says how far each is acknowledged; it may be older
than what is true there, or lost: then bytes are sent that are there already, which changes nothing.
"""

import fcntl
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import requests
import structlog

from server.config import Settings
from server.errors import ForeignFailure, Refused
from server.keys import Keyring
from server.tracking.drain import hold_journal, list_segments
from server.tracking.frames import read_frames
from server.tracking.journal import sync_folder
from server.tracking.shipping.chunk import CHUNK_BYTES, PATH, SEGMENT, SIGNATURE_HEADER, Chunk, sign_chunk

log = structlog.get_logger()

LOOK_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 30
TIMEOUT_SECONDS = (5, 30)  # to connect, to answer
CONFLICT = 409
HELD = '"held"'  # stands in the receiver's answers only, not in those of a proxy before it
Post = Callable[[Chunk], bool]  # whether the receiver has it; not where bytes before it are missing there


def run_shipping(settings: Settings) -> NoReturn:
    """Ship the journal for ever; while the receiver is away or refuses, keep everything and wait longer and longer."""
    keys = Keyring.load(settings)
    failures = 0
    with hold_journal(settings.journal_dir) as is_ours, requests.Session() as http:
        if not is_ours:
            raise Refused(f"Another process ships or drains {settings.journal_dir}.")
        shipper = Shipper(settings.journal_dir, make_post(settings.ship_to, keys, http))
        while True:
            try:
                is_behind = shipper.ship_next()
            except ForeignFailure as error:
                failures += 1
                log.warning("the journal waits here", error=error.message, failures=failures)
                time.sleep(min(2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS))
                continue
            if failures:
                log.info("the journal is shipped again", after_failures=failures)
            failures = 0
            time.sleep(0 if is_behind else LOOK_SECONDS)


def make_post(address: str, keys: Keyring, http: requests.Session) -> Post:
    """Return what sends a chunk to `address`; it raises `ForeignFailure` unless the receiver answers as one."""

    def post(chunk: Chunk) -> bool:
        headers = {SIGNATURE_HEADER: sign_chunk(keys, chunk), "Content-Type": "application/octet-stream"}
        try:
            answer = http.post(
                f"{address}{PATH}", data=chunk.data, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise ForeignFailure(f"{address} is away: {type(error).__name__}", permanent=False) from error
        if answer.status_code not in (200, CONFLICT) or HELD not in answer.text:
            raise ForeignFailure(f"{address} answered {answer.status_code}: {answer.text[:200]!r}", permanent=False)
        return answer.status_code == 200

    return post


class Shipper:
    """Ships one journal; nobody else ships or drains it meanwhile."""

    def __init__(self, folder: Path, post: Post) -> None:
        self.folder = folder
        self.post = post
        self._ledger = folder / "shipped.json"
        self._shipped = self._read_ledger()

    def ship_next(self) -> bool:
        """Ship the next chunk of each segment and return whether more waits already; raises `ForeignFailure`."""
        paths = [path for path in list_segments(self.folder) if SEGMENT.fullmatch(path.name)]
        return any([self._ship_chunk(path) for path in paths])  # a list: every segment gets its turn

    def _ship_chunk(self, path: Path) -> bool:
        offset = self._shipped.get(path.name, 0)
        try:
            chunk, is_all = read_chunk_at(path, offset)
        except FileNotFoundError:  # its writer removed it, empty
            return False
        if not chunk.data and not chunk.is_last:
            return False
        if not self.post(chunk):
            self._shipped[path.name] = 0  # a mirror drained and deleted, or lost: what is drained stays so
            return True
        if chunk.is_last:
            path.unlink(missing_ok=True)
            sync_folder(self.folder)
            self._shipped.pop(path.name, None)
        else:
            self._shipped[path.name] = offset + len(chunk.data)
        self._write_ledger()
        return not is_all

    def _read_ledger(self) -> dict[str, int]:
        try:
            ledger = json.loads(self._ledger.read_text())
            return {str(name): int(offset) for name, offset in ledger.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _write_ledger(self) -> None:
        new = self._ledger.with_suffix(".part")
        try:
            new.write_text(json.dumps(self._shipped))
            new.rename(self._ledger)
        except OSError as error:  # a full disk: what is acknowledged already will be sent again after a restart
            log.warning("how far the journal is shipped cannot be noted", error=str(error))


def read_chunk_at(path: Path, offset: int) -> tuple[Chunk, bool]:
    """Return whole records of the segment `path` from byte `offset` on, and whether these are all there are yet.

    They are about a megabyte at most. It is the last chunk where the segment's writer is gone; what that left half
    written was never acknowledged, and stays out.
    """
    with path.open("rb") as file:
        is_over = _is_abandoned(file.fileno())  # asked before reading: what follows the answer would be missed
        file.seek(offset)
        data = file.read()
    end, is_all = 0, True
    for frame in read_frames(data):
        if end and frame.end > CHUNK_BYTES:
            is_all = False
            break
        end = frame.end
    return Chunk(path.name, offset, is_over and is_all, data[:end]), is_all


def _is_abandoned(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
