"""One visit as the snippet reports it: read from a request of any origin, so checked like a stranger's."""

import json
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from server.tracking.hits import Environ
from server.tracking.tokens import is_wrappable

MAX_BODY_BYTES = 4096
MAX_URL_CHARACTERS = 2000
MAX_TITLE_CHARACTERS = 300
MAX_EMAIL_CHARACTERS = 254
MAX_SIGNATURE_CHARACTERS = 64
EMAIL = re.compile(r"[^\s<>\",;@\x00-\x1f\x7f\ud800-\udfff]+@[^\s<>\",;@\x00-\x1f\x7f\ud800-\udfff]+")
UNSHOWN = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


class BadVisit(Exception):
    """The request is no visit; the message is the HTTP status line to answer."""


def is_unwanted(environ: Environ) -> bool:
    """Return whether the visitor's browser asks not to be tracked (Do Not Track, Global Privacy Control)."""
    return environ.get("HTTP_DNT") == "1" or environ.get("HTTP_SEC_GPC") == "1"


def read_visit(environ: Environ) -> tuple[str, dict[str, str]]:
    """Return the page's address, without query and fragment, and `email`, `signature` and `title`.

    Raises `BadVisit` for everything else, and for a page that is not of the origin from which the browser asks.
    """
    body = _read_json(environ)
    url, email = body.get("url"), body.get("email")
    signature, title = body.get("signature", ""), body.get("title", "")
    if not (isinstance(url, str) and isinstance(email, str) and isinstance(signature, str) and isinstance(title, str)):
        raise BadVisit("400 Bad Request")
    email = email.strip()
    if len(email) > MAX_EMAIL_CHARACTERS or not EMAIL.fullmatch(email) or len(signature) > MAX_SIGNATURE_CHARACTERS:
        raise BadVisit("400 Bad Request")
    page = _read_page(url, environ.get("HTTP_ORIGIN", "null"))
    title = " ".join(UNSHOWN.sub(" ", title).split())[:MAX_TITLE_CHARACTERS]
    return page, {"email": email, "signature": UNSHOWN.sub("", signature), "title": title}


def _read_json(environ: Environ) -> dict[str, Any]:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise BadVisit("411 Length Required")
    if len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise BadVisit("413 Content Too Large")
    try:
        body = json.loads(environ["wsgi.input"].read(int(length)))
    except (ValueError, RecursionError):
        raise BadVisit("400 Bad Request") from None
    if not isinstance(body, dict):
        raise BadVisit("400 Bad Request")
    return body


def _read_page(url: str, origin: str) -> str:
    if len(url) > MAX_URL_CHARACTERS or not is_wrappable(url):
        raise BadVisit("400 Bad Request")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise BadVisit("400 Bad Request") from None
    if not host or origin not in ("null", f"{parts.scheme}://{parts.netloc}"):  # "null" hides where it comes from
        raise BadVisit("403 Forbidden")
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
