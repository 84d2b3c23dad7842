"""Requests over keep-alive connections to 127.0.0.1: by wrk where it is installed, else by a generator of our own.

wrk costs a fraction of a core, ours most of one, which on a small machine is taken from the server: compare cases of
one generator only.
"""

import asyncio
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field

from bench.figures import percentile

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Result:
    """What one round measured."""

    seconds: float
    answered: int
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return self.answered / self.seconds


def find_generator() -> str:
    """Return what makes the load, with its version."""
    if not shutil.which("wrk"):
        return "own"
    told = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    return " ".join((told.stdout + told.stderr).split()[:2])


def run_load(port: int, path: str, status: int, seconds: float, connections: int) -> Result:
    """Ask 127.0.0.1:`port` for `path` over `connections` for `seconds`; answers other than `status` are errors.

    wrk tells only that an answer was neither 2xx nor 3xx.
    """
    if shutil.which("wrk"):
        return _run_wrk(port, path, seconds, connections)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\nAccept: image/*\r\n\r\n".encode()
    return asyncio.run(_run(port, request, f"HTTP/1.1 {status}".encode(), seconds, connections))


def _run_wrk(port: int, path: str, seconds: float, connections: int) -> Result:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "--timeout", "10s",
               "-H", f"User-Agent: {AGENT}", "-H", "Accept: image/*", f"http://127.0.0.1:{port}{path}"]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answered = re.search(r"(\d+) requests in ([\d.]+)(\w+),", told)
    if answered is None:
        raise RuntimeError(f"wrk said {told!r}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    errors = (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    took = float(answered[2]) * UNITS_MS[answered[3]] / 1000
    return Result(
        took, int(answered[1]) - (int(bad[1]) if bad else 0), _read_ms(told, "50%"), _read_ms(told, "99%"), errors
    )


def _read_ms(told: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)\b", told)
    return float(found[1]) * UNITS_MS[found[2]] if found else 0.0


@dataclass
class _Counts:
    """What the connections of one round have seen; latencies are seconds."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0


class _Connection(asyncio.Protocol):
    """One connection; takes the length of the first answer as that of all, for the same request is sent each time."""

    def __init__(self, request: bytes, status: bytes, counts: _Counts, ends_at: float) -> None:
        self.request, self.status, self.counts, self.ends_at = request, status, counts, ends_at
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.got = b""
        self.size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self.got += data
        if not self.size:
            head, end, _body = self.got.partition(b"\r\n\r\n")
            if not end:
                return
            match = LENGTH.search(head)
            self.size = len(head) + 4 + (int(match[1]) if match else 0)
        if len(self.got) < self.size:
            return
        now = time.perf_counter()
        if self.got.startswith(self.status):
            self.counts.latencies.append(now - self.begun)
        else:
            self.counts.errors += 1
        self.got = b""
        if now < self.ends_at:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_result(None)

    def _send(self) -> None:
        self.begun = time.perf_counter()
        self.transport.write(self.request)


async def _run(port: int, request: bytes, status: bytes, seconds: float, connections: int) -> Result:
    counts = _Counts()
    ends_at = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(request, status, counts, ends_at), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.is_done for _transport, protocol in made))
    p50, p99 = (percentile(counts.latencies, share) * 1000 for share in (0.5, 0.99))
    return Result(seconds, len(counts.latencies), p50, p99, counts.errors)
