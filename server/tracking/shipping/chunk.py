"""A stretch of a journal segment on its way between two machines, and the signature that says what it is.

The signed text names segment, offset, whether nothing will follow, the moment, and the SHA-256 of the bytes. It is
signed with a key derived from the root keys, which both machines hold: no further secret is needed.
"""

import binascii
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from server.keys import Keyring

PATH = "/journal"
SIGNATURE_HEADER = "X-Warmline-Chunk"
FORM = "1"
PURPOSE = "journal-shipping"
CHUNK_BYTES = 2**20
LONGEST_FRAME_BYTES = 17 * 2**20  # damage is shipped as it stands, and a whole segment may be damaged
CLOCKS_SECONDS = 300  # how far the clocks of two machines may differ
SEGMENT = re.compile(r"\d{20}-\d+-[0-9a-f]{16}\.journal")  # as server/tracking/journal.py names them


class BadChunk(Exception):
    """What came is not a chunk of ours; `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Chunk:
    """`data` stands in `segment` from byte `offset` on; `is_last` where the segment ends behind it."""

    segment: str
    offset: int
    is_last: bool
    data: bytes


def sign_chunk(keys: Keyring, chunk: Chunk) -> str:
    """Return the header's value for `chunk`, sent now."""
    digest = hashlib.sha256(chunk.data).hexdigest()
    words = (FORM, chunk.segment, chunk.offset, int(chunk.is_last), int(time.time()), digest)
    return keys.sign(PURPOSE, " ".join(map(str, words)).encode()).hex()


def read_chunk(keys: Keyring, header: str, read: Callable[[], bytes]) -> Chunk:
    """Return the chunk that `header` signs; raises `BadChunk` for anything else.

    Its bytes are asked of `read` only once the signature holds: nobody else makes us read much.
    """
    try:
        signed = keys.verify(PURPOSE, binascii.unhexlify(header))
    except (binascii.Error, ValueError):
        signed = None
    if signed is None:
        raise BadChunk("This is not signed with a key of this installation.")
    form, *words = signed.decode().split(" ")
    if form != FORM:
        raise BadChunk(f"This server takes form {FORM} of the journal, not {form}. Upgrade it before its edges.", 426)
    segment, offset, is_last, sent_at, digest = words
    if abs(time.time() - int(sent_at)) > CLOCKS_SECONDS:
        raise BadChunk(f"The clocks differ by more than {CLOCKS_SECONDS} s, or this was sent before.")
    data = read()
    if hashlib.sha256(data).hexdigest() != digest:
        raise BadChunk("Not all of it came, or not as it was sent.", 400)
    if not SEGMENT.fullmatch(segment):
        raise BadChunk("This names no segment of a journal.", 400)
    return Chunk(segment, int(offset), is_last == "1", data)
