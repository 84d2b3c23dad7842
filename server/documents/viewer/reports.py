"""One report of reading as the viewer's script sends it: anybody can send one, so it is checked like a stranger's."""

import json
from collections.abc import Mapping
from typing import Any

from server.documents.viewer.grants import Grant

MAX_BODY_BYTES = 48 * 1024
MAX_PAGES = 5000
MAX_NUMBER = 10**9  # milliseconds of eleven days, reports of a sitting, parts of a load
DOWNLOAD = "download"
TIME = "time"


class BadReport(ValueError):
    """The request is no report of reading."""


def read_report(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return a report's grant, and what it says: `part`, `sequence`, `page`, `open` and `ms` by page.

    Raises `BadReport` for anything else.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadReport("too long")
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadReport("no JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("grant"), str) or not isinstance(given.get("ms"), dict):
        raise BadReport("no report")
    ms = {page: _read_number(value) for page, value in given["ms"].items()}
    if len(ms) > MAX_PAGES or not all(page.isascii() and page.isdecimal() and len(page) < 6 for page in ms):
        raise BadReport("no pages")
    numbers = {name: _read_number(given.get(name)) for name in ("part", "sequence", "page")}
    return given["grant"], {**numbers, "open": given.get("open") is True, "ms": ms}


def make_data(grant: Grant, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the journal keeps of a report under `grant`."""
    return {
        "what": TIME, "version": grant.version_id, "issued_ms": grant.issued_ms, "load": grant.load,
        "email": grant.email, **said,
    }  # fmt: skip


def make_download(grant: Grant) -> dict[str, Any]:
    """Return what the journal keeps of a download under `grant`."""
    return make_data(grant, {"part": 0, "sequence": 0, "page": 0, "open": False, "ms": {}}) | {"what": DOWNLOAD}


def _read_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        raise BadReport("no number")
    return value
