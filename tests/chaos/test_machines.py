"""Several edges and workers under fire, in its short form: the whole of it is `chaos/machines.py`."""

import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORTS = 20


@pytest.mark.chaos
def test_every_hit_answered_by_any_edge_is_stored_once_by_any_worker() -> None:
    command = [sys.executable, "chaos/machines.py", "--hits", "600", "--kills", "6", "--port", str(_find_ports())]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[0])
    assert (figures["ok"], figures["lost"], figures["invented"], figures["doubled"]) == (600, 0, 0, 0)
    assert sum(figures["kills"].values()) == 6


def _find_ports() -> int:
    """Return the first of neighbouring free ports, enough for five machines."""
    for port in range(24_500, 30_000, PORTS):
        try:
            with ExitStack() as held:
                for number in range(port, port + PORTS):
                    held.enter_context(socket.create_server(("127.0.0.1", number)))
                return port
        except OSError:
            continue
    raise AssertionError("not enough neighbouring ports are free")
