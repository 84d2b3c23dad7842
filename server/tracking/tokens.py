"""Pixel and link addresses: what stands in them, and who can make them (only this installation).

A token is base64url without padding of version byte + payload + 16-byte tag. The tag also covers the sender key of the
path, so that a token cannot move under another sender. A pixel's payload is the copy's tracking id; a link's is the
tracking id, its place in the mail and its target, so that a click needs no database.
"""

import base64
import binascii
import re
import struct
import zlib
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from server.config import Settings
from server.keys import Keyring

ID_BYTES = 16
MAX_TARGET_BYTES = 12_000  # a longer one makes an address that servers and mail programs refuse
MAX_POSITION = 2**16 - 1
HONEYPOT_POSITION = 0  # of the hidden link; those of the mail count from 1
MAX_TOKEN_CHARACTERS = 16_200  # base64 of the longest target with what stands around it
MAX_SENDER_KEY_CHARACTERS = 64
SENDER_LENGTH = struct.Struct(">H")
LINK_HEAD = struct.Struct(f">{ID_BYTES}sHB")
PLAIN, ZLIB = 0, 1
SAYING_PURPOSES = {"u": "unsubscribe", "y": "recipient-page"}
UNSENDABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # control characters, and what UTF-8 cannot say


@dataclass(frozen=True, slots=True)
class LinkToken:
    """What a link's token says: the copy, the link's place in the mail, and where it leads."""

    tracking_id: str
    position: int
    target: str


def pixel_url(settings: Settings, keys: Keyring, sender_key: str, tracking_id: str) -> str:
    """Return the address of the pixel of the copy `tracking_id` (32 hex digits)."""
    token = _sign(keys, "pixel", sender_key, bytes.fromhex(tracking_id))
    return f"{settings.edge_base_url}/o/{sender_key}/{token}.gif"


def link_url(settings: Settings, keys: Keyring, sender_key: str, tracking_id: str, position: int, target: str) -> str:
    """Return the tracked address of `target`, or `target` itself where it cannot be wrapped (see `is_wrappable`)."""
    if not (is_wrappable(target) and 0 <= position <= MAX_POSITION):
        return target
    plain = target.encode()
    packed = zlib.compress(plain, 9)
    form, body = (ZLIB, packed) if len(packed) < len(plain) else (PLAIN, plain)
    payload = LINK_HEAD.pack(bytes.fromhex(tracking_id), position, form) + body
    return f"{settings.edge_base_url}/c/{sender_key}/{_sign(keys, 'link', sender_key, payload)}"


def is_wrappable(target: str) -> bool:
    """Return whether `target` is an http(s) address short enough for a redirect and free of control characters."""
    if not target[:8].lower().startswith(("http://", "https://")) or UNSENDABLE.search(target):
        return False
    return len(target.encode()) <= MAX_TARGET_BYTES


def read_pixel(keys: Keyring, sender_key: str, token: str) -> str | None:
    """Return the tracking id in a pixel's token, or None where anything about it was altered."""
    payload = _verify(keys, "pixel", sender_key, token)
    return payload.hex() if payload is not None and len(payload) == ID_BYTES else None


def read_link(keys: Keyring, sender_key: str, token: str) -> LinkToken | None:
    """Return what a link's token says, or None where anything about it was altered."""
    payload = _verify(keys, "link", sender_key, token)
    if payload is None or len(payload) < LINK_HEAD.size:
        return None
    tracking_id, position, form = LINK_HEAD.unpack_from(payload)
    body = payload[LINK_HEAD.size :]
    target = zlib.decompress(body) if form == ZLIB else body
    return LinkToken(tracking_id.hex(), position, target.decode())


def say_url(settings: Settings, keys: Keyring, page: str, tracking_id: str) -> str:
    """Return the address of a page for whoever got the copy: `u` to unsubscribe, `y` what the sender sees of them."""
    token = to_text(keys.sign(SAYING_PURPOSES[page], bytes.fromhex(tracking_id)))
    return f"{settings.edge_base_url}/{page}/{token}"


