"""Key material: one versioned root key outside the database, a purpose-separated key for each use.

The root keys live in `WARMLINE_HOME/keys.json` (mode 0600, made at first start) or in `WARMLINE_KEYS`
(`1:<base64>,2:<base64>`; the highest version signs and seals, the others still verify and open). Each purpose gets
its own key by HKDF-SHA256 (RFC 5869), so that a token made for one use can never pass for another.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from server.config import Settings
from server.errors import Refused

NONCE_BYTES = 12
KEY_BYTES = 32
MALFORMED = "WARMLINE_KEYS (or keys.json) needs versions 1 to 255, each with base64 of at least 32 bytes: 1:…,2:…"


class Keyring:
    """The root keys by version, and what is done with keys derived from them."""

    def __init__(self, roots: dict[int, bytes]) -> None:
        if not roots or not all(0 < version < 256 and len(root) >= KEY_BYTES for version, root in roots.items()):
            raise ValueError(MALFORMED)
        self._roots = roots
        self.current = max(roots)
        self.derive = cache(self._derive)
        self._mac = cache(self._make_mac)

    @classmethod
    def load(cls, settings: Settings) -> "Keyring":
        """Return the keys of the settings, else those of the home folder, made there on the first start."""
        if settings.warmline_keys:
            try:
                pairs = (part.split(":", 1) for part in settings.warmline_keys.split(","))
                return cls({int(version): base64.b64decode(text, validate=True) for version, text in pairs})
            except ValueError:
                raise ValueError(MALFORMED) from None  # the cause would print the keys
        path = settings.warmline_home / "keys.json"
        if not path.exists():
            if settings.ship_to:
                raise Refused(
                    f"{path} is missing: an edge alone needs the keys of {settings.ship_to}. Set WARMLINE_KEYS."
                )
            _make_key_file(path)
        return cls({int(version): base64.b64decode(text) for version, text in json.loads(path.read_text()).items()})

    def _derive(self, purpose: str, version: int) -> bytes:
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"warmline/{purpose}".encode()).derive(
            self._roots[version]
        )

    def _make_mac(self, purpose: str, version: int) -> hmac.HMAC:
        return hmac.new(self.derive(purpose, version), digestmod="sha256")

    def _tag(self, purpose: str, version: int, body: bytes) -> bytes:
        # A copy of a keyed MAC, and not `hmac.digest`, which lets go of the interpreter lock: at the edge, where 32
        # threads wait for it, getting it back costs more than everything else (bench/hits.py).
        mac = self._mac(purpose, version).copy()
        mac.update(body)
        return mac.digest()[:16]

    def knows(self, version: int) -> bool:
        """Return whether a key of this version is still held."""
        return version in self._roots

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Return version byte + payload + 16-byte HMAC-SHA256 tag (128 bits, RFC 2104 truncation)."""
        body = bytes([self.current]) + payload
        return body + self._tag(purpose, self.current, body)

    def verify(self, purpose: str, signed: bytes) -> bytes | None:
        """Return the payload of what `sign` made for the same purpose, or None; compared in constant time."""
        if len(signed) < 17 or not self.knows(signed[0]):
            return None
        body, tag = signed[:-16], signed[-16:]
        return body[1:] if hmac.compare_digest(self._tag(purpose, signed[0], body), tag) else None

    def digests(self, purpose: str, text: str) -> list[str]:
        """Return the keyed hashes of `text` (32 hex digits) under every key that is held, today's first."""
        versions = sorted(self._roots, reverse=True)
        return [hmac.digest(self.derive(purpose, version), text.encode(), "sha256")[:16].hex() for version in versions]

    def seal(self, purpose: str, secret: str, bound_to: str) -> bytes:
        """Return `secret` under AES-256-GCM, readable only together with `bound_to` (the row it belongs to)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        box = AESGCM(self.derive(purpose, self.current))
        return bytes([self.current]) + nonce + box.encrypt(nonce, secret.encode(), bound_to.encode())

    def unseal(self, purpose: str, sealed: bytes, bound_to: str) -> str:
        """Return what `seal` closed; raises `cryptography.exceptions.InvalidTag` where anything was changed."""
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        return AESGCM(self.derive(purpose, sealed[0])).decrypt(nonce, ciphertext, bound_to.encode()).decode()


def get_keys() -> Keyring:
    """Return the keys of the current app."""
    keys: Keyring = current_app.extensions["warmline_keys"]
    return keys


def hash_token(token: str) -> str:
    """Return the SHA-256 hex digest under which a random token is stored; enough for 128+ bits of entropy."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token() -> str:
    """Return a new secret of 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
    with os.fdopen(handle, "w") as file:
        json.dump({"1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}, file)
    try:
        os.link(name, path)  # fails where another process was first: then its key is the key
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
