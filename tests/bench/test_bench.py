"""The measurements run, in their smallest form; whether a goal is met is not asked here, for tests run beside."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.performing import ROOT, perform


@pytest.mark.chaos
def test_hits_are_measured_and_all_of_them_stand_in_the_journal() -> None:
    lines = perform("bench/hits.py", "--rounds", "1", "--seconds", "1", "--processes", "1", "--only", "pixel,click")
    assert [line["case"] for line in lines] == ["machine", "pixel", "click", "journal"]
    assert lines[1]["per_second"] > 0 and lines[1]["errors"] == 0


@pytest.mark.chaos
def test_a_backlog_is_drained_by_real_workers() -> None:
    lines = perform("bench/drain.py", "--hits", "200", "--rounds", "1", "--workers", "1", "--database", "sqlite")
    assert lines[1]["per_second"] > 0 and lines[1]["newest_hit_waits_seconds"] > 0


@pytest.mark.chaos
def test_every_reply_in_a_mailbox_is_found_and_its_quota_counted() -> None:
    lines = perform("bench/sync.py", "--mailboxes", "2", "--mails", "10", "--rounds", "1")
    # Two pages of history and ten mails for one reply.
    assert lines[1]["units_per_reply"] == 2 * 2 + 10 * 5


@pytest.mark.parametrize("name", ["eye", "screens", "start"])
def test_larger_measurements_explain_themselves(name: str) -> None:
    command = [sys.executable, f"bench/{name}.py", "--help"]
    assert "--rounds" in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_what_was_measured_is_drawn(tmp_path: Path) -> None:
    line = {"bench": "drain", "case": "<sqlite>, 1 workers", "per_second": 3000}
    (tmp_path / "drain.txt").write_text(f"{json.dumps(line)}\n\n| a table |\n")
    (tmp_path / "inbound.txt").write_text("a table only\n")
    command = [sys.executable, "bench/plot.py", *map(str, tmp_path.iterdir())]
    subprocess.run(command, cwd=ROOT, check=True)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["drain.svg"]
    texts = [text.text for text in ET.parse(tmp_path / "drain.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert texts[1:] == ["<sqlite>, 1 workers", "3,000"]
