"""A small load generator: keep-alive connections over raw sockets, each sending its next request when answered."""

import asyncio
import re
import time
from dataclasses import dataclass, field

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Result:
    """What one round measured; latencies are seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in ms below which `share` of the requests stayed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    """One connection; takes the length of the first answer as that of all, for the same request is sent each time."""

    def __init__(self, request: bytes, status: bytes, result: Result, ends_at: float) -> None:
        self.request, self.status, self.result, self.ends_at = request, status, result, ends_at
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
            self.result.latencies.append(now - self.begun)
        else:
            self.result.errors += 1
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


def run_load(port: int, path: str, status: int, seconds: float, connections: int) -> Result:
    """Ask 127.0.0.1:`port` for `path` over `connections` for `seconds`; answers other than `status` are errors."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {agent}\r\nAccept: image/*\r\n\r\n".encode()
    return asyncio.run(_run(port, request, f"HTTP/1.1 {status}".encode(), seconds, connections))


async def _run(port: int, request: bytes, status: bytes, seconds: float, connections: int) -> Result:
    result = Result(seconds)
    ends_at = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Connection(request, status, result, ends_at), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.is_done for _transport, protocol in made))
    return result
