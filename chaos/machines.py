"""Several edges ship their journals to several workers while all of them are killed; every answered hit is one event.

    .venv/bin/python chaos/machines.py --hits 6000 --kills 30 --seed 1 [--database postgresql]

Each machine is a set of processes with a home of its own. The edges know neither the database nor Redis: they have the
keys and the address of the members' app of one worker machine. What is counted is as in chaos/ingest.py.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import Session, select

from bench.databases import make_database
from chaos.grounds import read_sizes
from chaos.ingest import MAX_DELAY_SECONDS, Load, _compare, _make_copies, _print_table, _wait_until_up
from server import supervisor as supervising
from server.config import Settings
from server.db import Database
from server.events.models import JournalCursor
from server.migrate import upgrade
from server.supervisor import Program, Supervisor, make_programs
from server.tracking.drain import list_segments
from server.valkey import start_valkey

EDGES, WORKERS = 3, 2
WORKER_PROGRAMS = ("web", "worker-hits", "ticker")
VICTIMS = ("edge", "ship", "web", "worker-hits")
PORTS_PER_MACHINE = 4
THREADS_PER_EDGE = 2
SETTLE_SECONDS = 120
START_SECONDS = 300  # a dozen processes start at once, and one machine plays five


class Machine:
    """One machine: its home, its settings, and the programs of those that run on it."""

    def __init__(self, home: Path, name: str, wanted: tuple[str, ...], **fields: object) -> None:
        self.settings = Settings(_env_file=None, warmline_home=home / name, **fields)  # type: ignore[arg-type, call-arg]
        self.settings.warmline_home.mkdir()
        environment = {key.upper(): str(value) for key, value in fields.items()}
        environment["WARMLINE_HOME"] = str(self.settings.warmline_home)
        self.programs = [one for one in make_programs(self.settings) if one.name in wanted]
        for program in self.programs:
            program.name = f"{name}-{program.name}"
            program.environment = environment


def main() -> int:
    """Run the experiment, print what was counted, and return 0 when nothing was lost or doubled."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-machines-"))
    valkey, redis_url = start_valkey(home)
    begun = time.monotonic()
    try:
        with make_database(options.database) as url:
            figures = _experiment(home, url, redis_url, options)
    finally:
        valkey.terminate()
        valkey.wait()
        shutil.rmtree(home, ignore_errors=True)
    figures |= {"seconds": round(time.monotonic() - begun, 1), "database": options.database, "seed": options.seed}
    print(json.dumps(figures))
    _print_table(figures)
    return 0 if figures["holds"] else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hits", type=int, default=6000, help="of all edges together")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--port", type=int, default=22_100)
    return parser.parse_args()


def _make_machines(home: Path, url: str, redis_url: str, port: int) -> tuple[list[Machine], list[Machine]]:
    """Return the worker machines and the edge machines."""
    keys = f"1:{b64encode(secrets.token_bytes(32)).decode()}"
    ports = range(port, port + (WORKERS + EDGES) * PORTS_PER_MACHINE, PORTS_PER_MACHINE)
    workers = [
        Machine(
            home, f"worker{n}", WORKER_PROGRAMS, port=ports[n], database_url=url, redis_url=redis_url,
            warmline_keys=keys, simulated_recipients=False,
        )
        for n in range(WORKERS)
    ]  # fmt: skip
    edges = [
        Machine(
            home, f"edge{n}", ("edge", "ship"), port=ports[WORKERS + n], warmline_keys=keys,
            ship_to=workers[n % WORKERS].settings.base_url, database_url="postgresql://127.0.0.1:9/none",
            redis_url="redis://127.0.0.1:9",
        )
        for n in range(EDGES)
    ]  # fmt: skip
    return workers, edges


def _experiment(home: Path, url: str, redis_url: str, options: argparse.Namespace) -> dict[str, object]:
    upgrade(url)
    db = Database(url)
    workers, edges = _make_machines(home, url, redis_url, options.port)
    paths = _make_copies(workers[0].settings, db)
    share = options.hits // EDGES
    loads = [
        Load("127.0.0.1", edge.settings.edge_port, paths, share * (n + 1), released=share * n, taken=share * n)
        for n, edge in enumerate(edges)
    ]
    programs = [program for machine in (*workers, *edges) for program in machine.programs]
    supervising.START_SECONDS = START_SECONDS
    supervisor = Supervisor(workers[0].settings, programs)
    kills: Counter[str] = Counter()
    try:
        supervisor.start()
        threads = [threading.Thread(target=load.run, daemon=True) for load in loads for _ in range(THREADS_PER_EDGE)]
        for thread in (threading.Thread(target=supervisor.watch, daemon=True), *threads):
            thread.start()
        _kill_at_random(programs, loads, share, random.Random(options.seed), options.kills, kills)
        for thread in threads:
            thread.join()
        waited = _wait_until_settled(workers, edges, db)
    finally:
        supervisor.stop()
    whole = Load("", 0, [], share * EDGES)
    for load in loads:
        whole.ok |= load.ok
        whole.failed |= load.failed
        whole.unknown |= load.unknown
    with db.session(write=False) as session:
        figures = _compare(session, whole)
    db.dispose()
    left = sum(len(list_segments(edge.settings.journal_dir)) for edge in edges)
    return figures | {
        "settled_after_seconds": waited,
        "segments_left_on_edges": left,
        "kills": dict(sorted(kills.items())),
    }


def _kill_at_random(
    programs: list[Program], loads: list[Load], share: int, dice: random.Random, kills: int, counts: "Counter[str]"
) -> None:
    """Release the hits of all edges in slices, and kill one program of one machine within each."""
    victims = [program for program in programs if program.name.partition("-")[2] in VICTIMS]
    for mark in sorted(dice.sample(range(1, share), kills)):
        victim, delay = dice.choice(victims), dice.uniform(0, MAX_DELAY_SECONDS)
        _wait_until_up(victim)
        for n, load in enumerate(loads):
            load.release(share * n + mark)
        time.sleep(delay)
        if victim.process is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(victim.process.pid, signal.SIGKILL)
            victim.process.wait()
            counts[victim.name.partition("-")[2]] += 1
    for load in loads:
        load.release(load.hits)


def _wait_until_settled(workers: list[Machine], edges: list[Machine], db: Database) -> float:
    """Wait until every byte of every journal is shipped and drained; return the seconds it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < SETTLE_SECONDS:
        is_shipped = all(_is_shipped(edge.settings.journal_dir) for edge in edges)
        with db.session(write=False) as session:
            if is_shipped and all(_is_drained(worker.settings.journal_dir, session) for worker in workers):
                break
        time.sleep(0.1)
    return round(time.monotonic() - begun, 1)


def _is_shipped(folder: Path) -> bool:
    try:
        shipped = json.loads((folder / "shipped.json").read_text())
        return all(shipped.get(path.name, 0) >= path.stat().st_size for path in list_segments(folder))
    except (OSError, ValueError):
        return False


def _is_drained(folder: Path, session: Session) -> bool:
    drained = dict(session.exec(select(JournalCursor.segment, JournalCursor.drained_bytes)).all())
    return all(drained.get(name, 0) >= size for name, size in read_sizes(folder).items())


if __name__ == "__main__":
    sys.exit(main())
