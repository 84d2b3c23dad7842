"""The supervisor keeps real processes alive and leaves none behind; here they are tiny Python programs."""

import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server import supervisor
from server.config import Settings
from server.errors import Refused
from server.supervisor import Program, Supervisor, make_programs
from tests.ports import find_ports

SLEEP = "import time; time.sleep(60)"
LISTEN = (
    "import socket, sys, time; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); "
    "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); time.sleep(60)"
)
# A parent whose child ignores SIGTERM; the child's pid stands in the file.
STUBBORN = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); child = os.fork(); "
    "child and open(sys.argv[1], 'w').write(str(child)); time.sleep(60)"
)


def make_settings(home: Path, **fields: object) -> Settings:
    """Return settings that read nothing from the environment's files."""
    return Settings(_env_file=None, warmline_home=home, **fields)  # type: ignore[arg-type, call-arg]


def make_program(name: str, code: str, *arguments: str, port: int | None = None) -> Program:
    """Return a program that runs `code`."""
    return Program(name, [sys.executable, "-c", code, *arguments], port=port)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Start programs under a supervisor that is stopped at the end of the test."""
    running: list[Supervisor] = []

    def start(*programs: Program) -> Supervisor:
        running.append(Supervisor(make_settings(tmp_path), list(programs)))
        running[-1].start()
        return running[-1]

    yield start
    for one in running:
        one.stop()


def wait_until(is_true: Callable[[], object], seconds: float = 20) -> None:
    """Poll until `is_true` or fail."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def watch_until(running: Supervisor, is_true: Callable[[], object], seconds: float = 20) -> None:
    """Let the supervisor watch, on this thread as in production, and end it by a signal once `is_true`, or fail."""
    deadline = time.monotonic() + seconds

    def look(_number: int, _frame: object) -> None:
        if is_true() or time.monotonic() > deadline:
            running.ask_to_stop()

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        running.watch()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert is_true(), "it did not happen in time"


def is_alive(pid: int) -> bool:
    """Return whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before it is opened, or before it is read
        return False


def names(settings: Settings) -> list[str]:
    """Return the names of what runs for `settings`."""
    return [program.name for program in make_programs(settings)]


def test_by_default_all_that_is_needed_runs_on_this_machine(tmp_path: Path) -> None:
    assert names(make_settings(tmp_path)) == [
        "valkey", "stand-in", "edge", "web", "stream", "worker-hits", "worker-mail-0", "ticker",
        "worker-documents-0", "recipients",
    ]  # fmt: skip


def test_what_stands_elsewhere_is_not_started(tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path, redis_url="redis://redis.example", google_client_id="1", google_client_secret="2", mail_workers=3,
        gmail_notifications="pull",
    )  # fmt: skip
    assert names(settings) == [
        "edge", "web", "stream", "worker-hits", "worker-mail-0", "worker-mail-1", "worker-mail-2", "ticker",
        "worker-documents-0", "pull",
    ]  # fmt: skip


def test_simulated_recipients_can_be_left_out(tmp_path: Path) -> None:
    assert "recipients" not in names(make_settings(tmp_path, simulated_recipients=False))


def test_the_stand_in_never_listens_beyond_this_machine(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, host="0.0.0.0", base_url="https://warmline.example")
    hosts = {
        program.name: program.command[program.command.index("--host") + 1]
        for program in make_programs(settings)
        if "--host" in program.command
    }
    assert hosts == {"stand-in": "127.0.0.1", "edge": "0.0.0.0", "web": "0.0.0.0", "stream": "0.0.0.0"}


def test_start_waits_until_all_listen(run: Callable[..., Supervisor], tmp_path: Path) -> None:
    port = find_ports()
    running = run(make_program("web", LISTEN, str(port), port=port), make_program("worker", SLEEP))
    assert all(program.is_up() for program in running.programs)
    process = running.programs[0].process
    assert process is not None
    assert (tmp_path / "run" / "web.pid").read_text() == str(process.pid)


def test_a_program_that_dies_is_started_again(
    run: Callable[..., Supervisor], capfd: pytest.CaptureFixture[str]
) -> None:
    running = run(make_program("worker", SLEEP), make_program("ticker", SLEEP))
    first, other = (program.process for program in running.programs)
    assert first is not None
    assert other is not None
    os.kill(first.pid, signal.SIGKILL)
    watch_until(running, lambda: (now := running.programs[0].process) not in (None, first) and now.poll() is None)
    assert running.programs[1].process is other
    assert "worker ended with -9; starting it again" in capfd.readouterr().err


def test_what_dies_at_once_is_started_ever_more_slowly(
    run: Callable[..., Supervisor], capfd: pytest.CaptureFixture[str]
) -> None:
    running = run(make_program("worker", SLEEP))
    program = running.programs[0]
    program.command = [sys.executable, "-c", ""]
    assert program.process is not None
    program.process.kill()
    watch_until(running, lambda: program.deaths >= 3)
    assert re.findall(r"again in (\S+) s", capfd.readouterr().err)[:3] == ["0.1", "0.5", "1"]
    assert program.start_again - program.started >= 1


def test_stop_ends_the_whole_group_also_who_ignores_being_asked(
    run: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    file = tmp_path / "child"
    running = run(make_program("worker", STUBBORN, str(file)))
    wait_until(lambda: file.exists() and file.read_text())
    parent, child = running.programs[0].process, int(file.read_text())
    assert parent is not None
    assert is_alive(child)
    running.stop()
    assert parent.poll() is not None
    wait_until(lambda: not is_alive(child))
    assert list((tmp_path / "run").iterdir()) == []


def test_stop_before_and_twice_hurts_nobody(tmp_path: Path) -> None:
    idle = Supervisor(make_settings(tmp_path), [make_program("worker", SLEEP)])
    idle.stop()
    idle.stop()


@pytest.mark.parametrize(
    ("name", "variable"),
    [("web", "PORT"), ("edge", "EDGE_PORT"), ("stream", "STREAM_PORT"), ("stand-in", "STAND_IN_PORT")],
)
def test_a_taken_port_is_refused_and_names_its_setting(tmp_path: Path, name: str, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = Supervisor(make_settings(tmp_path), [make_program(name, SLEEP, port=port)])
        with pytest.raises(Refused, match=rf"Port {port} for {name} is taken. Set {variable} "):
            running.start()
        running.stop()


def test_what_does_not_come_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.3)
    running = Supervisor(make_settings(tmp_path), [make_program("web", SLEEP, port=find_ports())])
    with pytest.raises(Refused, match="web did not come up"):
        running.start()
    running.stop()


def test_a_machine_that_ships_its_journal_runs_an_edge_and_nothing_that_needs_a_database(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, ship_to="https://warmline.example")
    assert [program.name for program in make_programs(settings)] == ["edge", "ship"]
