"""Kills workers and tickers at six points of a job's life, and counts: each mail is accepted exactly once.

    .venv/bin/python chaos/workers.py --rounds 5 --seed 1 [--database postgresql]

Each round kills at every point: before and after the wake-up is enqueued, when it is popped, after the claim, after
the effect (Gmail took the draft), after the mark. Then a worker stands still (SIGSTOP) for longer than its lease. Two
tickers run all the while. Last, one copy ends each worker that takes it: it is set aside, and the others go out.
"""

import os
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlmodel import col, select

from chaos.gmail import compose_to_many, count_accepted, make_linked_member
from chaos.grounds import Ground, make_parser, perform, wait_for
from server.accounts.models import Member
from server.db import get_db
from server.dead_letters.letters import list_letters
from server.messages.models import Copy, CopyState
from server.messages.outbox import LEASE_SECONDS
from server.messages.render import copy_mark
from server.supervisor import Program

POINTS = ("before_enqueue", "after_enqueue", "pop", "claim", "effect", "mark")
DOOMED = str(Path(__file__).with_name("doomed.py"))
COPIES = 6
LONGEST_SECONDS = 240


def main() -> int:
    """Run the experiment and return 0 when each effect happened once."""
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", default=",".join(POINTS))
    parser.add_argument("--stops", type=int, default=1)
    parser.add_argument("--crashes", type=int, default=1)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    roles = {"worker-mail-a": "mail", "worker-mail-b": "mail", "ticker-a": "ticker", "ticker-b": "ticker"}
    doomed = tuple(Program(name, [sys.executable, DOOMED, role]) for name, role in roles.items())
    ground.start("valkey", "stand-in", more=doomed)
    options, met = ground.options, Counter[str]()
    with get_db().session() as session:
        member = make_linked_member(session, ground.settings)
        session.commit()
    points = [point for point in options.points.split(",") if point]
    for point in points * options.rounds:
        _meet(ground, member, point)
        met[point] += 1
    for _ in range(options.stops):
        pid = _meet(ground, member, "stop:claim", waits=False)
        time.sleep(LEASE_SECONDS + 3)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        _wait_until_sent()
        met["stop"] += 1
    poisoned = _poison(ground, member) if options.crashes else []
    counts = count_accepted(ground.settings)
    with get_db().session(write=False) as session:
        accepted = {copy.id: counts.get(copy_mark(copy), 0) for copy in session.exec(select(Copy))}
        held = [int(letter.ids) for letter in list_letters(session) if letter.job == "send_copy"]
    lost = [one for one, count in accepted.items() if not count and one not in poisoned]
    doubled = [one for one, count in accepted.items() if count > 1]
    return {
        "holds": not lost and not doubled and held == poisoned, "met": dict(met), "copies": len(accepted),
        "lost": len(lost), "doubled": len(doubled), "poisoned": len(poisoned), "set_aside": len(held),
    }  # fmt: skip


def _meet(ground: Ground, member: Member, point: str, *, waits: bool = True) -> int:
    """Let one process meet its doom at `point` while mail goes out; return its id."""
    home = ground.settings.warmline_home
    (home / "met").unlink(missing_ok=True)
    (home / "doom.new").write_text(point)
    (home / "doom.new").rename(home / "doom")
    _add(member)
    wait_for((home / "met").exists, f"a process to meet {point}", LONGEST_SECONDS)
    if waits:
        _wait_until_sent()
    return int((home / "pid").read_text())


def _poison(ground: Ground, member: Member) -> list[int]:
    """Add mail of which one copy ends every worker; wait until it is set aside and the rest is out."""
    with get_db().session(write=False) as session:
        last = session.exec(select(Copy.id).order_by(col(Copy.id).desc()).limit(1)).first() or 0
    (ground.settings.warmline_home / "crash").write_text(str(last + 1))
    _add(member)

    def is_held() -> bool:
        with get_db().session(write=False) as session:
            return any(letter.ids == str(last + 1) for letter in list_letters(session))

    wait_for(is_held, "the poisoned job to be set aside", LONGEST_SECONDS)
    wait_for(lambda: _count_waiting() <= 1, "the other mails to be sent", LONGEST_SECONDS)
    return [last + 1]


def _add(member: Member) -> None:
    with get_db().session() as session:
        compose_to_many(session, session.merge(member, load=False), COPIES)
        session.commit()


def _wait_until_sent() -> None:
    wait_for(lambda: not _count_waiting(), "every mail to be sent", LONGEST_SECONDS)


def _count_waiting() -> int:
    with get_db().session(write=False) as session:
        return len(session.exec(select(Copy.id).where(Copy.state != CopyState.SENT)).all())


if __name__ == "__main__":
    sys.exit(main())
