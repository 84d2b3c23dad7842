"""The hub reaches those who may hear, and a listener is sent all that waits at once."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.feed.hub import QUEUE_SIZE, STREAMS_PER_MEMBER, Hub, Listener
from server.feed.queries import EventRow
from server.feed.tickets import Ticket
from tests.feed.events import NOON

Hear = Callable[[Listener], bytes | None]
CHUNKS = {("en", True): b"row", ("en", False): b"row"}


def make_row(row_id: int, workspace_id: int, member_id: int) -> EventRow:
    fields: dict[str, Any] = dict.fromkeys(EventRow._fields, "")
    told = {"id": row_id, "at": NOON, "workspace_id": workspace_id, "member_id": member_id, "is_shown": True}
    return EventRow(**fields | told)


def join(hub: Hub, workspace_id: int, member_id: int, *, is_team: bool = False) -> Listener:
    listener = Listener(Ticket(member_id, workspace_id, 1, None, is_team, False, True, "en"), 0)
    assert hub.add(listener)
    return listener


@pytest.fixture
def hear() -> Iterator[Hear]:
    """What waits for a listener; empty where nothing does, None where it ended."""

    async def ask(listener: Listener) -> bytes | None:
        try:
            return await listener.next(0.01)
        except TimeoutError:
            return b""

    # On a thread of its own: where a browser test ran before, this one has a running loop.
    runner = asyncio.Runner()
    with ThreadPoolExecutor(1) as thread:
        yield lambda listener: thread.submit(lambda: runner.run(ask(listener))).result()
        thread.submit(runner.close).result()


def test_a_row_reaches_its_member_and_who_follows_the_team_and_no_other_workspace(hear: Hear) -> None:
    hub = Hub()
    own, other, manager = join(hub, 1, 1), join(hub, 1, 2), join(hub, 1, 3, is_team=True)
    elsewhere = join(hub, 2, 4, is_team=True)
    hub.send_row(make_row(1, 1, 1), CHUNKS)
    assert [hear(one) for one in (own, other, manager, elsewhere)] == [b"row", b"", b"row", b""]
    assert list(hub.audiences([make_row(2, 2, 9)])) == [("en", True)]
    assert hub.audiences([make_row(3, 3, 9)]) == {}


def test_a_notice_reaches_a_member_or_a_workspace(hear: Hear) -> None:
    hub = Hub()
    listeners = [join(hub, 1, 1), join(hub, 1, 1), join(hub, 1, 2), join(hub, 2, 3)]
    hub.send_notice("task", 7, 1)
    assert [bool(hear(one)) for one in listeners] == [True, True, False, False]
    hub.send_notice("document", 7, None, 1)
    assert [bool(hear(one)) for one in listeners] == [True, True, True, False]


def test_what_waits_is_sent_at_once_and_in_order(hear: Hear) -> None:
    listener = join(Hub(), 1, 1)
    for chunk in (b"a", b"b", b"c"):
        listener.put(chunk)
    assert hear(listener) == b"abc"
    assert hear(listener) == b""


@pytest.mark.parametrize("waiting", [1, QUEUE_SIZE])
def test_a_listener_that_ends_or_falls_behind_is_sent_nothing_more(hear: Hear, waiting: int) -> None:
    listener = join(Hub(), 1, 1)
    for _ in range(waiting):
        listener.put(b"a")
    if waiting == QUEUE_SIZE:
        listener.put(b"one too many")
    else:
        listener.close()
    assert hear(listener) is None


def test_who_is_gone_makes_room_and_hears_nothing(hear: Hear) -> None:
    hub = Hub()
    listeners = [join(hub, 1, 1) for _ in range(STREAMS_PER_MEMBER)]
    assert not hub.add(Listener(listeners[0].ticket, 0))
    hub.remove(listeners[0])
    hub.remove(listeners[0])
    hub.send_row(make_row(1, 1, 1), CHUNKS)
    assert hear(listeners[0]) == b"" and hear(listeners[1]) == b"row"
    assert hub.add(Listener(listeners[0].ticket, 0))
