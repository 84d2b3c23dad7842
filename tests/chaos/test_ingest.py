"""Ingest under fire, in its short form: the whole of it is `chaos/ingest.py`."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.chaos
def test_every_answered_hit_is_stored_once_while_programs_are_killed() -> None:
    command = [sys.executable, "chaos/ingest.py", "--hits", "1000", "--kills", "6", "--port", str(_find_ports())]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[0])
    assert (figures["ok"], figures["lost"], figures["invented"], figures["doubled"]) == (1000, 0, 0, 0)
    assert sum(figures["kills"].values()) == 6


def _find_ports() -> int:
    """Return the first of two neighbouring free ports: the members' app and the edge."""
    for port in range(24_000, 30_000, 10):
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue
    raise AssertionError("no two neighbouring ports are free")
