"""Sends mail while Google fails and workers are killed, and counts: every mail was accepted exactly once.

    .venv/bin/python chaos/sends.py --sends 2000 --kills 20 --seed 1 [--database postgresql]

A real Warmline (workers, ticker, Valkey) runs in a home of its own under the supervisor of `make run`; the stand-in, a
process of its own, plays Gmail. Of all its answers 5 % are dropped after the call took effect, 5 % before, 10 % are 503
and 5 % are 429. Workers are killed -9 at moments that the seed chooses. Afterwards the stand-in's own record says how
often it accepted each copy: once, no more and no less.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from sqlalchemy import func
from sqlmodel import Session, col, select

from bench.databases import make_database
from server.accounts.models import Member, Workspace
from server.base import create_base_app
from server.config import Settings, load_settings
from server.db import get_db
from server.gmail.mailboxes import find_mailbox, link
from server.messages.compose import MAX_RECIPIENTS, Draft, compose
from server.messages.models import Copy, CopyState
from server.messages.render import COPY_HEADER, copy_mark
from server.migrate import upgrade
from server.sandbox.cast import DEMO_MEMBER
from server.sandbox.demo import fetch_grant
from server.supervisor import Program, Supervisor, make_programs

FAULTS = (("drop_after", 0.05), ("drop_before", 0.05), ("503", 0.10), ("429", 0.05))
GMAIL_CALLS = "/gmail/v1/"
LONGEST_DELAY_SECONDS = 0.2
LONGEST_RUN_SECONDS = 1800
POLL_SECONDS = 0.05
HTML = '<p>Dear reader,</p><p><a href="https://warmline.example/lunch?a=1&amp;b=2">Lunch</a>?</p>'


def main() -> int:
    """Run the experiment, print what was counted, and return 0 when every mail was accepted exactly once."""
    options = _parse()
    home = Path(tempfile.mkdtemp(prefix="warmline-chaos-"))
    os.environ |= {
        "WARMLINE_HOME": str(home), "HOST": "127.0.0.1", "PORT": str(options.port), "REDIS_URL": "", "BASE_URL": "",
        "STAND_IN_PORT": "", "GOOGLE_CLIENT_ID": "", "GOOGLE_CLIENT_SECRET": "", "MAIL_WORKERS": str(options.workers),
        "GMAIL_NOTIFICATIONS": "poll", "GMAIL_POLL_SECONDS": "3600", "SIMULATED_RECIPIENTS": "false",
    }  # fmt: skip
    begun = time.monotonic()
    try:
        with make_database(options.database) as url:
            os.environ["DATABASE_URL"] = url
            figures = _experiment(load_settings(), options)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    figures |= {"seconds": round(time.monotonic() - begun, 1), "database": options.database, "seed": options.seed}
    print(json.dumps(figures))
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>22}  {value}")
    return 0 if figures["holds"] else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--faults", type=float, default=1.0, help="multiplies the probability of every fault")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--port", type=int, default=24_000)
    return parser.parse_args()


def _experiment(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    upgrade(settings.database_url)
    programs = {program.name: program for program in make_programs(settings)}
    workers = [program for name, program in programs.items() if name.startswith("worker-mail")]
    services = [programs["valkey"], programs["stand-in"]]
    supervisor = Supervisor(settings, [*services, *workers, programs["ticker"]])
    app = create_base_app(settings)
    try:
        supervisor.start()
        threading.Thread(target=supervisor.watch, daemon=True).start()
        with app.app_context():
            with get_db().session() as session:
                member = _make_member(session, settings)
                session.commit()
                _put_faults(settings, options)
                _compose(session, member, options.sends)
                session.commit()
            kills = _kill_at_random(workers, options)
            states = _wait_until_done(options.sends)
            faults = {rule["fault"]: rule["hits"] for rule in _steer(settings, "GET", "faults")}
            _steer(settings, "PUT", "faults", [])
            _wait_for(_are_message_ids_known, "every real Message-ID to be read back")
            figures = _compare(settings, options)
            get_db().dispose()
    finally:
        supervisor.stop()
    return figures | {"faults": faults, "kills": kills, "states": states}


def _make_member(session: Session, settings: Settings) -> Member:
    workspace = Workspace(name="Chaos")
    session.add(workspace)
    session.flush()
    member = Member(workspace_id=workspace.id, email=DEMO_MEMBER.email, name="Riley")
    session.add(member)
    session.flush()
    link(session, member, fetch_grant(settings, DEMO_MEMBER.email))
    return member


def _put_faults(settings: Settings, options: argparse.Namespace) -> None:
    rules = [
        {"match": GMAIL_CALLS, "fault": fault, "probability": chance * options.faults, "seed": options.seed + number}
        for number, (fault, chance) in enumerate(FAULTS)
    ]
    _steer(settings, "PUT", "faults", rules)


def _steer(settings: Settings, method: str, path: str, body: object = None) -> Any:
    answer = requests.request(method, f"{settings.stand_in_url}/_stand_in/{path}", json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _compose(session: Session, member: Member, sends: int) -> None:
    mailbox = find_mailbox(session, member)
    for start in range(0, sends, MAX_RECIPIENTS):
        people = [f"Person {n} <person{n}@prospects.example>" for n in range(start, min(start + MAX_RECIPIENTS, sends))]
        draft = Draft(to=people, subject=f"Lunch {start}?", html=HTML, individually=True)
        compose(session, member, mailbox, draft)


def _kill_at_random(workers: list[Program], options: argparse.Namespace) -> int:
    """Kill one of the workers each time so many mails are out, after a moment, so that it dies within any step."""
    dice = random.Random(options.seed)
    marks = sorted(dice.sample(range(1, max(options.sends * 9 // 10, options.kills + 1)), options.kills))
    for mark in marks:
        victim, delay = dice.choice(workers), dice.uniform(0, LONGEST_DELAY_SECONDS)
        _wait_for(lambda mark=mark: _count_states()[CopyState.SENT] >= mark, f"{mark} mails to be sent")  # type: ignore[misc]
        _wait_for(victim.is_up, f"{victim.name} to come up")
        time.sleep(delay)
        process = victim.process
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return len(marks)


def _wait_until_done(sends: int) -> dict[str, int]:
    def is_done() -> bool:
        states = _count_states()
        return states[CopyState.SENT] + states[CopyState.FAILED] == sends

    _wait_for(is_done, "every mail to be sent or to fail")
    return dict(_count_states())


def _are_message_ids_known() -> bool:
    unknown = select(func.count()).where(Copy.state == CopyState.SENT, col(Copy.rfc822_message_id).is_(None))
    with get_db().session(write=False) as session:
        return session.exec(unknown).one() == 0


def _wait_for(is_so: Any, what: str) -> None:
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {LONGEST_RUN_SECONDS} s for {what}")
        time.sleep(POLL_SECONDS)


def _count_states() -> "Counter[str]":
    with get_db().session(write=False) as session:
        return Counter(dict(session.exec(select(Copy.state, func.count()).group_by(col(Copy.state))).all()))


def _compare(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    counts = _steer(settings, "GET", f"accepted?header={COPY_HEADER}")["counts"]
    with get_db().session(write=False) as session:
        copies = session.exec(select(Copy)).all()
        accepted = [counts.get(copy_mark(copy), 0) for copy in copies]
        message_ids = {copy.rfc822_message_id for copy in copies}
        attempts = [copy.attempts for copy in copies]
    lost, doubled = accepted.count(0), sum(count > 1 for count in accepted)
    return {
        "holds": not lost and not doubled and sum(counts.values()) == len(copies) == options.sends,
        "sends": options.sends, "accepted": sum(counts.values()), "once": accepted.count(1), "lost": lost,
        "doubled": doubled, "attempts": sum(attempts), "most_attempts": max(attempts),
        "message_ids": len(message_ids), "drafts_left": _count_drafts(settings),
    }  # fmt: skip


def _count_drafts(settings: Settings) -> int:
    accounts = _steer(settings, "GET", "accounts")
    token = next(one["access_token"] for one in accounts if one["email"] == DEMO_MEMBER.email)
    answer = requests.get(
        f"{settings.stand_in_url}/gmail/v1/users/me/drafts",
        headers={"Authorization": f"Bearer {token}"},
        params={"maxResults": 500},
        timeout=30,
    )
    answer.raise_for_status()
    return len(answer.json().get("drafts", []))


if __name__ == "__main__":
    sys.exit(main())
