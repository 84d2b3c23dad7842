"""Events a second from the journal into the event log, and how a backlog goes away.

    .venv/bin/python bench/drain.py [--hits 20000] [--rounds 3] [--workers 1,2] [--database both]

The real ticker and workers (`worker.py hits`, one RQ job a drain) run on an embedded Valkey. Each round puts a journal
of `--hits` hits of the last hour before them and waits until the last one is an event; `--hits 1000000` is the backlog
after a long outage. Meanwhile the feed is asked for its newest row, one hit that came after all others says how long a
new one waits, and a member who changes something now and then says how long another's write does. Beside it, in the
same rounds, the limit: as many bare rows of that length inserted, 1,000 in a transaction. Only one worker drains a
journal at a time, so a second one is a reserve and no more speed.
"""

import argparse
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import Engine, insert, text
from sqlmodel import Session, col, select

from bench.databases import KINDS, make_database
from bench.figures import Figures, print_table, spread, tell, tell_machine
from server.accounts.models import Member, Workspace
from server.clock import now
from server.config import load_settings
from server.db import make_engine
from server.events.models import Event, EventClock
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState, Message, Recipient
from server.migrate import upgrade
from server.supervisor import Program, Supervisor, make_programs
from server.tracking.frames import make_frame
from server.tracking.hits import Kind, make_record, read_record
from server.tracking.journal import SUFFIX, Journal
from server.tracking.simulation import MOMENT_KEY

HITS_OF_A_COPY = 20  # few enough that each is kept as an event of its own
CLICKS_IN = 5
OUTAGE_SECONDS = 3600
BATCH = 1000
GOAL_A_SECOND = 2000
LONGEST_SECONDS = 3600
SEGMENT_HITS = 40_000  # about 16 MB, where an edge begins another
WRITE_SECONDS = 0.2
LOOK_SECONDS = 0.25
AGENTS = [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
    "curl/8.5.0",
    *(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
      "Safari/537.36" for version in range(90, 130)),
]  # fmt: skip
COLUMNS = {
    "database": "database", "workers": "workers", "hits": "hits", "per_second": "events/s", "lowest": "lowest",
    "highest": "highest", "limit_per_second": "bare rows/s", "seconds_to_empty": "to empty, s",
    "freshest_halfway_seconds": "freshest row halfway is, s old", "newest_hit_waits_seconds": "a new hit waits, s",
    "write_waits_ms": "another's write waits, ms", "longest_write_ms": "at most, ms", "is_within_goal": "≥ 2,000/s",
}  # fmt: skip


@dataclass
class Rounds:
    """What the rounds of one case gave."""

    rates: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    freshest: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)


