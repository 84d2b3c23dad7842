"""Campaigns under fire, in short form: the whole of it is `chaos/campaigns.py`."""

import json
import subprocess
import sys

import pytest

from tests.chaos.test_sends import ROOT, _find_ports


@pytest.mark.chaos
def test_no_mail_leaves_after_an_answer_while_workers_and_tickers_are_killed() -> None:
    options = ["--reps", "3", "--people", "4", "--kills", "2", "--pause", "2", "--lead", "4", "--faults", "0.3"]
    command = [sys.executable, "chaos/campaigns.py", "replies", "--seed", "1", *options, "--port", str(_find_ports())]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[0])
    assert (figures["late"], figures["doubled"], figures["wrong_sender"], figures["not_as_noted"]) == (0, 0, 0, 0)
    assert figures["answers"] > 3
