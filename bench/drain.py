"""Events a second from the journal into the event log.

    .venv/bin/python bench/drain.py [--hits 20000] [--rounds 3] [--database postgresql]

Each round writes a journal of its own and drains it as the job does; the median is printed as a JSON line and a table.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import Session, func, select

from bench.databases import KINDS, make_database
from server.accounts.models import Member, Workspace
from server.base import create_base_app
from server.config import load_settings
from server.db import get_db
from server.events.models import Event
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.messages.models import Copy, CopyState, Message, Recipient
from server.migrate import upgrade
from server.tracking.drain import drain_batch, hold_journal
from server.tracking.frames import make_frame
from server.tracking.hits import Kind, make_record
from server.tracking.journal import SUFFIX

COPIES = 500
CLICKS_IN = 5
AGENTS = [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
    "curl/8.5.0",
    *(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
      "Safari/537.36" for version in range(90, 130)),
]  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-bench-"))
    try:
        with make_database(options.database) as url:
            os.environ |= {
                "WARMLINE_HOME": str(home),
                "DATABASE_URL": url,
                "REDIS_URL": "redis://127.0.0.1:1",
                "LOG_LEVEL": "error",
            }
            rates = [_measure(home, options.hits, number) for number in range(options.rounds)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures = {"case": f"drain, {options.database}", "events_per_second": round(statistics.median(rates)),
               "lowest": round(min(rates)), "highest": round(max(rates)), "hits": options.hits}  # fmt: skip
    print(json.dumps(figures))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>18}  {value}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Events a second from the journal into the event log.")
    parser.add_argument("--hits", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    return parser.parse_args()


def _measure(home: Path, hits: int, number: int) -> float:
    settings = load_settings()
    upgrade(settings.database_url)
    app = create_base_app(settings)
    folder = home / f"journal-{number}"
    with app.app_context(), get_db().session() as session:
        before = session.exec(select(func.count()).select_from(Event)).one()
        _write(folder, _make_copies(session, number), hits)
        begun = time.perf_counter()
        with hold_journal(folder):
            while drain_batch(session, folder, get_keys()):
                session.commit()
        seconds = time.perf_counter() - begun
        after = session.exec(select(func.count()).select_from(Event)).one()
    app.extensions["warmline_db"].dispose()
    if after - before != hits:
        sys.exit(f"{hits} hits became {after - before} events")
    return hits / seconds


def _make_copies(session: Session, number: int) -> list[str]:
    workspace = Workspace(name="Bench")
    session.add(workspace)
    session.flush()
    member = Member(workspace_id=workspace.id or 0, email=f"alice{number}@acme.example")
    session.add(member)
    session.flush()
    mailbox = Mailbox(workspace_id=member.workspace_id, member_id=member.id or 0, email=member.email)
    session.add(mailbox)
    session.flush()
    tracking_ids = []
    for _ in range(COPIES):
        message = Message(
            workspace_id=member.workspace_id, member_id=member.id or 0, mailbox_id=mailbox.id or 0, subject="Mail",
            html="",
        )  # fmt: skip
        session.add(message)
        session.flush()
        copy = Copy(
            message_id=message.id or 0, mailbox_id=mailbox.id or 0, tracking_id=secrets.token_hex(16),
            state=CopyState.SENT,
        )  # fmt: skip
        session.add(copy)
        session.flush()
        session.add(Recipient(message_id=message.id or 0, copy_id=copy.id or 0, address="flynn@arcade.example"))
        tracking_ids.append(copy.tracking_id)
    session.commit()
    return tracking_ids


def _write(folder: Path, tracking_ids: list[str], hits: int) -> None:
    """Write a finished segment, as an edge leaves it, without its syncs: only reading is measured."""
    folder.mkdir()
    dice = random.Random(1)
    with (folder / f"{0:020d}-bench{SUFFIX}").open("wb") as segment:
        for number in range(hits):
            environ = {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": dice.choice(AGENTS), "REMOTE_ADDR": "81.2.69.142"}
            kind: Kind = "pixel" if number % CLICKS_IN else "click"
            target = None if number % CLICKS_IN else f"https://flynn.example/{number % 3}"
            segment.write(make_frame(make_record(kind, dice.choice(tracking_ids), environ, 0, 1, target)))


if __name__ == "__main__":
    main()
