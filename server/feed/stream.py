"""The live stream: a small ASGI app of its own that sends each listener the rows of its feed as they are recorded.

`GET /stream?ticket=…&after=<event id>` answers server-sent events. The ticket was given to the page by the members'
app; no cookie is read here. First comes what the listener missed, read from the database in the order of ids up to the
point at which it joined; then, from that point on, what is recorded live: no gap, and nothing twice.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from server.base import create_base_app
from server.config import Settings, load_settings
from server.feed.access import find_refused
from server.feed.campaigns import read_named_after
from server.feed.hub import Hub, Listener, format_event
from server.feed.preferences import read_switches
from server.feed.queries import read_callings
from server.feed.search import Search, parse_search
from server.feed.tailer import Tailer
from server.feed.tickets import Ticket, read_ticket
from server.keys import Keyring
from server.messages import routes as messages_routes
from server.people import routes as people_routes
from server.security import LOOPBACK_NAMES
from server.valkey import find_redis_url

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
REPLAY_ROWS = 1000
REPLAY_SPAN = 50_000  # ids of the whole installation that a replay looks through at most
RENDERED_AT_ONCE = 100
EXTENSION = re.compile(r"chrome-extension://[a-p]{32}")

log = structlog.get_logger()
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def create_stream(settings: Settings | None = None) -> "Stream":
    """Return the stream as an ASGI app; it starts its reader when its server starts it."""
    return Stream(settings or load_settings())


class Stream:
    """The ASGI callable, with the hub of its listeners and the tailer that feeds them."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_base_app(settings)
        self.app.register_blueprint(messages_routes.bp)  # rows link to messages
        self.app.register_blueprint(people_routes.bp)  # and have a menu of their person
        self.hub = Hub()
        self.tailer = Tailer(self.app, self.hub, find_redis_url(settings))
        self._keys: Keyring = self.app.extensions["warmline_keys"]
        self._origins = _own_origins(settings)
        self._reader: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the server's own start and end (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def start(self) -> None:
        """Start the reader on the running loop, once."""
        if self._reader is None:
            self._reader = asyncio.create_task(self.tailer.run())

    async def stop(self) -> None:
        """End all streams and the reader."""
        self.hub.close_where(lambda _ticket: True)
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.start()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get("origin")
        if scope["path"] == "/healthz":
            await _refuse(send, HTTPStatus.OK, None)
        elif scope["path"] == "/readyz":
            is_ready = self.tailer.last_id is not None
            await _refuse(send, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE, None)
        elif scope["path"] != "/stream":
            await _refuse(send, HTTPStatus.NOT_FOUND, None)
        elif scope["method"] != "GET":
            await _refuse(send, HTTPStatus.METHOD_NOT_ALLOWED, None)
        elif origin is not None and origin not in self._origins and not EXTENSION.fullmatch(origin):
            await _refuse(send, HTTPStatus.FORBIDDEN, None)
        else:
            listener, after_id, status = await self._admit(scope, headers)
            if listener is None:
                await _refuse(send, status, origin)
                return
            try:
                await _send_head(send, origin)
                await self._serve(listener, after_id, receive, send)
            finally:
                self.hub.remove(listener)

    async def _admit(self, scope: Scope, headers: dict[str, str]) -> tuple[Listener | None, int | None, HTTPStatus]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        ticket = read_ticket(self._keys, query.get("ticket", [""])[0])
        after = headers.get("last-event-id") or query.get("after", [""])[0]
        if ticket is None or (ticket.token_id is None and EXTENSION.fullmatch(headers.get("origin", ""))):
            return None, None, HTTPStatus.FORBIDDEN  # an extension listens with its own token, not by a page's session
        try:
            is_refused = bool(await self.tailer.read(find_refused, {ticket}))
            search = await self.tailer.read(read_search, ticket) if ticket.search else None
            switches = await self.tailer.read(read_switches, ticket.member_id)
        except SQLAlchemyError:
            return None, None, HTTPStatus.SERVICE_UNAVAILABLE
        if is_refused:
            return None, None, HTTPStatus.FORBIDDEN
        if self.tailer.last_id is None:
            return None, None, HTTPStatus.SERVICE_UNAVAILABLE
        after_id = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
        listener = Listener(ticket, max(self.tailer.last_id, after_id or 0), search, switches)
        if not self.hub.add(listener):
            return None, None, HTTPStatus.TOO_MANY_REQUESTS
        return listener, after_id, HTTPStatus.OK

    async def _serve(self, listener: Listener, after_id: int | None, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_wait_until_gone(listener, receive))
        try:
            await _send_chunk(send, f"retry: {RETRY_MS}\n: welcome\n\n".encode())
            if after_id is not None and listener.ticket.wants_rows:
                await self._replay(listener, after_id, send)
            while not gone.done():
                try:
                    chunk = await listener.next(HEARTBEAT_SECONDS)
                except TimeoutError:
                    chunk = format_event(
                        "beat", {}
                    )  # a comment would not reach the page, which must notice a dead line
                if chunk is None:
                    break
                await _send_chunk(send, chunk)
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        except SQLAlchemyError as error:
            log.warning("a replay found the database away; its listener will come again", error=type(error).__name__)
        finally:
            gone.cancel()

    async def _replay(self, listener: Listener, after_id: int, send: Send) -> None:
        """Send what was recorded after `after_id` and before the listener joined; too much of it is a reload."""
        joined_at = listener.last_id
        if joined_at <= after_id:
            return
        rows = None
        if joined_at - after_id <= REPLAY_SPAN:
            rows = await self.tailer.read(
                read_named_after, after_id, joined_at, scope=listener.scope, limit=REPLAY_ROWS + 1,
                show_machine=listener.ticket.show_machine,
            )  # fmt: skip
        if rows is None or len(rows) > REPLAY_ROWS:
            await _send_chunk(send, format_event("reload", {}, joined_at))
            return
        rows = [row for row in rows if listener.search is None or listener.search.matches(row)]
        for start in range(0, len(rows), RENDERED_AT_ONCE):
            part = rows[start : start + RENDERED_AT_ONCE]
            for row, html in zip(part, await self.tailer.render(listener.form, part), strict=True):
                await _send_chunk(send, format_event("row", {"html": html}, row.id))


def read_search(session: Session, ticket: Ticket) -> Search | None:
    """Return the search with which a page listens; it was checked before it was signed."""
    return parse_search(ticket.search, read_callings(session, ticket.workspace_id), ticket.member_id)


def _own_origins(settings: Settings) -> frozenset[str]:
    """Return the origins of our pages: that of `base_url`, and on loopback its other names."""
    base = urlsplit(settings.base_url)
    names = {base.netloc, *(f"{name}:{settings.port}" for name in LOOPBACK_NAMES if settings.is_loopback)}
    return frozenset(f"{base.scheme}://{name}" for name in names)


async def _wait_until_gone(listener: Listener, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()


async def _send_head(send: Send, origin: str | None) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
        *_cors(origin),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_chunk(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _refuse(send: Send, status: HTTPStatus, origin: str | None) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store"), *_cors(origin)]
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": status.phrase.encode()})


def _cors(origin: str | None) -> list[tuple[bytes, bytes]]:
    allowed = [(b"access-control-allow-origin", origin.encode("latin-1"))] if origin else []
    return [*allowed, (b"vary", b"Origin")]
