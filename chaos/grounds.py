"""The ground of every experiment: an installation in a home of its own, its processes, and what is told at the end."""

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from sqlmodel import Session, select

from chaos.databases import Database, make_database
from server.accounts.models import Member, Workspace
from server.base import create_base_app
from server.config import Settings, load_settings
from server.db import get_db
from server.events.models import JournalCursor
from server.gmail.models import Mailbox
from server.keys import Keyring, get_keys
from server.messages.models import Copy, CopyState, Message, Recipient
from server.migrate import upgrade
from server.supervisor import Program, Supervisor, make_programs
from server.tracking.drain import list_segments
from server.tracking.tokens import link_url, pixel_url

TARGET = "https://www.acme.example/lunch?a=1&b=2#menu"
UP_SECONDS = 60
POLL_SECONDS = 0.05


@dataclass
class Ground:
    """One installation under fire. `dice` falls alike for the same seed."""

    options: argparse.Namespace
    app: Flask
    settings: Settings
    database: Database
    dice: random.Random
    programs: dict[str, Program] = field(default_factory=dict)
    supervisor: Supervisor | None = None

    def start(self, *names: str, more: tuple[Program, ...] = ()) -> None:
        """Start these programs of `make run` and `more`, wait until they are up, and revive what dies from then on."""
        made = {program.name: program for program in make_programs(self.settings)}
        self.programs = {name: made[name] for name in names} | {program.name: program for program in more}
        self.supervisor = Supervisor(self.settings, list(self.programs.values()))
        self.supervisor.start()
        threading.Thread(target=self.supervisor.watch, daemon=True).start()

    def kill(self, name: str) -> None:
        """Wait until a program is up and kill it -9, with its children."""
        program = self.programs[name]
        wait_for(program.is_up, f"{name} to come up", UP_SECONDS)
        if (process := program.process) is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def wait_until_drained(self, seconds: float = 120) -> float:
        """Wait until every byte of the journal is drained; return the seconds it took."""
        return wait_for(self._is_drained, "the journal to be drained", seconds)

    def _is_drained(self) -> bool:
        with get_db().session(write=False) as session:
            drained = dict(session.exec(select(JournalCursor.segment, JournalCursor.drained_bytes)).all())
        sizes = read_sizes(self.settings.journal_dir)
        return all(drained.get(name, 0) >= size for name, size in sizes.items())


@contextmanager
def open_ground(options: argparse.Namespace, **environment: str) -> Iterator[Ground]:
    """Yield an installation with an empty database; nothing runs yet, and nothing is left of it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="warmline-chaos-"))
    os.environ |= {
        "WARMLINE_HOME": str(home), "HOST": "127.0.0.1", "PORT": str(options.port), "BASE_URL": "", "REDIS_URL": "",
        "EDGE_PORT": "", "EDGE_BASE_URL": "", "STREAM_PORT": "", "STREAM_BASE_URL": "", "STAND_IN_PORT": "",
        "GOOGLE_CLIENT_ID": "", "GOOGLE_CLIENT_SECRET": "", "GMAIL_NOTIFICATIONS": "poll", "GMAIL_POLL_SECONDS": "3600",
        "SIMULATED_RECIPIENTS": "false", "MAIL_WORKERS": "1", **environment,
    }  # fmt: skip
    try:
        with make_database(options.database) as database:
            os.environ["DATABASE_URL"] = database.url
            settings = load_settings()
            upgrade(settings.database_url)
            app = create_base_app(settings)
            ground = Ground(options, app, settings, database, random.Random(options.seed))
            with app.app_context():
                try:
                    yield ground
                finally:
                    if ground.supervisor is not None:
                        ground.supervisor.stop()
                    get_db().dispose()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with what every experiment takes."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--port", type=int, default=24_000)
    return parser


def perform(options: argparse.Namespace, experiment: Callable[[Ground], dict[str, Any]], **environment: str) -> int:
    """Run `experiment` on a fresh ground, tell its figures as a JSON line and a table; return 0 where it `holds`."""
    begun = time.monotonic()
    with open_ground(options, **environment) as ground:
        figures = experiment(ground)
    figures |= {"seconds": round(time.monotonic() - begun, 1), "database": options.database, "seed": options.seed}
    print(json.dumps(figures))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>24}  {value}")
    sys.stdout.flush()
    return 0 if figures["holds"] else 1


def wait_for(is_so: Callable[[], object], what: str, seconds: float) -> float:
    """Wait until it is so, and return the seconds it took; raises TimeoutError naming `what`."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(POLL_SECONDS)
    return round(time.monotonic() - begun, 1)


def read_sizes(journal: Path) -> dict[str, int]:
    """Return the bytes of each segment; one that is drained may go while we look."""
    sizes = {}
    for path in list_segments(journal):
        with suppress(FileNotFoundError):
            sizes[path.name] = path.stat().st_size
    return sizes


def compare(ok: set[str], unknown: set[str], stored: list[str]) -> dict[str, int]:
    """Return how many of what was acknowledged are lost, and how much is stored twice or was never asked for."""
    return {
        "lost": len(ok - set(stored)), "invented": len(set(stored) - ok - unknown),
        "doubled": len(stored) - len(set(stored)),
    }  # fmt: skip


def make_mailbox(session: Session) -> tuple[Member, Mailbox]:
    """Add a member with a mailbox."""
    workspace = Workspace(name="Chaos")
    session.add(workspace)
    session.flush()
    member = Member(workspace_id=workspace.id, email="alice@acme.example", name="Alice")
    session.add(member)
    session.flush()
    mailbox = Mailbox(workspace_id=workspace.id, member_id=member.id, email=member.email)
    session.add(mailbox)
    session.flush()
    return member, mailbox


def make_copies(settings: Settings, count: int) -> list[tuple[str, str]]:
    """Add a member who has sent `count` mails; return of each the paths of its pixel and of its link."""
    with get_db().session() as session:
        member, mailbox = make_mailbox(session)
        paths = [_make_copy(session, settings, get_keys(), member, mailbox, number) for number in range(count)]
        session.commit()
    return paths


def _make_copy(
    session: Session, settings: Settings, keys: Keyring, member: Member, mailbox: Mailbox, number: int
) -> tuple[str, str]:
    message = Message(
        workspace_id=member.workspace_id, member_id=member.id, mailbox_id=mailbox.id, subject=f"Mail {number}",
        html="<p>Hello</p>",
    )  # fmt: skip
    session.add(message)
    session.flush()
    tracking_id = secrets.token_hex(16)
    copy = Copy(message_id=message.id, mailbox_id=mailbox.id, tracking_id=tracking_id, state=CopyState.SENT)
    session.add(copy)
    session.flush()
    session.add(Recipient(message_id=message.id, copy_id=copy.id, address=f"flynn{number}@arcade.example"))
    pixel = pixel_url(settings, keys, member.sender_key, tracking_id)
    link = link_url(settings, keys, member.sender_key, tracking_id, 1, TARGET)
    return pixel.removeprefix(settings.edge_base_url), link.removeprefix(settings.edge_base_url)
