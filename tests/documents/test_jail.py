"""What runs on a hostile file cannot reach out, cannot read on, and cannot take more than it may."""

import sys
import time
from pathlib import Path

import pytest

from server.documents.jail import Limits, Stopped, find_locks, run_jailed
from tests.stand_in import wait_until

SOON_SECONDS = 120  # it gives way to all else that runs; less than the time on the clock and any sleep here
TRY = """
import socket
for name, act in {acts}:
    try:
        eval(act)
    except OSError:
        print(name, "refused")
    else:
        print(name, "done")
"""


def run(folder: Path, code: str, **limits: object) -> list[str]:
    command = [sys.executable, "-I", "-c", code]
    return [line for line in run_jailed(command, folder, Limits(**limits)) if line]  # type: ignore[arg-type]


@pytest.mark.skipif(find_locks() != {"files", "network"}, reason="this kernel has no Landlock or no seccomp")
def test_it_has_no_network_and_no_files_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("x")
    acts = {
        "inet": "socket.socket()",
        "inet6": "socket.socket(socket.AF_INET6)",
        "unix": f"socket.socket(socket.AF_UNIX).connect({str(tmp_path / 'valkey')!r})",
        "secret": f"open({str(tmp_path / 'secret')!r})",
        "outside": f"open({str(tmp_path / 'new')!r}, 'w')",
        "environment": "open('/proc/1/environ').read()",
        "session": "__import__('os').setsid()",
        "own": "open('own', 'w')",
    }
    lines = run(tmp_path / "in", TRY.format(acts=list(acts.items())))
    assert lines == [f"{name} {'done' if name == 'own' else 'refused'}" for name in acts]


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("while True: pass", {"cpu_seconds": 1}, "timeout"),
        ("import time; time.sleep(600)", {"seconds": 1}, "timeout"),
        ("import time; time.sleep(600)", {"stall_seconds": 1}, "stalled"),
        ("a = b'x' * 2**28; import time; time.sleep(600)", {"memory_bytes": 2**27}, "memory"),
        ("b'x' * 2**30", {"address_bytes": 2**28}, "crashed"),
        ("for n in range(9): open(str(n), 'w').write('x' * 2**20)\nimport time; time.sleep(600)",
         {"output_bytes": 2**22}, "output"),
        ("open('large', 'w').write('x' * 2**23)", {"output_bytes": 2**22}, "crashed"),
        ("raise SystemExit(3)", {}, "crashed"),
    ],
)  # fmt: skip
def test_what_takes_too_much_is_ended_with_its_reason(
    tmp_path: Path, code: str, limits: dict[str, object], reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(Stopped) as stopped:
        run(tmp_path, code, **limits)
    assert stopped.value.reason == reason
    assert time.monotonic() - began < SOON_SECONDS


def test_what_it_leaves_running_is_ended_too(tmp_path: Path) -> None:
    code = "import os, time\nif os.fork() == 0: time.sleep(600)\nelse: print(os.getpgrp())"
    [group] = run(tmp_path, code)
    wait_until(lambda: not _list_running(int(group)), "the end of what it left")


def _list_running(group: int) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/stat") if _group_of(path) == group]


def _group_of(path: Path) -> int:
    try:
        state, _parent, group = path.read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return 0 if state == "Z" else int(group)
