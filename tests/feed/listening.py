"""A real stream process's app on a real socket, and a listener that reads its events over HTTP."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import requests

from server.config import Settings
from server.queue import NOTICES
from tests.ports import find_ports

WAIT_SECONDS = 120
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Heard:
    """One server-sent event."""

    name: str
    data: Any
    id: int | None

    @property
    def row_id(self) -> int:
        """The id of the row that a `row` event carries."""
        found = re.search(r'data-id="(\d+)"', self.data["html"])
        assert found is not None
        return int(found[1])


class Listener:
    """An open stream; `hear` waits for the next event that is not a heartbeat."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self._lines = response.iter_lines(chunk_size=None)

    def hear(self) -> Heard:
        """Return the next event; raises StopIteration when the stream ended."""
        while True:
            fields: dict[str, str] = {}
            while line := next(self._lines).decode():
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" in fields and fields["event"] != "beat":
                event_id = int(fields["id"]) if "id" in fields else None
                return Heard(fields["event"], json.loads(fields["data"]), event_id)

    def hear_rows(self, count: int) -> list[int]:
        """Return the ids of the next `count` rows."""
        return [self.hear().row_id for _ in range(count)]

    def is_ended(self) -> bool:
        """Wait for the end of the stream, past heartbeats; False when an event comes instead."""
        try:
            self.hear()
        except (StopIteration, requests.RequestException):
            return True
        return False


@contextmanager
def stream_process(settings: Settings) -> Iterator[str]:
    """Run the stream as `make run` does, on the database and Valkey of `settings`; yields its address."""
    port = find_ports()
    environment = {
        "WARMLINE_HOME": str(settings.warmline_home),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PATH": "",
    }
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-ws", "--port", str(port),
               "--workers-kill-timeout", "2", "server.feed.stream:create_stream"]  # fmt: skip
    with (settings.warmline_home / "stream.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        log_path = settings.warmline_home / "stream.log"
        _wait_until(lambda: _is_ready(f"http://127.0.0.1:{port}"), process, log_path)
        with redis.Redis.from_url(settings.redis_url) as valkey:  # what is announced before it hears is lost
            _wait_until(lambda: valkey.pubsub_numsub(NOTICES)[0][1] > 0, process, log_path)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _wait_until(look: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not look():
        assert time.monotonic() < deadline and process.poll() is None, f"the stream did not come up:\n{log.read_text()}"
        time.sleep(0.05)
