"""From a hit to the row that shows it: how long it takes, with one open stream and with many.

    .venv/bin/python bench/eye.py [--streams 1,200,1000] [--beside 0,2000] [--hits 50] [--rounds 2] [--database sqlite]

The real edge, ticker, worker, Valkey and stream run under the supervisor of `make run`, on a generated workspace. All
streams belong to managers who follow the whole team, in two languages, so each hears every row. A pixel is fetched at
random moments, ten a second; its row has come to the eye when its whole event was read from a stream.
Rounds of all cases take turns; all streams are read by this one process, on the same machine. `--beside` are other hits
a second meanwhile (bench/beside.py), of another workspace, which no stream shows. One JSON line a case: milliseconds
from before the request, over all rows read, and over the last stream of each hit, and the stream process's memory for
each open stream.
"""

import argparse
import asyncio
import http.client
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import update
from sqlmodel import Session, col, select

from bench.beside import add_workspace, run_beside
from bench.databases import KINDS, make_database
from bench.figures import print_table, tell, tell_machine
from bench.generate import generate
from bench.processes import find_memory_kb
from bench.rows import Plan
from server.accounts.browser_sessions import open_session
from server.accounts.models import Member, Role
from server.config import Settings, load_settings
from server.db import Database
from server.feed.tickets import Ticket, make_ticket
from server.keys import Keyring
from server.messages.models import Copy, Message
from server.supervisor import Supervisor, make_programs
from server.tracking.tokens import pixel_url

PROGRAMS = ("valkey", "edge", "stream", "worker-hits", "ticker")
MEMBERS = 50
EVENTS = 100_000
HITS_A_SECOND = 10
LONGEST_SECONDS = 10
GOAL_MS = 1000
LOCALES = ("en", "fr")
COLUMNS = {
    "streams": "open streams", "beside_per_second": "hits/s beside", "database": "database", "rows": "rows read",
    "missing": "missing", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "last_p99_ms": "p99 ms of the last stream",
    "kb_each": "kB a stream", "is_within_goal": "p99 ≤ 1 s",
}  # fmt: skip
SUBJECT = re.compile(rb"About order (\d+)")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


Arrivals = defaultdict[int, dict[int, float]]  # by subject, then by stream


@dataclass
class Case:
    """How many streams are open and hits come beside, and what each hit's row took to each stream, in ms."""

    streams: int
    beside: int = 0
    beside_rates: list[float] = field(default_factory=list)
    kb_each: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    missing: int = 0


@dataclass
class Installation:
    """What runs: its settings, its keys, the sessions of its members, and the pixels not fetched yet, by subject."""

    settings: Settings
    keys: Keyring
    sessions: dict[int, int]
    pixels: list[tuple[int, str]]
    paths_beside: list[str]
    stream_pid: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def ticket(self, number: int) -> str:
        """Return a ticket for stream `number`."""
        member_id = number % MEMBERS + 1
        locale = LOCALES[number % len(LOCALES)]
        return make_ticket(self.keys, Ticket(member_id, 1, self.sessions[member_id], None, True, False, True, locale))


def main() -> int:
    """Measure, print, and return 0 when every row came and all p99 are within the goal."""
    options = _parse()
    results = []
    tell_machine("eye", ("granian", "rq"), rounds=options.rounds, hits=options.hits)
    for kind in KINDS if options.database == "both" else (options.database,):
        home = Path(tempfile.mkdtemp(prefix="warmline-bench-eye-"))
        try:
            with make_database(kind) as url, _run(home, url, options.port) as here:
                for figures in asyncio.run(_measure(here, options)):
                    results.append(tell({"bench": "eye", "case": figures.pop("case"), "database": kind, **figures}))
        finally:
            shutil.rmtree(home, ignore_errors=True)
    print_table(results, COLUMNS)
    return 0 if all(one["is_within_goal"] for one in results) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="From a hit to the row that shows it.")
    parser.add_argument("--streams", default="1,200,1000")
    parser.add_argument("--beside", default="0,2000", help="other hits a second")
    parser.add_argument("--hits", type=int, default=50, help="of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--database", choices=("both", *KINDS), default="sqlite")
    parser.add_argument("--port", type=int, default=37_000)
    return parser.parse_args()


