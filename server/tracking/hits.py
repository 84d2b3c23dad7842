"""One hit: what the edge writes about a pixel fetched, a link clicked or a page visited, and how it is read again."""

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from server.tracking.devices import COOKIE_NAME
from server.tracking.simulation import MOMENT_KEY

MAX_AGENT_CHARACTERS = 512
MAX_HEADER_CHARACTERS = 256
MAX_ADDRESS_CHARACTERS = 64
MAX_COOKIE_CHARACTERS = 256
ID_BYTES = 16
IDS_AT_ONCE = 256
LAST_MS = 253_402_300_799_000  # the end of the year 9999
HEADERS = {
    "HTTP_" + name.upper().replace("-", "_"): name
    for name in (
        "accept", "accept-language", "purpose", "sec-purpose", "x-purpose", "x-moz", "sec-fetch-dest", "sec-fetch-mode",
        "sec-fetch-site", "sec-fetch-user", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "via",
    )
}  # fmt: skip
_ids: deque[str] = deque()
os.register_at_fork(after_in_child=_ids.clear)  # no two processes give the same
_encode = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` with separators makes an encoder each time

Environ = Mapping[str, Any]
Kind = Literal["pixel", "click", "visit", "reading", "saying"]
KINDS = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Hit:
    """One request; `at_ms` is milliseconds since the epoch, `device` the raw cookie value.

    `tracking_id` names the copy, for a visit the website, for a reading the share, for a saying the copy that carried
    its link. `data` is what came with it: of a visit the visitor and the page's title, of a reading the time per page,
    of a saying what the recipient wants.
    """

    id: str
    kind: Kind
    tracking_id: str
    at_ms: int
    method: str
    agent: str
    ip: str
    headers: dict[str, str]
    device: str
    position: int | None
    target: str | None
    data: dict[str, Any] | None = None


def make_record(
    kind: Kind,
    tracking_id: str,
    environ: Environ,
    proxies: int,
    position: int | None = None,
    target: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the journal's record of the WSGI request `environ`, under a new id of 128 random bits."""
    hit = {
        "id": _make_id(),
        "kind": kind,
        "tracking_id": tracking_id,
        "at_ms": environ.get(MOMENT_KEY) or time.time_ns() // 1_000_000,
        "method": environ["REQUEST_METHOD"],
        "agent": environ.get("HTTP_USER_AGENT", "")[:MAX_AGENT_CHARACTERS],
        "ip": find_address(environ, proxies),
        "headers": {name: environ[key][:MAX_HEADER_CHARACTERS] for key, name in HEADERS.items() if key in environ},
        "device": _find_cookie(environ.get("HTTP_COOKIE", "")),
        "position": position,
        "target": target,
    }
    if data is not None:
        hit["data"] = data
    if referrer := environ.get("HTTP_REFERER"):
        hit["headers"]["referer-host"] = _host(referrer)
    return _encode(hit).encode()


def _make_id() -> str:
    """Return 32 hex digits of the system's randomness, taken in for many ids at once.

    `os.urandom` lets go of the interpreter lock, and with 32 threads waiting it costs as much as all of the rest.
    """
    while True:
        with contextlib.suppress(IndexError):
            return _ids.popleft()
        fresh = os.urandom(ID_BYTES * IDS_AT_ONCE).hex()
        _ids.extend(fresh[start : start + 2 * ID_BYTES] for start in range(0, len(fresh), 2 * ID_BYTES))


def read_record(payload: bytes) -> Hit:
    """Return the hit in `payload`; raises ValueError for anything that `make_record` does not write."""
    try:
        hit = Hit(**json.loads(payload))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"not a hit: {error}") from error
    texts = (hit.id, hit.tracking_id, hit.method, hit.agent, hit.ip, hit.device, hit.target or "")
    if hit.kind not in KINDS:
        raise ValueError(f"not a hit: its kind is {hit.kind!r}")
    if not hit.id or not all(isinstance(text, str) for text in texts) or not isinstance(hit.headers, dict):
        raise ValueError("not a hit: a field has the wrong type")
    if not isinstance(hit.at_ms, int) or not 0 <= hit.at_ms <= LAST_MS:
        raise ValueError(f"not a hit: its time is {hit.at_ms!r}")
    if hit.kind == "visit" and not _is_visit(hit.data):
        raise ValueError("not a hit: nobody visits")
    if hit.kind in ("reading", "saying") and not isinstance(hit.data, dict):
        raise ValueError(f"not a hit: a {hit.kind} says nothing")
    return hit


def _is_visit(visit: object) -> bool:
    return isinstance(visit, dict) and all(isinstance(visit.get(name), str) for name in ("email", "signature", "title"))


def find_address(environ: Environ, proxies: int) -> str:
    """Return the client's address: the entry that the outermost of our own `proxies` wrote, else the peer's.

    Each trusted proxy appends the address it saw to `X-Forwarded-For`; what stands further left is anybody's claim.
    """
    peer: str = environ.get("REMOTE_ADDR", "")
    if proxies:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= proxies:
            peer = forwarded[-proxies].strip() or peer
    return peer[:MAX_ADDRESS_CHARACTERS]


def _find_cookie(header: str) -> str:
    for part in header.split(";"):
        name, _equals, value = part.strip().partition("=")
        if name == COOKIE_NAME:
            return value[:MAX_COOKIE_CHARACTERS]
    return ""


def _host(referrer: str) -> str:
    try:
        return (urlsplit(referrer).hostname or "")[:MAX_HEADER_CHARACTERS]
    except ValueError:
        return ""
