"""What the viewer gives a reader: a grant that each report of reading carries, and a pass for what asks for a secret.

Both are signed and say all there is to say, so a report needs no database to be believed, and a pass no session. The
pass is a cookie of this one share, for half a day; it proves what the reader entered and recognises nobody elsewhere.
"""

import hashlib
import secrets
import struct
from dataclasses import dataclass

from server.clock import now
from server.documents.models import Share
from server.keys import Keyring, hash_token
from server.tracking.tokens import from_text, to_text

GRANT = struct.Struct(">32sQQ8s")
PASS = struct.Struct(">32s16sQ")
GRANT_MS = 24 * 3_600_000
PASS_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """One page load of the viewer: of which share and version, since when (epoch milliseconds), and who it said it was.

    `load` is a random name of 16 hex digits.
    """

    token_hash: str
    version_id: int
    issued_ms: int
    load: str
    email: str


def make_grant(keys: Keyring, share: Share, version_id: int, email: str = "") -> str:
    """Return the grant of a new page load."""
    head = GRANT.pack(bytes.fromhex(share.token_hash), version_id, _now_ms(), secrets.token_bytes(8))
    return to_text(keys.sign("reading", head + email.encode()))


def read_grant(keys: Keyring, token: str, text: str) -> Grant | None:
    """Return what a grant says; None where it is altered, of another share than that of `token`, or a day old."""
    payload = keys.verify("reading", from_text(text) or b"")
    if payload is None or len(payload) < GRANT.size:
        return None
    digest, version_id, issued_ms, load = GRANT.unpack_from(payload)
    if digest.hex() != hash_token(token) or _now_ms() - issued_ms > GRANT_MS:
        return None
    return Grant(digest.hex(), version_id, issued_ms, load.hex(), payload[GRANT.size :].decode())


def make_pass(keys: Keyring, share: Share, email: str) -> str:
    """Return the pass of a reader who has given what `share` asks for."""
    until_ms = _now_ms() + PASS_SECONDS * 1000
    head = PASS.pack(bytes.fromhex(share.token_hash), _secret_of(share), until_ms)
    return to_text(keys.sign("share-pass", head + email.encode()))


def read_pass(keys: Keyring, share: Share, text: str) -> str | None:
    """Return the email in a pass, "" where none was asked for; None where it does not open `share` (any more)."""
    payload = keys.verify("share-pass", from_text(text) or b"")
    if payload is None or len(payload) < PASS.size:
        return None
    digest, secret, until_ms = PASS.unpack_from(payload)
    if digest.hex() != share.token_hash or secret != _secret_of(share) or until_ms < _now_ms():
        return None
    email = payload[PASS.size :].decode()
    return None if share.asks_for_email and not email else email


def _secret_of(share: Share) -> bytes:
    """A changed password ends the passes that the old one gave."""
    return hashlib.sha256((share.password_hash or "").encode()).digest()[:16]


def _now_ms() -> int:
    return int(now().timestamp() * 1000)
