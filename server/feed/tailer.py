"""The one reader of a stream process: hears notices, reads new events once, renders each once a form, fans out."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from flask import Flask
from redis import RedisError
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from server.db import get_db
from server.events.readers import Readers
from server.feed.access import find_refused
from server.feed.campaigns import name_campaigns, read_named_after
from server.feed.hub import Hub, format_event
from server.feed.preferences import read_switches
from server.feed.queries import EventRow, read_last_id, read_names, read_rows
from server.feed.readings import read_readings
from server.feed.render import render_rows, tell_row
from server.feed.repeats import find_first_views, find_forwarded
from server.queue import NOTICES

LOOK_SECONDS = 1.0
ACCESS_SECONDS = 15.0
RECONNECT_SECONDS = 1.0
BATCH = 200
DOUBT_SECONDS = 4.0
# What is passed on to the pages as it is.
TOPICS = (
    "message",
    "mailbox",
    "mailbox_ending",
    "task",
    "target",
    "person",
    "seen",
    "extension",
    "reading",
    "document",
    "campaign",
)

log = structlog.get_logger()
Answer = TypeVar("Answer")
Form = tuple[str, bool]


class Tailer:
    """Follows the event table for all listeners; `last_id` is None until the database was first read."""

    def __init__(self, app: Flask, hub: Hub, redis_url: str) -> None:
        self.last_id: int | None = None
        self._app = app
        self._hub = hub
        self._redis_url = redis_url
        self._wake = asyncio.Event()
        self._changed_rows: set[int] = set()
        self._held_back: set[asyncio.Task[None]] = set()
        self._changed_switches: asyncio.Queue[int] = asyncio.Queue()
        self._is_database_away = False

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_notices())
            tasks.create_task(self._repeat(self._look, self._wait_for_wake))
            tasks.create_task(self._follow_switches())
            tasks.create_task(self._repeat(self._end_refused, lambda: asyncio.sleep(ACCESS_SECONDS)))

    async def read(self, verb: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """Run `verb(session, …)` with a reading session on a thread; the session is given back before the answer."""
        return await asyncio.to_thread(self._read, verb, *arguments, **options)

    async def render(
        self, form: Form, rows: list[EventRow], forwarded: Mapping[int, Readers] | None = None
    ) -> list[str]:
        """Return the HTML of `rows` in the language of `form`, with the owners' names where it is a team's.

        `forwarded` are the rows whose mail may have been forwarded, by id; they are read unless given.
        """
        if forwarded is None:
            forwarded = await self.read(find_forwarded, rows)
        locale, is_team = form
        names: dict[int, str] | None = None
        if is_team:
            names = {}
            for workspace_id in {row.workspace_id for row in rows}:
                names |= await self.read(read_names, workspace_id)
        progress = await self.read(read_readings, rows)
        return await asyncio.to_thread(render_rows, self._app, locale, rows, names, forwarded, progress)

    def _read(self, verb: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        with self._app.app_context(), get_db().session(write=False) as session:
            return verb(session, *arguments, **options)

    async def _repeat(self, act: Callable[[], Any], pause: Callable[[], Any]) -> None:
        while True:
            try:
                await act()
                if self._is_database_away:
                    self._is_database_away = False
                    log.info("the database answers again")
            except SQLAlchemyError as error:
                if not self._is_database_away:
                    self._is_database_away = True
                    log.warning("the database is away; streams go on waiting", error=type(error).__name__)
            except Exception:
                # Whoever listens now may have missed a row: let them come back and read it from the database.
                log.exception("a look for new events failed")
                self._hub.close_where(lambda _ticket: True)
            await pause()

    async def _wait_for_wake(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        self._wake.clear()

    async def _look(self) -> None:
        if self.last_id is None:
            self.last_id = await self.read(read_last_id)
            return
        rows = await self.read(read_named_after, self.last_id, limit=BATCH)
        if not rows:
            await self._send_changes()
            return
        audiences = self._hub.audiences(rows)
        # From here on a new listener reads these rows by itself, so they are sent to those who were there before.
        self.last_id = rows[-1].id
        if len(rows) == BATCH:
            self._wake.set()
        await self._send(rows, audiences)
        await self._send_changes()
        await self._notify([row for row in rows if not _is_doubtful(row)])
        if doubtful := [row.id for row in rows if _is_doubtful(row)]:
            self._hold_back(doubtful)

    async def _send(self, rows: list[EventRow], audiences: dict[Form, list[EventRow]]) -> None:
        chunks: dict[int, dict[Form, bytes]] = {}
        forwarded = await self.read(find_forwarded, rows) if audiences else {}
        for form, heard in audiences.items():
            for row, html in zip(heard, await self.render(form, heard, forwarded), strict=True):
                chunks.setdefault(row.id, {})[form] = format_event("row", {"html": html}, row.id)
        for row in rows:
            self._hub.send_row(row, chunks.get(row.id, {}))
        self._tell_messages(rows)

    def _tell_messages(self, rows: list[EventRow]) -> None:
        """Tell the pages of these rows' mails that their counts have moved."""
        for member_id, message_id in {(row.member_id, row.message_id) for row in rows if row.message_id}:
            self._hub.send_notice("message", message_id, member_id)

    async def _send_changes(self) -> None:
        """Send anew what was judged otherwise; rows that were never sent are read as they are by then."""
        ids = [row_id for row_id in self._changed_rows if row_id <= (self.last_id or 0)]
        self._changed_rows.clear()
        if not ids or not self._hub.listeners:
            return
        rows = await self.read(name_campaigns, await self.read(read_rows, ids))
        chunks: dict[int, dict[Form, bytes]] = {}
        for form, shown in self._hub.audiences(rows, are_new=False).items():
            for row, html in zip(shown, await self.render(form, shown), strict=True):
                chunks.setdefault(row.id, {})[form] = format_event("change", {"id": row.id, "html": html})
        for row in rows:
            self._hub.send_change(row, chunks.get(row.id, {}))
        self._tell_messages(rows)

    def _hold_back(self, ids: list[int]) -> None:
        """Notify of doubtful rows a little later, when a scanner would have given itself away, of those left."""
        task = asyncio.create_task(self._notify_later(ids))
        self._held_back.add(task)
        task.add_done_callback(self._held_back.discard)

    async def _notify_later(self, ids: list[int]) -> None:
        await asyncio.sleep(DOUBT_SECONDS)
        with suppress(SQLAlchemyError):
            await self._notify(await self.read(read_rows, ids))

    async def _notify(self, rows: list[EventRow]) -> None:
        wanted = [row for row in rows if self._hub.languages(row, True)]
        firsts = await self.read(find_first_views, wanted) if wanted else frozenset()
        for row in wanted:
            is_first = row.id in firsts or row.copy_id is None
            chunks = {
                locale: format_event("notification", await asyncio.to_thread(tell_row, self._app, locale, row))
                for locale in self._hub.languages(row, is_first)
            }
            self._hub.send_notification(row, is_first, chunks)

    async def _follow_switches(self) -> None:
        while True:
            member_id = await self._changed_switches.get()
            try:
                self._hub.set_switches(member_id, await self.read(read_switches, member_id))
            except SQLAlchemyError as error:
                log.warning("new switches not read; those who listen come again", error=type(error).__name__)
                self._hub.close_where(lambda ticket, whose=member_id: ticket.member_id == whose)  # type: ignore[misc]

    async def _end_refused(self) -> None:
        tickets = {listener.ticket for listener in self._hub.listeners}
        if tickets:
            refused = await self.read(find_refused, tickets)
            self._hub.close_where(refused.__contains__)

    async def _follow_notices(self) -> None:
        is_away = False
        while True:
            try:
                async with Redis.from_url(self._redis_url) as redis, redis.pubsub() as pubsub:
                    await pubsub.subscribe(NOTICES)
                    is_away = False
                    self._wake.set()  # what was announced while nobody listened
                    async for notice in pubsub.listen():
                        if notice["type"] == "message":
                            self._hear(notice["data"])
            except (RedisError, OSError) as error:
                if not is_away:
                    is_away = True
                    log.warning("Redis is away; looking every second instead", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _hear(self, data: bytes) -> None:
        match json.loads(data):
            case {"topic": "event"}:
                self._wake.set()
            case {"topic": "verdict", "ids": str(ids)}:
                self._changed_rows.update(map(int, ids.split(",")))
                self._wake.set()
            case {"topic": "reminder", "member_id": int(member_id), "id": int(task_id), **others}:
                self._hub.send_reminder(member_id, task_id, str(others.get("name", "")))
            case {"topic": "switches", "member_id": int(member_id)}:
                self._changed_switches.put_nowait(member_id)
            case {"topic": str(topic), "member_id": int(member_id), "id": int(row_id)} if topic in TOPICS:
                self._hub.send_notice(topic, row_id, member_id)
            case {"topic": str(topic), "workspace_id": int(workspace_id), "id": int(row_id)} if topic in TOPICS:
                self._hub.send_notice(topic, row_id, None, workspace_id)
            case {"topic": "session_ended", "id": int(session_id)}:
                self._hub.close_where(lambda ticket: ticket.session_id == session_id)
            case {"topic": "token_revoked", "id": int(token_id)}:
                self._hub.close_where(lambda ticket: ticket.token_id == token_id)
            case other:
                log.debug("a notice for nobody here", notice=other)


def _is_doubtful(row: EventRow) -> bool:
    """Return whether `row` came so soon after the send that what follows may show it to be a scanner's."""
    return any(reason.startswith("soon_after_send") for reason in row.reasons)
