"""Running a command of `chaos/` or `bench/` as a person runs it, in its short form."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.ports import find_ports

ROOT = Path(__file__).parents[1]
PORTS = 20  # enough for five machines


def perform(path: str, *options: str, seconds: float = 400) -> list[dict[str, Any]]:
    """Return the JSON lines that `path` prints, which must end well within `seconds`."""
    command = [sys.executable, path, *options, "--port", str(find_ports(PORTS))]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
