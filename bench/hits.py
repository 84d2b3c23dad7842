"""Durable hits a second: the edge's pixel and click beside a Flask route that commits one INSERT a hit.

    .venv/bin/python bench/hits.py [--rounds 5] [--seconds 2] [--connections 32]

All run under granian with the same threads, one after the other in interleaved rounds; the medians are printed as one
JSON line a case and as a table. After the rounds the journal is read: every answer must stand in it.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from flask import Flask, Response, request
from sqlalchemy import text

from bench.load import Result, run_load
from server.clock import now
from server.config import load_settings
from server.db import make_engine
from server.keys import Keyring
from server.tracking.drain import list_segments
from server.tracking.frames import read_frames
from server.tracking.hot import GIF
from server.tracking.tokens import link_url, pixel_url

ROOT = Path(__file__).parents[1]
THREADS = 32
WARM_UP_SECONDS = 0.3


@dataclass
class Case:
    """One thing measured: its server's port, what is asked of it, and what each round gave."""

    name: str
    port: int
    path: str
    status: int
    rounds: list[Result] = field(default_factory=list)

    def summarise(self) -> dict[str, object]:
        """Return the medians of the rounds, and the spread of the rate."""
        rates = [result.rate for result in self.rounds]
        return {
            "case": self.name,
            "requests_per_second": round(statistics.median(rates)),
            "lowest": round(min(rates)),
            "highest": round(max(rates)),
            "p50_ms": round(statistics.median(result.percentile(0.5) for result in self.rounds), 2),
            "p99_ms": round(statistics.median(result.percentile(0.99) for result in self.rounds), 2),
            "errors": sum(result.errors for result in self.rounds),
        }


def create_baseline() -> Flask:
    """Return a Flask app with one route: the usual way, one committed INSERT a hit (SQLite, WAL, synchronous=FULL)."""
    engine = make_engine(f"sqlite:///{os.environ['WARMLINE_HOME']}/baseline.sqlite")
    app = Flask(__name__)

    @app.get("/o/<token>.gif")
    def pixel(token: str) -> Response:
        row = {"id": secrets.token_hex(16), "at": now().isoformat(), "token": token, "agent": str(request.user_agent)}
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO hit (id, at, token, agent) VALUES (:id, :at, :token, :agent)"), row)
        return Response(GIF, mimetype="image/gif", headers={"Cache-Control": "no-store"})

    return app


def main() -> None:
    """Measure all cases and print them."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-"))
    os.environ |= {"WARMLINE_HOME": str(home), "DATABASE_URL": "", "EDGE_BASE_URL": "", "PORT": str(options.port)}
    edge, baseline = options.port + 1, options.port + 2
    servers = []
    try:
        cases = _make_cases(edge, baseline)
        _make_table(home)
        servers = [_start("server.edge:create_edge", edge), _start("bench.hits:create_baseline", baseline)]
        sync_ms = _measure_sync(home)
        _run_rounds(cases, options)
        in_journal = sum(1 for path in list_segments(home / "journal") for _ in read_frames(path.read_bytes()))
    finally:
        for server in servers:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        shutil.rmtree(home, ignore_errors=True)
    _print(cases, sync_ms, in_journal)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Durable hits a second.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--port", type=int, default=22_100)
    return parser.parse_args()


def _make_cases(edge: int, baseline: int) -> list[Case]:
    settings = load_settings()
    keys, copy, sender = Keyring.load(settings), secrets.token_hex(16), secrets.token_hex(6)
    pixel = pixel_url(settings, keys, sender, copy).removeprefix(settings.edge_base_url)
    target = "https://flynnsarcade.example/products/light-cycle?utm_source=mail#prices"
    link = link_url(settings, keys, sender, copy, 1, target).removeprefix(settings.edge_base_url)
    return [
        Case("pixel", edge, pixel, 200),
        Case("click", edge, link, 302),
        Case("flask, one INSERT a hit", baseline, f"/o/{pixel.rsplit('/', 1)[1]}", 200),
    ]


def _make_table(home: Path) -> None:
    engine = make_engine(f"sqlite:///{home}/baseline.sqlite")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE hit (id TEXT PRIMARY KEY, at TEXT, token TEXT, agent TEXT)"))
    engine.dispose()


def _start(target: str, port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--workers", "1",
               "--blocking-threads", str(THREADS), "--log-level", "error", "--port", str(port), target]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise TimeoutError(f"{target} did not come up on port {port}")


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
        run_load(case.port, case.path, case.status, WARM_UP_SECONDS, options.connections)
    for _ in range(options.rounds):
        for case in cases:
            case.rounds.append(run_load(case.port, case.path, case.status, options.seconds, options.connections))


def _print(cases: list[Case], sync_ms: float, in_journal: int) -> None:
    rows = [case.summarise() for case in cases]
    for row in rows:
        print(json.dumps({**row, "fdatasync_ms": sync_ms}))
    answered = sum(len(result.latencies) for case in cases[:2] for result in case.rounds)
    print(json.dumps({"case": "journal", "answered": answered, "in_journal": in_journal}))
    print(f"\n{'':26}{'req/s':>9}{'lowest':>9}{'highest':>9}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}")
    for row in rows:
        print(
            f"{row['case']:26}" + "".join(f"{value:>9}" for value in list(row.values())[1:-1]) + f"{row['errors']:>8}"
        )
    if in_journal < answered:
        sys.exit(f"{answered} hits were answered and only {in_journal} are in the journal")


if __name__ == "__main__":
    main()
