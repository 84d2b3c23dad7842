"""The edge's hot path: pixels, clicks and visits as a bare WSGI callable before the Flask app.

No session, no ORM, no log line. A pixel is always a valid image, the same for known, unknown, altered and deleted
tokens. One exception, so that no view goes uncounted without the mail program knowing: while the journal cannot take a
hit, the image comes with 503 and `Retry-After`. A click goes to its target whatever happens: the target stands in the
signed token, so neither the database, nor Redis, nor the journal is needed for it. A visit is kept before it is
answered, like a pixel; whether it counts is decided where the website is known. What is not ours to answer goes on to
the Flask app.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable
from threading import BoundedSemaphore
from typing import Any

from server.config import Settings
from server.keys import Keyring
from server.tracking.hits import make_record
from server.tracking.journal import Journal, JournalFull
from server.tracking.simulation import ENVIRON_KEY, MOMENT_KEY, read_claim
from server.tracking.tokens import MAX_TOKEN_CHARACTERS, read_link, read_pixel, read_site_key
from server.tracking.visits import BadVisit, is_unwanted, read_visit

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

GIF = bytes.fromhex(  # one transparent pixel, 43 bytes
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
RETRY_SECONDS = "30"
MAX_VISITS_AT_ONCE = 8  # whose bodies are read: one that comes slowly holds a thread, and pixels need some
MAX_PATH_CHARACTERS = MAX_TOKEN_CHARACTERS + 100
SECURITY_HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("Referrer-Policy", "no-referrer"),  # the page a recipient came from is no business of the target's
]
NO_STORE = ("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0, private")
FOR_ALL_SITES = ("Cross-Origin-Resource-Policy", "cross-origin")
PIXEL_HEADERS = [
    *SECURITY_HEADERS,
    NO_STORE,
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("Content-Type", "image/gif"),
    ("Content-Length", str(len(GIF))),
    FOR_ALL_SITES,
]


class HotPath:
    """Answers `/o/<sender>/<token>.gif`, `/c/<sender>/<token>` and `/w/<site key>`; leaves all else to `rest`."""

    def __init__(self, settings: Settings, keys: Keyring, journal: Journal, rest: Wsgi) -> None:
        self.keys = keys
        self.journal = journal
        self.rest = rest
        self.proxies = settings.trusted_proxies
        self.is_failing = False
        self.visits = BoundedSemaphore(MAX_VISITS_AT_ONCE)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ["PATH_INFO"]
        if ENVIRON_KEY in environ:
            self._take_simulated_address(environ)
        if path[:3] == "/w/":
            return self._answer_visit(path[3:], environ, start_response)
        if path[:3] not in ("/o/", "/c/"):
            return self.rest(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _refuse(start_response, "405 Method Not Allowed", [("Allow", "GET, HEAD")])
        if len(path) > MAX_PATH_CHARACTERS:
            return _refuse(start_response, "414 URI Too Long", [])
        sender_key, _slash, token = path[3:].partition("/")
        if path[1] == "o" and token.endswith(".gif"):
            return self._answer_pixel(sender_key, token[:-4], environ, start_response)
        return self._answer_click(sender_key, token, environ, start_response)

    def _answer_pixel(
        self, sender_key: str, token: str, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        tracking_id = read_pixel(self.keys, sender_key, token)
        status, headers = "200 OK", PIXEL_HEADERS
        if tracking_id is not None and not self.keep(make_record("pixel", tracking_id, environ, self.proxies)):
            status, headers = "503 Service Unavailable", [*PIXEL_HEADERS, ("Retry-After", RETRY_SECONDS)]
        start_response(status, list(headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [GIF]

    def _answer_click(
        self, sender_key: str, token: str, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        link = read_link(self.keys, sender_key, token) if environ["PATH_INFO"][1] == "c" else None
        if link is None:
            return self.rest(environ, start_response)
        self.keep(make_record("click", link.tracking_id, environ, self.proxies, link.position, link.target))
        headers = [
            *SECURITY_HEADERS,
            NO_STORE,
            ("Content-Length", "0"),
            ("Location", link.target),  # granian writes text as UTF-8, so the target's own bytes go out
        ]
        start_response("302 Found", headers)
        return []

    def _answer_visit(self, key: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return _refuse(start_response, "405 Method Not Allowed", [("Allow", "POST")])
        site_id = read_site_key(self.keys, key)
        if site_id is None:
            return _refuse(start_response, "404 Not Found", [])
        if not is_unwanted(environ):
            if not self.visits.acquire(blocking=False):
                return _refuse(start_response, "503 Service Unavailable", [("Retry-After", RETRY_SECONDS)])
            try:
                page, visit = read_visit(environ)
            except BadVisit as error:
                return _refuse(start_response, str(error), [])
            finally:
                self.visits.release()
            if not self.keep(make_record("visit", site_id, environ, self.proxies, target=page, data=visit)):
                return _refuse(start_response, "503 Service Unavailable", [("Retry-After", RETRY_SECONDS)])
        start_response("204 No Content", [*SECURITY_HEADERS, NO_STORE, FOR_ALL_SITES])
        return []

    def _take_simulated_address(self, environ: dict[str, Any]) -> None:
        claim = read_claim(self.keys, environ[ENVIRON_KEY])
        if claim is not None:
            environ["REMOTE_ADDR"], at_ms = claim
            environ.pop("HTTP_X_FORWARDED_FOR", None)
            if at_ms is not None:
                environ[MOMENT_KEY] = at_ms

    def keep(self, record: bytes) -> bool:
        """Append `record` to the journal and return whether it is on disk."""
        try:
            self.journal.append(record)
        except (JournalFull, ValueError) as error:
            self._complain(error)
            return False
        self.is_failing = False
        return True

    def _complain(self, error: Exception) -> None:
        """Say once, until a hit is kept again, what is wrong: the log may well stand on the same full disk."""
        if not self.is_failing:
            with contextlib.suppress(OSError):
                print(f"hits are not kept: {error}", file=sys.stderr, flush=True)
        self.is_failing = True


def _refuse(start_response: StartResponse, status: str, more: list[tuple[str, str]]) -> Iterable[bytes]:
    body = f"{status}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), NO_STORE]
    start_response(status, [*SECURITY_HEADERS, *headers, *more])
    return [body]
