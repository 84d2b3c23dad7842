"""Fills the disk of the journal while mail is read, and counts: no view is answered 200 that is not counted.

    .venv/bin/python chaos/disk_full.py --full 30 --seed 1

The journal stands on a tmpfs of 2 MB that a file fills; where mounting is not allowed, the edge may write no byte more
to any file (RLIMIT_FSIZE). Meanwhile links lead on, and pixels come with 503; afterwards all is well by itself.
"""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

from chaos.grounds import Ground, compare, make_copies, make_parser, perform, wait_for
from chaos.hits import Readers, list_stored

DISK_BYTES = 2 * 2**20
PAUSE_SECONDS = 0.02
AROUND_SECONDS = 2
BACK_SECONDS = 30
FILL_SECONDS = 0.05
LONGEST_SECONDS = 60


def main() -> int:
    """Run the experiment and return 0 when it held."""
    parser = make_parser(__doc__)
    parser.add_argument("--full", type=float, default=30, help="seconds")
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 50)
    with _make_disk(ground.settings.journal_dir) as is_mounted:
        ground.start("valkey", "edge", "worker-hits", "ticker")
        before, during, after = (Readers(ground.settings.edge_port) for _ in range(3))
        _read(before, paths, "before.", AROUND_SECONDS)
        with _fill(ground, is_mounted):
            _read(during, paths, "during.", ground.options.full, until=lambda: during.statuses["pixel 503"])
        time.sleep(AROUND_SECONDS)
        _read(after, paths, "after.", AROUND_SECONDS)
        ground.wait_until_drained(BACK_SECONDS)
        counted = {name for one in (before, during, after) for name in one.ok if _is_counted(one, name)}
        stored = list_stored()
        assert ground.supervisor is not None
        ground.supervisor.stop()
    clicks = {name for one in (before, during, after) for name in one.ok} - counted
    difference = compare(counted, clicks | before.unknown | during.unknown | after.unknown, stored)
    refused = during.statuses["pixel 503"]
    led_on = set(during.statuses) <= {"pixel 503", "pixel 200", "click 302"} and during.statuses["click 302"] > 0
    is_well = set(before.statuses) | set(after.statuses) == {"pixel 200", "click 302"}
    return {
        "holds": led_on and is_well and refused > 0 and not any(difference.values()),
        "by": "tmpfs" if is_mounted else "RLIMIT_FSIZE", "full_seconds": ground.options.full,
        "before": dict(before.statuses), "during": dict(during.statuses), "after": dict(after.statuses), **difference,
    }  # fmt: skip


def _is_counted(readers: Readers, name: str) -> bool:
    """Return whether an answer promised that the hit is kept: a pixel's does, a redirect while the disk is well."""
    return not name.startswith("during.") or int(name.rpartition(".")[2]) % 2 == 0


def _read(
    readers: Readers, paths: list[tuple[str, str]], label: str, seconds: float, until: Callable[[], int] = lambda: 1
) -> None:
    """Read mail for so long, and until `until`: on a full disk the live segment has room in what it took before."""
    thread = threading.Thread(target=readers.go_on, args=(paths, PAUSE_SECONDS, label), daemon=True)
    thread.start()
    time.sleep(seconds)
    with suppress(TimeoutError):  # then the figures say it
        wait_for(until, "a refusal", LONGEST_SECONDS)
    readers.is_over.set()
    thread.join()


@contextmanager
def _make_disk(folder: Path) -> Iterator[bool]:
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    is_mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _fill(ground: Ground, is_mounted: bool) -> Iterator[None]:
    if is_mounted:
        with _keep_full(ground.settings.journal_dir / "filler"):
            yield
        return
    parent = ground.programs["edge"].process
    assert parent is not None
    processes = [parent.pid, *(child.pid for child in psutil.Process(parent.pid).children(recursive=True))]
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in processes}
    for pid, (_soft, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


@contextmanager
def _keep_full(filler: Path) -> Iterator[None]:
    """Leave no page free until the end of the block, also of those that a drained segment gives back."""
    is_full, is_over = threading.Event(), threading.Event()

    def fill() -> None:
        processors = os.sched_getaffinity(0)
        with filler.open("wb", buffering=0) as file:
            while not is_over.wait(FILL_SECONDS):
                for processor in processors:  # each counts a tmpfs's pages in part for itself
                    os.sched_setaffinity(0, {processor})
                    with suppress(OSError):
                        while file.write(b"x" * 4096):
                            pass
                is_full.set()

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        is_full.wait()
        yield
    finally:
        is_over.set()
        thread.join()
        filler.unlink()


if __name__ == "__main__":
    sys.exit(main())
