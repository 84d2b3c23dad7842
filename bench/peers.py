"""The servers measured beside the edge and how each is started; each ends with its block."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import text

from server.clock import now
from server.db import make_engine
from server.tracking.hot import GIF, PIXEL_HEADERS, StartResponse, Wsgi
from server.tracking.journal import Journal

ROOT = Path(__file__).parents[1]
START_SECONDS = 60
THREADS = 32
TABLE = "CREATE TABLE IF NOT EXISTS hit (id VARCHAR(32) PRIMARY KEY, at TEXT, token TEXT, agent TEXT)"
RECORD = b"x" * 400
INSERT = "INSERT INTO hit (id, at, token, agent) VALUES (:id, :at, :token, :agent)"
NGINX_CONF = """
daemon off; worker_processes {processes}; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log {folder}/access.log; keepalive_requests 1000000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
}}
"""


def create_inserting() -> Flask:
    """Return a Flask app that commits one INSERT a hit into BENCH_DATABASE_URL; SQLite in WAL, synchronous=FULL."""
    engine = make_engine(os.environ["BENCH_DATABASE_URL"])
    app = Flask(__name__)

    @app.get("/o/<token>.gif")
    def pixel(token: str) -> Response:
        row = {"id": secrets.token_hex(16), "at": now().isoformat(), "token": token, "agent": str(request.user_agent)}
        with engine.begin() as connection:
            connection.execute(text(INSERT), row)
        return Response(GIF, mimetype="image/gif", headers={"Cache-Control": "no-store"})

    return app


def create_pytracking() -> Flask:
    """Return a Flask app that reads pytracking's address and answers its pixel; it keeps nothing."""
    import pytracking

    app = Flask(__name__)
    configuration = pytracking.Configuration(base_open_tracking_url="http://127.0.0.1/o/")
    pixel, mimetype = pytracking.get_open_tracking_pixel()

    @app.get("/o/<path:path>")
    def opened(path: str) -> Response:
        data = {"user_agent": str(request.user_agent), "user_ip": request.remote_addr}
        pytracking.get_open_tracking_result(path, request_data=data, configuration=configuration)
        return Response(pixel, mimetype=mimetype, headers={"Cache-Control": "no-store"})

    return app


def create_bare() -> Wsgi:
    """Return a bare WSGI callable that answers the pixel and does nothing else: what the server itself allows."""

    def answer(_environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", PIXEL_HEADERS)
        return [GIF]

    return answer


def create_bare_with_journal() -> Wsgi:
    """Return the same with the edge's journal and a record that is always the same."""
    journal = Journal(Path(os.environ["BENCH_JOURNAL"]))

    def answer(_environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        journal.append(RECORD)
        start_response("200 OK", PIXEL_HEADERS)
        return [GIF]

    return answer


def make_pytracking_path() -> str:
    """Return the path of a pixel of pytracking's."""
    import pytracking

    configuration = pytracking.Configuration(base_open_tracking_url="http://127.0.0.1/o/")
    url: str = pytracking.get_open_tracking_url({"copy": secrets.token_hex(16)}, configuration=configuration)
    return url.removeprefix("http://127.0.0.1")


def make_table(url: str) -> None:
    """Make the table that `create_inserting` fills."""
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    engine.dispose()


@contextmanager
def run_granian(target: str, port: int, processes: int, **environment: str) -> Iterator[None]:
    """Serve `target` as the supervisor serves the edge, by `processes` of 32 threads each."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--workers",
               str(processes), "--blocking-threads", str(THREADS), "--log-level", "error", "--port", str(port),
               target]  # fmt: skip
    with _run([command], port, **environment):
        yield


@contextmanager
def run_nginx(folder: Path, port: int, processes: int) -> Iterator[None]:
    """Serve nginx's `empty_gif` with its access log."""
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port, processes=processes))
    command = [
        find_nginx() or "nginx",
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "error.log"),
    ]
    with _run([command], port):
        yield


def find_nginx() -> str | None:
    """Return where nginx is; Debian keeps it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def run_durable(folder: Path, port: int, processes: int) -> Iterator[None]:
    """Compile durable.c and serve it; processes share the port, and each has a file of its own."""
    folder.mkdir()
    program = folder / "durable"
    subprocess.run(["cc", "-O2", "-o", str(program), str(ROOT / "bench" / "durable.c")], check=True)
    with _run([[str(program), str(port), str(folder / f"log-{number}")] for number in range(processes)], port):
        yield


@contextmanager
def _run(commands: Sequence[Sequence[str]], port: int, **environment: str) -> Iterator[None]:
    environment = {**os.environ, **environment}
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) for command in commands]
    try:
        _wait_until_up(commands[0], port)
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_up(command: Sequence[str], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{' '.join(command)} did not come up on port {port}")
