"""Kills the edge, web, worker and Valkey while pixels are fetched, and counts: every hit answered 200 is one event.

    .venv/bin/python chaos/ingest.py --hits 20000 --kills 50 --seed 1 [--database postgresql --crashes 10]

A real Warmline runs in a home of its own under the supervisor of `make run`. Every attempt to fetch a pixel carries its
own number in the User-Agent and ends as `ok` (200 with the whole image), `failed` (refused, or another status) or
`unknown` (the answer did not come whole). Afterwards: ok ⊆ stored ⊆ ok ∪ unknown, and nothing stored twice.
`--crashes` of the kills take the database itself (PostgreSQL: `pg_ctl stop -m immediate`).
"""

import argparse
import http.client
import json
import os
import random
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import Session, select

from chaos.databases import Database as Victim
from chaos.databases import make_database
from chaos.grounds import read_sizes
from server.accounts.models import Member, Workspace
from server.config import Settings, load_settings
from server.db import Database
from server.events.models import Event, JournalCursor
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages.models import Copy, CopyState, Message, Recipient
from server.migrate import upgrade
from server.supervisor import Program, Supervisor, make_programs
from server.tracking.hot import GIF
from server.tracking.tokens import pixel_url

VICTIMS = ("edge", "web", "worker-hits", "valkey")
PROGRAMS = (*VICTIMS, "ticker")
COPIES = 100
THREADS = 8
MAX_DELAY_SECONDS = 0.15
RETRY_SECONDS = 0.05
UP_SECONDS = 60
DRAIN_SECONDS = 120
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 hit/{number}.{attempt}"
HIT = re.compile(r"hit/(\S+)$")


@dataclass
class Load:
    """The pixels to fetch, how far they are released, and how each attempt ended."""

    host: str
    port: int
    paths: list[str]
    hits: int
    released: int = 0
    taken: int = 0
    ok: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    turn: threading.Condition = field(default_factory=threading.Condition)

    def release(self, upto: int) -> None:
        """Let the threads go on to hit number `upto`."""
        with self.turn:
            self.released = upto
            self.turn.notify_all()

    def run(self) -> None:
        """Fetch pixels until all are fetched; each until it was answered 200."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        while (number := self._take()) is not None:
            attempt = 0
            while not self._fetch(connection, number, attempt):
                attempt += 1
                connection.close()
                time.sleep(RETRY_SECONDS)
        connection.close()

    def _take(self) -> int | None:
        with self.turn:
            if self.taken >= self.hits:
                return None
            number = self.taken
            self.taken += 1
            self.turn.wait_for(lambda: number < self.released)
            return number

    def _fetch(self, connection: http.client.HTTPConnection, number: int, attempt: int) -> bool:
        name, outcome = f"{number}.{attempt}", self.unknown
        agent = AGENT.format(number=number, attempt=attempt)
        try:
            connection.request("GET", self.paths[number % len(self.paths)], headers={"User-Agent": agent})
            response = connection.getresponse()
            is_whole = response.read() == GIF
            outcome = self.ok if response.status == 200 and is_whole else self.failed
        except ConnectionRefusedError:
            outcome = self.failed
        except (OSError, http.client.HTTPException):
            pass  # it may have been kept before the answer was lost
        outcome.add(name)
        return outcome is self.ok


def main() -> int:
    """Run the experiment, print what was counted, and return 0 when nothing was lost or doubled."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-chaos-"))
    os.environ |= {
        "WARMLINE_HOME": str(home), "HOST": "127.0.0.1", "PORT": str(options.port), "REDIS_URL": "",
        "EDGE_PORT": "", "EDGE_BASE_URL": "", "BASE_URL": "", "SIMULATED_RECIPIENTS": "false",
    }  # fmt: skip
    begun = time.monotonic()
    try:
        with make_database(options.database) as database:
            os.environ["DATABASE_URL"] = database.url
            figures = _experiment(load_settings(), options, database)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures |= {"seconds": round(time.monotonic() - begun, 1), "database": options.database, "seed": options.seed}
    print(json.dumps(figures))
    _print_table(figures)
    return 0 if figures["holds"] else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hits", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--crashes", type=int, default=0, help="of the kills, those of the database")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--port", type=int, default=22_000)
    return parser.parse_args()


