"""How long a start takes, and what all processes use while nothing happens.

    .venv/bin/python bench/start.py [--rounds 3] [--idle-seconds 20] [--fresh] [--port 22700]

A round starts `warmline run` on an installation that has been started before and waits until its pages, its edge and
its stream answer; the first start of all also makes the database and the demo. Beside it, in the same rounds, the
limit: what one process needs to import the app. Then everything is left alone, and its memory (PSS) and processor time
are read. The stand-in for Gmail and the simulated recipients belong to it; they fall away with a real Google client.
`--fresh` clones this repository and runs `make run` in it, which installs from the package registries.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.figures import Figures, print_table, spread, tell, tell_machine
from bench.processes import find_memory_kb, find_seconds

ROOT = Path(__file__).parents[1]
GOAL_WARM_SECONDS = 10
GOAL_FRESH_SECONDS = 300
GOAL_MEMORY_MB = 1024
GOAL_CORE_PER_CENT = 10
LONGEST_SECONDS = 900
SETTLE_SECONDS = 10
PAGES = (("/readyz", 0), ("/", 1), ("/healthz", 2))  # of the app, the edge and the stream, each at its port
COLUMNS = {"case": "case", "figure": "figure", "lowest": "lowest", "highest": "highest", "goal": "goal",
           "is_within_goal": "met"}  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = _parse()
    tell_machine("start", ("granian",), rounds=options.rounds)
    rows = [tell(_clone_and_start(options.port))] if options.fresh else []
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-start-"))
    try:
        rows += [tell(row) for row in _measure(home, options)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print_table(rows, COLUMNS)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long a start takes and what runs then uses.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle-seconds", type=float, default=20)
    parser.add_argument("--fresh", action="store_true", help="also from a fresh clone; needs the registries")
    parser.add_argument("--port", type=int, default=22_700)
    return parser.parse_args()


def _measure(home: Path, options: argparse.Namespace) -> Iterator[Figures]:
    environment = {"WARMLINE_HOME": str(home), "PORT": str(options.port), "SIMULATED_RECIPIENTS": "false"}
    command = [str(Path(sys.executable).with_name("warmline")), "run"]
    with _start(command, ROOT, environment, options.port) as (_pid, seconds):
        pass
    yield _tell("first start: database and demo are made, seconds", [seconds])
    warm, imports, stops, memory, busy = [], [], [], [], []
    for number in range(options.rounds):
        imports.append(_time_import())
        with _start(command, ROOT, environment, options.port) as (pid, seconds):
            warm.append(seconds)
            if number == options.rounds - 1:
                time.sleep(SETTLE_SECONDS)
                before, begun = find_seconds(pid), time.perf_counter()
                time.sleep(options.idle_seconds)
                busy.append((find_seconds(pid) - before) / (time.perf_counter() - begun) * 100)
                memory.append(find_memory_kb(pid) / 1024)
            stopping = time.perf_counter()
        stops.append(time.perf_counter() - stopping)
    yield _tell("warm start, seconds", warm, GOAL_WARM_SECONDS)
    yield _tell("the limit: one process imports the app, seconds", imports)
    yield _tell("stop, seconds", stops)
    yield _tell("idle: memory of everything, MB", memory, GOAL_MEMORY_MB)
    yield _tell("idle: per cent of one core", busy, GOAL_CORE_PER_CENT)


def _tell(case: str, values: Sequence[float], goal: float | None = None) -> Figures:
    figures = spread(values, 1)
    told: Figures = {"bench": "start", "case": case, "figure": figures["median"], "lowest": figures["lowest"],
                     "highest": figures["highest"], "rounds": len(values)}  # fmt: skip
    if goal is not None:
        told |= {"goal": f"≤ {goal:g}", "is_within_goal": statistics.median(values) <= goal}
    return told


@contextmanager
def _start(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], port: int
) -> Iterator[tuple[int, float]]:
    """Run `command` until the end of the block; yield its pid and the seconds until everything answered."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not all(_answers(port + offset, path) for path, offset in PAGES):
            if process.poll() is not None or time.perf_counter() - begun > LONGEST_SECONDS:
                raise RuntimeError(f"{' '.join(command)} did not come up")
            time.sleep(0.05)
        yield process.pid, time.perf_counter() - begun
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _time_import() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import server.app"], cwd=ROOT, check=True)
    return time.perf_counter() - begun


def _clone_and_start(port: int) -> Figures:
    """Clone what is committed here into an empty folder, start it, and return the seconds until it answered."""
    folder = Path(tempfile.mkdtemp(prefix="warmline-bench-clone-"))
    try:
        begun = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(folder / "warmline")], check=True)
        cloned = time.perf_counter() - begun
        with _start(["make", "run"], folder / "warmline", {"PORT": str(port), "WARMLINE_HOME": "var"}, port) as started:
            return _tell("fresh clone to ready, seconds", [cloned + started[1]], GOAL_FRESH_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
