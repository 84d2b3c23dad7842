"""Who listens: the open streams of this process, their limits, and the fan-out of what each may hear."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from server.accounts.scope import Scope
from server.clock import now
from server.events.models import UNOWNED
from server.feed.queries import EventRow
from server.feed.search import Search
from server.feed.switches import Switches
from server.feed.tickets import Ticket

QUEUE_SIZE = 256
STREAMS_PER_MEMBER = 24
STREAMS = 5000


class Listener:
    """One open stream: a bounded queue of what it still has to be sent, and how far it has come."""

    def __init__(
        self, ticket: Ticket, last_id: int, search: Search | None = None, switches: Switches | None = None
    ) -> None:
        self.ticket = ticket
        self.last_id = last_id
        self.search = search
        self.switches = switches
        self.scope = Scope(ticket.workspace_id, None if ticket.is_team else ticket.member_id)
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_SIZE + 1)

    @property
    def form(self) -> tuple[str, bool]:
        """What a row's HTML depends on: the language, and whether it says whose it is."""
        return self.ticket.locale, self.ticket.is_team

    def hears(self, row: EventRow) -> bool:
        """Return whether this stream is to be sent `row` as a new one."""
        return row.id > self.last_id and self.shows(row)

    def shows(self, row: EventRow) -> bool:
        """Return whether the page behind this stream shows `row`."""
        return (
            self.may_see(row)
            and (row.is_shown or self.ticket.show_machine)
            and (self.search is None or self.search.matches(row))
        )

    def may_see(self, row: EventRow) -> bool:
        """Return whether `row` is of the feed that the page behind this stream shows."""
        return (
            self.ticket.wants_rows
            and row.workspace_id == self.scope.workspace_id
            and (self.scope.member_id in (None, row.member_id) or row.member_id == UNOWNED)
        )

    def is_notified(self, row: EventRow, is_first_view: bool) -> bool:
        """Return whether `row` notifies this stream's member now."""
        return self.switches is not None and self.switches.wants(row, now(), is_first_view)

    def put(self, chunk: bytes) -> None:
        """Queue `chunk`; a stream that cannot keep up is closed, and catches up from the database when it is back."""
        if self._queue.qsize() >= QUEUE_SIZE:
            self.close()
        else:
            self._queue.put_nowait(chunk)

    def close(self) -> None:
        """End the stream without sending what waits."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self, timeout_seconds: float) -> bytes | None:
        """Return all that waits, or None when the stream ended; raises TimeoutError when nothing came in time."""
        if self._queue.empty():
            async with asyncio.timeout(timeout_seconds):
                chunks = [await self._queue.get()]
        else:
            chunks = [self._queue.get_nowait()]
        while not self._queue.empty() and chunks[-1] is not None:
            chunks.append(self._queue.get_nowait())
        return None if chunks[-1] is None else b"".join(filter(None, chunks))


class Hub:
    """All listeners of this process; found by workspace and member, so that a row costs only those who may hear it."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self._of_workspace: defaultdict[int, set[Listener]] = defaultdict(set)
        self._of_member: defaultdict[int, set[Listener]] = defaultdict(set)

    def add(self, listener: Listener) -> bool:
        """Take `listener` in, unless its member or this process has too many; return whether it was taken."""
        ticket = listener.ticket
        if len(self.listeners) >= STREAMS or len(self._of_member.get(ticket.member_id, ())) >= STREAMS_PER_MEMBER:
            return False
        for group in (self.listeners, self._of_workspace[ticket.workspace_id], self._of_member[ticket.member_id]):
            group.add(listener)
        return True

    def remove(self, listener: Listener) -> None:
        """Let `listener` go."""
        self.listeners.discard(listener)
        for groups, key in (
            (self._of_workspace, listener.ticket.workspace_id), (self._of_member, listener.ticket.member_id),
        ):  # fmt: skip
            groups[key].discard(listener)
            if not groups[key]:
                del groups[key]

    def _of(self, row: EventRow) -> Collection[Listener]:
        return self._of_workspace.get(row.workspace_id, ())

    def audiences(self, rows: Iterable[EventRow], *, are_new: bool = True) -> dict[tuple[str, bool], list[EventRow]]:
        """Return the rows that somebody hears (or shows, where they are not new), by the form in which they are."""
        wanted: dict[tuple[str, bool], list[EventRow]] = {}
        for row in rows:
            asks = [listener for listener in self._of(row) if listener.shows(row)]
            for form in {listener.form for listener in asks if not are_new or listener.hears(row)}:
                wanted.setdefault(form, []).append(row)
        return wanted

    def send_change(self, row: EventRow, chunks: dict[tuple[str, bool], bytes]) -> None:
        """Give every listener the chunk of a row that was judged otherwise, or the word that it is gone."""
        gone = format_event("change", {"id": row.id})
        for listener in self._of(row):
            if listener.may_see(row):
                listener.put(chunks.get(listener.form, gone) if listener.shows(row) else gone)

    def send_row(self, row: EventRow, chunks: dict[tuple[str, bool], bytes]) -> None:
        """Give every listener that hears `row` the chunk of its form."""
        for listener in self._of(row) if chunks else ():
            if listener.hears(row) and (chunk := chunks.get(listener.form)) is not None:
                listener.put(chunk)

    def send_notice(self, topic: str, row_id: int, member_id: int | None, workspace_id: int | None = None) -> None:
        """Tell a member's streams, or with `member_id` None a whole workspace's, that something changed."""
        if member_id is not None:
            told: Collection[Listener] = self._of_member.get(member_id, ())
        else:
            told = self._of_workspace.get(workspace_id or 0, ())
        for listener in told:
            listener.put(format_event(topic, {"id": row_id}))

    def send_reminder(self, member_id: int, task_id: int, name: str) -> None:
        """Tell a member's streams that a task is due, and whether that may show outside of the page."""
        for listener in self._of_member.get(member_id, ()):
            notifies = listener.switches is not None and listener.switches.wants_reminder(now())
            listener.put(format_event("reminder", {"id": task_id, "name": name, "notify": notifies}))

    def languages(self, row: EventRow, is_first_view: bool) -> set[str]:
        """Return the languages of those whom `row` notifies."""
        own = self._of_member.get(row.member_id, ())  # nobody is notified of another's rows
        return {listener.ticket.locale for listener in own if listener.is_notified(row, is_first_view)}

    def send_notification(self, row: EventRow, is_first_view: bool, chunks: dict[str, bytes]) -> None:
        """Give every stream that `row` notifies the chunk of its language."""
        for listener in self._of_member.get(row.member_id, ()):
            chunk = chunks.get(listener.ticket.locale)
            if chunk is not None and listener.is_notified(row, is_first_view):
                listener.put(chunk)

    def set_switches(self, member_id: int, switches: Switches | None) -> None:
        """Let a member's streams follow other switches from now on."""
        for listener in self._of_member.get(member_id, ()):
            listener.switches = switches

    def close_where(self, is_meant: Callable[[Ticket], bool]) -> None:
        """Close every stream whose ticket is meant."""
        for listener in self.listeners:
            if is_meant(listener.ticket):
                listener.close()


def format_event(name: str, data: object, event_id: int | None = None) -> bytes:
    """Return one server-sent event (WHATWG HTML, section 9.2.6) with JSON on a single line."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