@contextmanager
def _run(home: Path, url: str, port: int) -> Iterator[Installation]:
    """Generate the workspace at `url` and run what stands between a hit and a stream until the end of the block."""
    os.environ |= {
        "WARMLINE_HOME": str(home), "DATABASE_URL": url, "HOST": "127.0.0.1", "PORT": str(port), "REDIS_URL": "",
        "EDGE_PORT": "", "EDGE_BASE_URL": "", "BASE_URL": "", "STREAM_PORT": "", "STREAM_BASE_URL": "",
        "SIMULATED_RECIPIENTS": "false", "LOG_LEVEL": "warning",
    }  # fmt: skip
    generate(url, Plan(EVENTS, EVENTS // 10, MEMBERS, datetime.now(UTC).replace(microsecond=0)))
    settings = load_settings()
    db = Database(url)
    with db.session() as session:
        here = _prepare(session, settings)
        session.commit()
    db.dispose()
    supervisor = Supervisor(settings, [program for program in make_programs(settings) if program.name in PROGRAMS])
    try:
        supervisor.start()
        threading.Thread(target=supervisor.watch, daemon=True).start()
        stream = next(program for program in supervisor.programs if program.name == "stream")
        here.stream_pid = stream.process.pid if stream.process else 0
        yield here
    finally:
        supervisor.stop()


def _prepare(session: Session, settings: Settings) -> Installation:
    """Make all members managers who are signed in, and shuffle the pixels of all mails."""
    keys = Keyring.load(settings)
    session.execute(update(Member).values(role=Role.MANAGER))
    sessions = {member_id: open_session(session, member_id)[0].id for member_id in range(1, MEMBERS + 1)}
    sent = (
        select(Message.id, Copy.tracking_id, Member.sender_key)
        .join(Copy, col(Copy.message_id) == Message.id)
        .join(Member, col(Member.id) == Message.member_id)
    )
    pixels = [
        (number, pixel_url(settings, keys, sender_key, tracking_id).removeprefix(settings.edge_base_url))
        for number, tracking_id, sender_key in session.exec(sent)
        if number is not None
    ]
    random.Random(1).shuffle(pixels)
    return Installation(settings, keys, sessions, pixels, add_workspace(session, settings, keys))


async def _measure(here: Installation, options: argparse.Namespace) -> list[dict[str, Any]]:
    counts = [int(count) for count in options.streams.split(",")]
    cases = [Case(count, int(beside)) for beside in options.beside.split(",") for count in counts]
    await _round(here, Case(1), 5)  # to warm up
    for _ in range(options.rounds):
        for case in cases:
            await _round(here, case, options.hits)
    return [_summarise(case) for case in cases]


async def _round(here: Installation, case: Case, hits: int) -> None:
    """Open the streams, fetch pixels at random moments, and wait for their rows."""
    came: Arrivals = defaultdict(dict)
    asked: dict[int, float] = {}
    edge = http.client.HTTPConnection("127.0.0.1", here.settings.edge_port, timeout=LONGEST_SECONDS)
    memory = find_memory_kb(here.stream_pid)
    async with _open_streams(here, case.streams, came), run_beside(here.settings, here.paths_beside, case):
        case.kb_each.append((find_memory_kb(here.stream_pid) - memory) / case.streams)
        for _ in range(hits):
            await asyncio.sleep(here.dice.uniform(0, 2 / HITS_A_SECOND))
            number, path = here.pixels.pop()
            asked[number] = time.perf_counter()
            await asyncio.to_thread(_fetch, edge, path)
        deadline = time.perf_counter() + LONGEST_SECONDS
        while time.perf_counter() < deadline and any(len(came[number]) < case.streams for number in asked):
            await asyncio.sleep(0.05)
    edge.close()
    for number, begun in asked.items():
        took = [(at - begun) * 1000 for at in came[number].values()]
        case.rows += took
        case.last += [max(took)] if took else []
        case.missing += case.streams - len(took)


def _fetch(edge: http.client.HTTPConnection, path: str) -> None:
    edge.request("GET", path, headers={"User-Agent": AGENT})
    answer = edge.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the edge answered {answer.status}")


@asynccontextmanager
async def _open_streams(here: Installation, count: int, came: Arrivals) -> Any:
    streams = [await _open(here, number) for number in range(count)]
    readers = [asyncio.create_task(_read(reader, number, came)) for number, (reader, _writer) in enumerate(streams)]
    try:
        yield
    finally:
        for reader_task, (_reader, writer) in zip(readers, streams, strict=True):
            reader_task.cancel()
            writer.close()
        await asyncio.gather(*readers, return_exceptions=True)


async def _open(here: Installation, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open stream `number` and return it once its first chunk has come: from then on it hears everything."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.settings.stream_port)
    writer.write(f"GET /stream?ticket={here.ticket(number)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"stream {number} was answered {head[:40]!r}")
    await _read_chunk(reader)
    return reader, writer


async def _read(reader: asyncio.StreamReader, stream: int, came: Arrivals) -> None:
    """Note when each row first comes to `stream`; a chunk of the answer is one whole event or several."""
    while chunk := await _read_chunk(reader):
        at = time.perf_counter()
        for event in chunk.split(b"\n\n"):
            if b"event: row" in event and (match := SUBJECT.search(event)):
                came[int(match[1])].setdefault(stream, at)


async def _read_chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readuntil(b"\r\n"), 16)
    return (await reader.readexactly(size + 2))[:-2]


def _summarise(case: Case) -> dict[str, Any]:
    p99 = _percentile(case.rows, 0.99)
    return {
        "case": f"{case.streams} streams, {case.beside:,} hits/s beside", "streams": case.streams,
        "beside_per_second": round(sum(case.beside_rates) / max(1, len(case.beside_rates))),
        "kb_each": round(max(case.kb_each, default=0)), "hits": len(case.last), "rows": len(case.rows),
        "missing": case.missing, "p50_ms": _percentile(case.rows, 0.5), "p99_ms": p99,
        "last_p50_ms": _percentile(case.last, 0.5), "last_p99_ms": _percentile(case.last, 0.99),
        "slowest_ms": round(max(case.last, default=0)), "is_within_goal": p99 <= GOAL_MS and not case.missing,
    }  # fmt: skip


def _percentile(values: list[float], share: float) -> int:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) if ordered else 0


if __name__ == "__main__":
    sys.exit(main())
