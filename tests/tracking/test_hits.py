"""Each hit has an id of its own, also where a process was forked from another."""

import json
import re
import subprocess
import sys

from server.tracking.hits import IDS_AT_ONCE, make_record

ENVIRON = {"REQUEST_METHOD": "GET"}


def make_id() -> str:
    hit_id: str = json.loads(make_record("pixel", "a" * 32, ENVIRON, 0))["id"]
    return hit_id


def test_ids_are_random_and_never_come_twice() -> None:
    ids = [make_id() for _ in range(3 * IDS_AT_ONCE)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


def test_a_forked_process_gives_other_ids() -> None:
    code = """
import json, os
from server.tracking.hits import make_record
# One write a line: print writes the line and its end apart, and another process may come between.
tell = lambda: os.write(1, (json.loads(make_record("pixel", "a", {"REQUEST_METHOD": "GET"}, 0))["id"] + "\\n").encode())
tell()
child = os.fork()
tell()
child and os.waitpid(child, 0)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(set(run.stdout.split())) == 3