def main() -> None:
    """Measure all cases and print them."""
    options = _parse()
    rows = []
    tell_machine("drain", ("rq", "sqlalchemy", "psycopg"), rounds=options.rounds)
    for kind in KINDS if options.database == "both" else (options.database,):
        for workers in map(int, options.workers.split(",")):
            rows.append(tell(_measure(kind, workers, options)))
    print_table(rows, COLUMNS)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Events a second from the journal into the event log.")
    parser.add_argument("--hits", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--database", choices=("both", *KINDS), default="both")
    parser.add_argument("--port", type=int, default=22_600)
    return parser.parse_args()


def _measure(kind: str, workers: int, options: argparse.Namespace) -> Figures:
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-drain-"))
    rounds = Rounds()
    try:
        with make_database(kind) as url:
            os.environ |= {
                "WARMLINE_HOME": str(home), "DATABASE_URL": url, "REDIS_URL": "", "PORT": str(options.port),
                "SIMULATED_RECIPIENTS": "false", "LOG_LEVEL": "error",
            }  # fmt: skip
            upgrade(url)
            engine = make_engine(url)
            tracking_ids = _make_copies(engine, max(500, options.hits // HITS_OF_A_COPY))
            with _run_workers(workers):
                _drain(engine, home, tracking_ids, 100, Rounds())  # to warm up
                for _ in range(options.rounds):
                    rounds.limit.append(_insert_bare(engine, options.hits))
                    _drain(engine, home, tracking_ids, options.hits, rounds)
            engine.dispose()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    rates = spread(rounds.rates)
    return {
        "bench": "drain", "case": f"{kind}, {workers} workers", "database": kind, "workers": workers,
        "hits": options.hits, "per_second": rates["median"], "lowest": rates["lowest"], "highest": rates["highest"],
        "limit_per_second": round(statistics.median(rounds.limit)),
        "seconds_to_empty": round(statistics.median(rounds.empty), 1),
        "freshest_halfway_seconds": round(statistics.median(rounds.freshest)),
        "newest_hit_waits_seconds": round(statistics.median(rounds.waits), 2),
        "write_waits_ms": round(statistics.median(rounds.writes) * 1000),
        "longest_write_ms": round(max(rounds.writes) * 1000), "rounds": options.rounds,
        "is_within_goal": rates["median"] >= GOAL_A_SECOND,
    }  # fmt: skip


@contextmanager
def _run_workers(count: int) -> Iterator[None]:
    """Run Valkey, the ticker and so many workers of the queue `hits` until the end of the block."""
    settings = load_settings()
    programs = [one for one in make_programs(settings) if one.name in ("valkey", "worker-hits", "ticker")]
    worker = next(one for one in programs if one.name == "worker-hits")
    programs += [Program(f"{worker.name}-{number}", worker.command) for number in range(1, count)]
    supervisor = Supervisor(settings, programs)
    try:
        supervisor.start()
        threading.Thread(target=supervisor.watch, daemon=True).start()
        yield
    finally:
        supervisor.stop()


def _make_copies(engine: Engine, count: int) -> list[str]:
    """Add a member with `count` sent mails and return their tracking ids."""
    with Session(engine) as session:
        workspace = Workspace(name="Bench")
        session.add(workspace)
        session.flush()
        member = Member(workspace_id=workspace.id, email="alice@acme.example")
        session.add(member)
        session.flush()
        mailbox = Mailbox(workspace_id=workspace.id, member_id=member.id, email=member.email)
        session.add(mailbox)
        session.flush()
        numbers, ids = range(1, count + 1), [secrets.token_hex(16) for _ in range(count)]
        message = {"workspace_id": workspace.id, "member_id": member.id, "mailbox_id": mailbox.id}
        session.execute(insert(Message), [{"id": n, **message, "subject": f"Mail {n}", "html": ""} for n in numbers])
        copy = {"mailbox_id": mailbox.id, "state": CopyState.SENT}
        session.execute(
            insert(Copy),
            [{"id": n, "message_id": n, **copy, "tracking_id": one} for n, one in zip(numbers, ids, strict=True)],
        )
        address = "flynn@arcade.example"
        session.execute(insert(Recipient), [{"message_id": n, "copy_id": n, "address": address} for n in numbers])
        session.commit()
    return ids


def _insert_bare(engine: Engine, count: int) -> float:
    """Return how many rows a second a table without an index takes, 1,000 in a transaction."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS bench_bare"))
        connection.execute(text("CREATE TABLE bench_bare (hit TEXT)"))
    rows = [{"hit": secrets.token_hex(200)} for _ in range(BATCH)]
    begun = time.perf_counter()
    for _ in range(max(1, count // BATCH)):
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO bench_bare VALUES (:hit)"), rows)
    return max(1, count // BATCH) * BATCH / (time.perf_counter() - begun)


def _drain(engine: Engine, home: Path, tracking_ids: list[str], hits: int, rounds: Rounds) -> None:
    """Put a finished segment and one hit more before the workers, and follow what becomes of them."""
    folder = home / "journal"
    folder.mkdir(exist_ok=True)
    segments = _write(folder, tracking_ids, hits)
    reading = engine.execution_options(reads_only=True)
    before = _count(reading)
    for segment in segments:
        segment.rename(segment.with_suffix(SUFFIX))
    begun = time.perf_counter()
    newest = _append_one(folder, tracking_ids[0])
    emptied = waited = freshest = 0.0
    with _writing(engine, rounds.writes):
        while not (emptied and waited):
            time.sleep(LOOK_SECONDS if hits > BATCH else 0.02)
            done, took = _count(reading) - before, time.perf_counter() - begun
            if took > LONGEST_SECONDS:
                raise TimeoutError(f"{done} of {hits} hits were drained in {took:.0f} s; see {home / 'log'}")
            if not freshest and hits // 2 <= done < hits:
                freshest = _find_age(reading)
            emptied = emptied or (took if done >= hits else 0.0)
            waited = waited or (took if _has(reading, newest) else 0.0)
    rounds.empty.append(emptied)
    rounds.waits.append(waited)
    rounds.rates.append(hits / emptied)
    rounds.freshest.append(freshest)


@contextmanager
def _writing(engine: Engine, writes: list[float]) -> Iterator[None]:
    """Let a member change something now and then until the end of the block; note how long each change took."""
    is_over = threading.Event()

    def write() -> None:
        has_time = True
        while has_time:
            begun = time.perf_counter()
            with engine.begin() as connection:
                connection.execute(text("UPDATE member SET name = 'Alice' WHERE email = 'alice@acme.example'"))
            writes.append(time.perf_counter() - begun)
            has_time = not is_over.wait(WRITE_SECONDS)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()


def _append_one(folder: Path, tracking_id: str) -> str:
    """Append the hit that comes last, as an edge does, and return its id."""
    record = make_record("pixel", tracking_id, {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": AGENTS[-1]}, 0)
    journal = Journal(folder)
    journal.append(record)
    journal.close()
    return read_record(record).id


def _count(engine: Engine) -> int:
    with Session(engine) as session:
        return session.exec(select(EventClock.last_event_id)).one()


def _find_age(engine: Engine) -> float:
    """Return how many seconds old the newest row of the feed is."""
    with Session(engine) as session:
        newest = session.exec(select(Event.at).order_by(col(Event.at).desc()).limit(1)).one()
    return (now() - newest).total_seconds()


def _has(engine: Engine, hit_id: str) -> bool:
    with Session(engine) as session:
        return session.exec(select(Event.id).where(Event.hit_id == hit_id)).first() is not None


def _write(folder: Path, tracking_ids: list[str], hits: int) -> list[Path]:
    """Write finished segments, as an edge leaves them, without its syncs: only reading is measured."""
    dice = random.Random(1)
    start_ms = time.time_ns() // 1_000_000 - OUTAGE_SECONDS * 1000
    paths: list[Path] = []
    for start in range(0, hits, SEGMENT_HITS):
        paths.append(folder / f"{time.time_ns():020d}-bench.unborn")
        with paths[-1].open("wb") as segment:
            for number in range(start, min(start + SEGMENT_HITS, hits)):
                segment.write(
                    _make_frame(dice, tracking_ids, number, start_ms + number * OUTAGE_SECONDS * 1000 // hits)
                )
    return paths


def _make_frame(dice: random.Random, tracking_ids: list[str], number: int, at_ms: int) -> bytes:
    environ = {
        "REQUEST_METHOD": "GET", "HTTP_USER_AGENT": dice.choice(AGENTS), "REMOTE_ADDR": "81.2.69.142",
        MOMENT_KEY: at_ms,
    }  # fmt: skip
    kind: Kind = "pixel" if number % CLICKS_IN else "click"
    target = None if number % CLICKS_IN else f"https://flynn.example/{number % 3}"
    return make_frame(make_record(kind, tracking_ids[number % len(tracking_ids)], environ, 0, 1, target))


if __name__ == "__main__":
    main()