def read_say(keys: Keyring, page: str, token: str) -> str | None:
    """Return the tracking id in the token of such an address, or None where anything about it was altered."""
    payload = keys.verify(SAYING_PURPOSES[page], from_text(token) or b"")
    return payload.hex() if payload is not None and len(payload) == ID_BYTES else None


def site_key(keys: Keyring, site_id: str) -> str:
    """Return the key in the addresses of a website's snippet; `site_id` is 32 hex digits."""
    return to_text(keys.sign("site", bytes.fromhex(site_id)))


def read_site_key(keys: Keyring, key: str) -> str | None:
    """Return the site's id in a site key, or None where anything about it was altered."""
    payload = keys.verify("site", from_text(key) or b"")
    return payload.hex() if payload is not None and len(payload) == ID_BYTES else None


def is_own_url(settings: Settings, url: str) -> bool:
    """Return whether `url` is a pixel, link or page of ours, also as Gmail's image proxy shows it (`…#our address`)."""
    return _find_own_path(settings, url) is not None


def find_target(settings: Settings, keys: Keyring, url: str) -> str | None:
    """Return where one of our wrapped links leads; None for every other address."""
    kind, _, rest = (_find_own_path(settings, url) or "").partition("/")
    sender_key, _, token = rest.partition("/")
    link = read_link(keys, sender_key, token) if kind == "c" else None
    return link.target if link else None


def find_tracking_id(settings: Settings, keys: Keyring, url: str) -> str | None:
    """Return the tracking id in one of our pixels, links or pages; None for every other address."""
    kind, _, rest = (_find_own_path(settings, url) or "").partition("/")
    sender_key, _, token = rest.partition("/")
    if kind == "o":
        return read_pixel(keys, sender_key, token.removesuffix(".gif"))
    if kind in SAYING_PURPOSES:
        return read_say(keys, kind, rest)
    link = read_link(keys, sender_key, token) if kind == "c" else None
    return link.tracking_id if link else None


def _find_own_path(settings: Settings, url: str) -> str | None:
    edge, given = urlsplit(settings.edge_base_url), _split(url)
    if given is not None and (given.hostname or "").endswith(".googleusercontent.com"):
        given = _split(given.fragment)
    if given is None or (given.scheme, given.netloc.lower()) != (edge.scheme, edge.netloc.lower()):
        return None
    path = given.path.removeprefix(f"{edge.path}/")
    return path if path != given.path and path.startswith(("o/", "c/", "u/", "y/")) else None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        parts.hostname  # noqa: B018 - parsed here, and refused here
    except ValueError:
        return None
    return parts


def _sign(keys: Keyring, purpose: str, sender_key: str, payload: bytes) -> str:
    bound = _bind(sender_key, payload)
    signed = keys.sign(purpose, bound)
    return to_text(signed[:1] + signed[1 + len(bound) - len(payload) :])


def _verify(keys: Keyring, purpose: str, sender_key: str, token: str) -> bytes | None:
    raw = from_text(token)
    if not raw or len(sender_key) > MAX_SENDER_KEY_CHARACTERS:
        return None
    bound = keys.verify(purpose, raw[:1] + _bind(sender_key, raw[1:]))
    return None if bound is None else bound[len(_bind(sender_key, b"")) :]


def _bind(sender_key: str, payload: bytes) -> bytes:
    sender = sender_key.encode("utf-8", "surrogatepass")
    return SENDER_LENGTH.pack(len(sender)) + sender + payload


def to_text(raw: bytes) -> str:
    """Return `raw` as base64url without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_text(text: str) -> bytes | None:
    """Return what `to_text` encoded; None for any other text, also one that merely decodes to the same bytes."""
    if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if to_text(raw) == text else None