def _experiment(settings: Settings, options: argparse.Namespace, database: Victim) -> dict[str, object]:
    upgrade(settings.database_url)
    db = Database(settings.database_url)
    paths = _make_copies(settings, db)
    load = Load("127.0.0.1", settings.edge_port, paths, options.hits)
    supervisor = Supervisor(settings, [program for program in make_programs(settings) if program.name in PROGRAMS])
    kills: Counter[str] = Counter()
    try:
        supervisor.start()
        threads = [threading.Thread(target=load.run, daemon=True) for _ in range(THREADS)]
        for thread in (threading.Thread(target=supervisor.watch, daemon=True), *threads):
            thread.start()
        _kill_at_random(supervisor.programs, load, options, kills, database)
        for thread in threads:
            thread.join()
        waited = _wait_until_drained(settings, db)
    finally:
        supervisor.stop()
    with db.session(write=False) as session:
        figures = _compare(session, load)
    db.dispose()
    kept_aside = len(list(settings.journal_dir.glob("bad/*.reason")))
    return figures | {"kept_aside": kept_aside, "drained_after_seconds": waited, "kills": dict(sorted(kills.items()))}


def _make_copies(settings: Settings, db: Database) -> list[str]:
    """Add a member who has sent `COPIES` mails, and return the paths of their pixels."""
    keys = Keyring.load(settings)
    with db.session() as session:
        workspace = Workspace(name="Chaos")
        session.add(workspace)
        session.flush()
        member = Member(workspace_id=workspace.id or 0, email="alice@acme.example", name="Alice")
        session.add(member)
        session.flush()
        mailbox = Mailbox(workspace_id=member.workspace_id, member_id=member.id or 0, email=member.email)
        session.add(mailbox)
        session.flush()
        paths = [_make_copy(session, settings, keys, member, mailbox, number) for number in range(COPIES)]
        session.commit()
    return paths


def _make_copy(
    session: Session, settings: Settings, keys: Keyring, member: Member, mailbox: Mailbox, number: int
) -> str:
    message = Message(
        workspace_id=member.workspace_id, member_id=member.id or 0, mailbox_id=mailbox.id or 0,
        subject=f"Mail {number}", html="<p>Hello</p>",
    )  # fmt: skip
    session.add(message)
    session.flush()
    copy = Copy(
        message_id=message.id or 0, mailbox_id=mailbox.id or 0, tracking_id=secrets.token_hex(16), state=CopyState.SENT
    )
    session.add(copy)
    session.flush()
    session.add(Recipient(message_id=message.id or 0, copy_id=copy.id or 0, address=f"flynn{number}@arcade.example"))
    return pixel_url(settings, keys, member.sender_key, copy.tracking_id).removeprefix(settings.edge_base_url)


def _kill_at_random(
    programs: list[Program], load: Load, options: argparse.Namespace, counts: "Counter[str]", database: Victim
) -> None:
    """Release the hits in slices and kill one program within each, at a random moment while it works."""
    dice = random.Random(options.seed)
    victims = {program.name: program for program in programs if program.name in VICTIMS}
    marks = sorted(dice.sample(range(1, load.hits), options.kills))
    crashes = set(dice.sample(marks, options.crashes))
    for mark in marks:
        name, delay = "database" if mark in crashes else dice.choice(VICTIMS), dice.uniform(0, MAX_DELAY_SECONDS)
        if name in victims:
            _wait_until_up(victims[name])
        load.release(mark)
        time.sleep(delay)
        if name not in victims:
            database.take_away()
            database.bring_back()
        elif (process := victims[name].process) is not None:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        counts[name] += 1
    load.release(load.hits)


def _wait_until_up(program: Program) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not program.is_up():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{program.name} did not come up within {UP_SECONDS} s")
        time.sleep(0.05)


def _wait_until_drained(settings: Settings, db: Database) -> float:
    """Wait until every byte of the journal is drained; return the seconds it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < DRAIN_SECONDS:
        with db.session(write=False) as session:
            drained = dict(session.exec(select(JournalCursor.segment, JournalCursor.drained_bytes)).all())
        sizes = read_sizes(settings.journal_dir)
        if all(drained.get(name, 0) >= size for name, size in sizes.items()):
            break
        time.sleep(0.1)
    return round(time.monotonic() - begun, 1)


def _compare(session: Session, load: Load) -> dict[str, object]:
    evidence = session.exec(select(Event.evidence)).all()
    stored = Counter(match[1] for row in evidence if (match := HIT.search(str(row.get("agent", "")))))
    counted = sum(session.exec(select(Copy.views)).all())
    lost = load.ok - set(stored)
    invented = set(stored) - load.ok - load.unknown
    doubled = [name for name, times in stored.items() if times > 1]
    return {
        "holds": not lost and not invented and not doubled and counted == len(evidence) and len(load.ok) == load.hits,
        "hits": load.hits, "ok": len(load.ok), "failed": len(load.failed), "unknown": len(load.unknown),
        "stored": len(evidence), "stored_of_unknown": len(set(stored) & load.unknown), "counted_on_copies": counted,
        "lost": len(lost), "invented": len(invented), "doubled": len(doubled),
    }  # fmt: skip


def _print_table(figures: dict[str, object]) -> None:
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>24}  {value}")


if __name__ == "__main__":
    sys.exit(main())
