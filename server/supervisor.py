"""Starts, watches and stops all processes of `make run`; one that dies is started again."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from server.config import Settings
from server.errors import Refused
from server.valkey import socket_path, valkey_command

START_SECONDS = 60
STOP_SECONDS = 10
RESTART_PAUSE_SECONDS = (0.1, 0.5, 1, 2, 5)
STEADY_SECONDS = 30
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One process to keep alive: its name, its command, and the port or socket that says it is up.

    `environment` is added to that of the supervisor.
    """

    name: str
    command: list[str]
    port: int | None = None
    socket_path: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0
    start_again: float = field(default=0.0)

    def is_up(self) -> bool:
        """Return whether the process runs and, where it listens, accepts a connection."""
        if self.process is None or self.process.poll() is not None:
            return False
        if self.port is None and self.socket_path is None:
            return True
        family = socket.AF_UNIX if self.socket_path else socket.AF_INET
        address = str(self.socket_path) if self.socket_path else ("127.0.0.1", self.port)
        with socket.socket(family, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.settimeout(1)
            probe.connect(address)
            return True
        return False


def make_programs(settings: Settings) -> list[Program]:
    """Return what runs on this machine for `settings`, in the order in which it starts."""
    edge = _granian(settings, "wsgi", "server.edge:create_edge", settings.edge_port, settings.edge_workers, threads=32)
    if settings.ship_to:  # an edge alone: all else runs where its journal goes
        return [
            Program("edge", [*edge, "--host", settings.host], port=settings.edge_port),
            Program("ship", [sys.executable, "worker.py", "ship"]),
        ]
    programs = []
    if not settings.redis_url:
        home = settings.warmline_home
        programs.append(Program("valkey", valkey_command(home), socket_path=socket_path(home)))
    if settings.uses_stand_in:
        stand_in = _granian(settings, "wsgi", "server.sandbox.stand_in:create_app", settings.stand_in_port, threads=8)
        programs.append(Program("stand-in", [*stand_in, "--host", "127.0.0.1"], port=settings.stand_in_port))
    web = _granian(settings, "wsgi", "server.app:create_app", settings.port, settings.web_workers, settings.web_threads)
    stream = _granian(settings, "asgi", "server.feed.stream:create_stream", settings.stream_port)
    programs += [
        Program("edge", [*edge, "--host", settings.host], port=settings.edge_port),
        Program("web", [*web, "--host", settings.host], port=settings.port),
        Program("stream", [*stream, "--host", settings.host], port=settings.stream_port),
        Program("worker-hits", [sys.executable, "worker.py", "hits"]),
        *(Program(f"worker-mail-{n}", [sys.executable, "worker.py", "mail"]) for n in range(settings.mail_workers)),
        Program("ticker", [sys.executable, "worker.py", "ticker"]),
    ]
    programs += [
        Program(f"worker-documents-{n}", [sys.executable, "worker.py", "documents"])
        for n in range(settings.document_workers)
    ]
    if settings.gmail_notifications == "pull":
        programs.append(Program("pull", [sys.executable, "worker.py", "pull"]))
    if settings.uses_stand_in and settings.simulated_recipients:
        programs.append(Program("recipients", [sys.executable, "worker.py", "recipients"]))
    return programs


def _granian(
    settings: Settings, interface: str, target: str, port: int, workers: int = 1, threads: int | None = None
) -> list[str]:
    command = [sys.executable, "-m", "granian", "--interface", interface, "--factory", "--no-ws",
               "--respawn-failed-workers", "--workers-kill-timeout", "5", "--port", str(port),
               "--workers", str(workers), "--log-level", settings.log_level.replace("warning", "warn")]  # fmt: skip
    return [*command, *(["--blocking-threads", str(threads)] if threads else []), target]


class Supervisor:
    """Keeps the programs of one installation running until it is told to stop."""

    def __init__(self, settings: Settings, programs: list[Program]) -> None:
        self.programs = programs
        self.log_dir = settings.warmline_home / "log"
        self.pid_dir = settings.warmline_home / "run"
        self.stopping = False

    def start(self) -> None:
        """Start everything and wait until all of it is up; raises `Refused` naming what is not."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.pid_dir.mkdir(parents=True, exist_ok=True)
        for program in self.programs:
            if program.port:
                _refuse_taken(program)
            self._launch(program)
        deadline = time.monotonic() + START_SECONDS
        while not self.stopping and (waiting := [program for program in self.programs if not program.is_up()]):
            if time.monotonic() > deadline:
                names = ", ".join(program.name for program in waiting)
                raise Refused(f"{names} did not come up within {START_SECONDS} s; see {self.log_dir}")
            self._revive()
            time.sleep(0.05)

    def watch(self) -> None:
        """Start again whatever dies, until `stop` is called."""
        while not self.stopping:
            self._revive()
            time.sleep(0.1)

    def ask_to_stop(self) -> None:
        """Let `start` and `watch` return soon; safe to call from a signal handler."""
        self.stopping = True

    def stop(self) -> None:
        """End all children: ask, wait, then kill the whole group of each."""
        self.stopping = True
        for program in reversed(self.programs):
            _signal_group(program, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for program in self.programs:
            if program.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.process.wait(max(0.1, deadline - time.monotonic()))
                _signal_group(program, signal.SIGKILL)
                program.process.wait()
            (self.pid_dir / f"{program.name}.pid").unlink(missing_ok=True)

    def _revive(self) -> None:
        for program in self.programs:
            if program.process is None:
                if time.monotonic() >= program.start_again and not self.stopping:
                    self._launch(program)
            elif (code := program.process.poll()) is not None and not self.stopping:
                _signal_group(program, signal.SIGKILL)  # a killed parent must not leave children on its port
                steady = time.monotonic() - program.started > STEADY_SECONDS
                program.deaths = 0 if steady else program.deaths + 1
                pause = RESTART_PAUSE_SECONDS[
                    min(program.deaths, len(RESTART_PAUSE_SECONDS)) - 1 if program.deaths else 0
                ]
                print(f"{program.name} ended with {code}; starting it again in {pause} s", file=sys.stderr, flush=True)
                program.process, program.start_again = None, time.monotonic() + pause

    def _launch(self, program: Program) -> None:
        with (self.log_dir / f"{program.name}.log").open("ab") as log:
            program.process = subprocess.Popen(  # noqa: S603 - our own programs
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
                env=os.environ | program.environment,
                cwd=Path(__file__).parent.parent,
            )
        program.started = time.monotonic()
        (self.pid_dir / f"{program.name}.pid").write_text(str(program.process.pid))


def _signal_group(program: Program, number: int) -> None:
    if program.process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.process.pid, number)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _refuse_taken(program: Program) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", program.port))
        except OSError as error:
            variable = {"web": "PORT", "stand-in": "STAND_IN_PORT"}.get(program.name, f"{program.name.upper()}_PORT")
            raise Refused(
                f"Port {program.port} for {program.name} is taken. Set {variable} to a free one, or end what holds it."
            ) from error
