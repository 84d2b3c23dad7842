"""How a record stands in a journal segment: magic, length, checksum, payload; and how to read what was damaged.

The magic has bytes that JSON in ASCII never has, so after damage the next record is found by looking for it.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"\xa7W\xf1\x01"
HEAD = struct.Struct(">4sII")
MAX_RECORD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One stretch of a segment: a record's `payload`, or damage with its `reason`; `end` is the offset behind it."""

    start: int
    end: int
    payload: bytes
    reason: str = ""


def make_frame(payload: bytes) -> bytes:
    """Return `payload` as it stands in a segment; raises ValueError for one over 64 KiB."""
    if len(payload) > MAX_RECORD_BYTES:
        raise ValueError(f"a record of {len(payload)} bytes is longer than the journal's {MAX_RECORD_BYTES}")
    return HEAD.pack(MAGIC, len(payload), _checksum(payload)) + payload


def read_frames(data: bytes) -> Iterator[Frame]:
    """Yield the records in `data` and the damage between them, in order; what is unfinished at the end is left out.

    An unfinished record is a write still under way, or one that a killed writer never acknowledged. It is called damage
    only where an intact record stands behind it.
    """
    at = 0
    while at < len(data):
        frame = _read_frame(data, at)
        if frame is None:
            frame = _read_damage(data, at)
            if frame is None:
                return
        yield frame
        at = frame.end


def _read_frame(data: bytes, at: int) -> Frame | None:
    if len(data) - at < HEAD.size:
        return None
    magic, length, checksum = HEAD.unpack_from(data, at)
    start, end = at + HEAD.size, at + HEAD.size + length
    if magic != MAGIC or length > MAX_RECORD_BYTES or end > len(data):
        return None
    payload = data[start:end]
    return Frame(at, end, payload) if _checksum(payload) == checksum else None


def _read_damage(data: bytes, at: int) -> Frame | None:
    following = data.find(MAGIC, at + 1)
    while following != -1 and _read_frame(data, following) is None:
        following = data.find(MAGIC, following + 1)
    return None if following == -1 else Frame(at, following, data[at:following], "checksum")


def _checksum(payload: bytes) -> int:
    return zlib.crc32(payload, len(payload))
