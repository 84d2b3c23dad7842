"""Runs a command on a hostile file in a process group of its own, watches what it takes, and always ends all of it.

The limits that a process can take itself stand in jailed.py; the memory in use, the size of all output, the time on the
clock and standing still are watched from here.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

JAILED = Path(__file__).with_name("jailed.py")
PYTHON_FOLDERS = (sys.prefix, sys.base_prefix)
SYSTEM_FOLDERS = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives",
    "/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice", "/var/cache/fontconfig",
    "/etc/ssl/openssl.cnf",
    "/dev/null", "/dev/urandom", "/dev/zero", "/proc/self", "/proc/meminfo", "/proc/cpuinfo",
    "/proc/stat", "/sys/devices/system/cpu", "/sys/fs/cgroup",
)  # fmt: skip
REASON_OF_STATUS = {126: "refused", -signal.SIGXCPU: "timeout", -signal.SIGXFSZ: "output"}
TICK_SECONDS = 0.1
STALL_CPU_SECONDS = 0.25
LINE_BYTES = 65_536
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Stopped(Exception):
    """The command did not end well; `reason` is timeout, memory, output, stalled, refused or crashed."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(f"{reason} ({status})")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may take. `address_bytes` 0 leaves the address space alone: WebAssembly reserves much.

    `needs` names the locks without which it must not run: "network", "files".
    """

    seconds: float = 180
    cpu_seconds: float = 50
    memory_bytes: int = 2 * 2**30
    address_bytes: int = 0
    output_bytes: int = 400 * 2**20
    stall_seconds: float = 0
    needs: tuple[str, ...] = ()


def run_jailed(command: Sequence[str], folder: Path, limits: Limits, read: Sequence[str] = ()) -> Iterator[str]:
    """Run `command` in `folder`, the only one it may write, and yield each line it prints; raises `Stopped`.

    An empty line is yielded about every second, so that the caller can tell how far it is.
    """
    options = {
        "cpu_seconds": int(limits.cpu_seconds) + 1, "address_bytes": limits.address_bytes,
        "file_bytes": limits.output_bytes, "read": [*SYSTEM_FOLDERS, *PYTHON_FOLDERS, *read], "write": [str(folder)],
        "needs": limits.needs,
    }  # fmt: skip
    home = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
    process = subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, "-I", "-S", str(JAILED), json.dumps(options), "--", *command],
        cwd=folder, env=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield from _watch(process, folder, limits)
        status = process.wait(timeout=TICK_SECONDS * 20)
    except subprocess.TimeoutExpired:
        raise Stopped("timeout") from None
    finally:
        _end_group(process)
    if status:
        raise Stopped(REASON_OF_STATUS.get(status, "crashed"), status)


@cache
def find_locks() -> frozenset[str]:
    """Return which locks this machine can hold: "network", "files"."""
    ask = f"import runpy; print(*runpy.run_path({str(JAILED)!r})['take_locks']([], []))"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", ask], capture_output=True, text=True, check=False)  # noqa: S603
    return frozenset(answer.stdout.split())


def _watch(process: "subprocess.Popen[bytes]", folder: Path, limits: Limits) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101 - we asked for a pipe
    started = moved = told = time.monotonic()
    burnt, rest = 0.0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            has_ended = process.poll() is not None  # asked before looking: what it printed until then is in the pipe
            if selector.select(TICK_SECONDS):
                data = os.read(process.stdout.fileno(), LINE_BYTES)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
                rest = rest[:LINE_BYTES]
            elif has_ended:
                return  # what it left behind holds the pipe open
            now = time.monotonic()
            memory, cpu, is_busy = _measure(process.pid)
            if cpu - burnt > STALL_CPU_SECONDS or is_busy:
                burnt, moved = cpu, now
            if cpu > limits.cpu_seconds:
                raise Stopped("timeout")
            _judge(limits, now - started, now - moved, memory, folder)
            if now - told > 1:
                told = now
                yield ""


def _judge(limits: Limits, elapsed: float, still: float, memory: int, folder: Path) -> None:
    if elapsed > limits.seconds:
        raise Stopped("timeout")
    if memory > limits.memory_bytes:
        raise Stopped("memory")
    if limits.stall_seconds and still > limits.stall_seconds:
        raise Stopped("stalled")
    if _size_of(folder) > limits.output_bytes:
        raise Stopped("output")


def _measure(group: int) -> tuple[int, float, bool]:
    """Return the memory in bytes and the processor's seconds of a process group, and whether it has anything to do."""
    memory, ticks, is_busy = 0, 0, False
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[2]) == group:
            memory += int(fields[21]) * PAGE_BYTES
            ticks += int(fields[11]) + int(fields[12])
            is_busy = is_busy or _is_busy(path.parent)
    return memory, ticks / TICKS, is_busy


def _is_busy(process: Path) -> bool:
    """Return whether a thread runs, waits for its turn, or for the disk."""
    for path in process.glob("task/[0-9]*/stat"):
        try:
            if path.read_text().rpartition(")")[2].split()[0] in "RD":
                return True
        except OSError:  # it ended meanwhile
            continue
    return False


def _size_of(folder: Path) -> int:
    total = 0
    for parent, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def find_program(name: str) -> str | None:
    """Return the real path of a program on the PATH."""
    found = shutil.which(name)
    return os.path.realpath(found) if found else None
