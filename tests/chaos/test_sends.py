"""Sending under fire, in its short form: the whole of it is `chaos/sends.py`."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORTS = (0, 3)  # the members' app's, by which all are named, and the stand-in's


@pytest.mark.chaos
def test_every_mail_is_accepted_once_while_google_fails_and_workers_are_killed() -> None:
    options = ["--sends", "60", "--kills", "3", "--faults", "0.3", "--port", str(_find_ports())]
    command = [sys.executable, "chaos/sends.py", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[0])
    assert (figures["once"], figures["lost"], figures["doubled"], figures["kills"]) == (60, 0, 0, 3)
    assert figures["message_ids"] == 60


def _find_ports() -> int:
    """Return a port so that it and the stand-in's beside it are free."""
    for port in range(24_005, 30_000, 10):
        try:
            for offset in PORTS:
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")
