"""Runs campaigns while Google fails, workers are killed and people answer, and counts what Gmail accepted.

    .venv/bin/python chaos/campaigns.py steps   --reps 10 --people 100 --kills 50 --seed 1
    .venv/bin/python chaos/campaigns.py replies --reps 10 --people 100 --kills 50 --seed 1
    .venv/bin/python chaos/campaigns.py owners  --reps 50 --people 20  --kills 10 --seed 1

`steps`: two mails to everybody; each (person, step) is accepted exactly once. `replies`: most people answer at a random
moment about when their second mail is due, with FLUSHALL now and then and three tickers; no second mail is accepted
when an answer has been in the mailbox for 5 s. `owners`: each person belongs to a rep; the sender is always theirs.
Everybody gets two mails, so these are 2,000 steps, 1,000 enrolments, and 50 reps with 40 sends each.

A real Warmline (workers, tickers, Valkey) runs in a home of its own on this machine; the stand-in plays Gmail. The time
of a second step is brought forward in the database, as a wait is a minute at least, and so is that of a further try.
"""

import argparse
import base64
import os
import random
import re
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import redis
import requests
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from chaos.gmail import bring_tries_forward, count_accepted, end_faults, put_faults, steer
from chaos.grounds import Ground, make_parser, perform, wait_for
from server.accounts.models import Member, Workspace
from server.campaigns.campaigns import Plan, add_campaign, confirm
from server.campaigns.models import Delivery, DeliveryState, Enrolment, EnrolmentState, Sender, Step
from server.campaigns.steps import StepPlan, Text, write_steps
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.gmail.mailboxes import link
from server.gmail.models import Mailbox
from server.messages.models import Copy
from server.messages.render import COPY_HEADER, copy_mark
from server.people.models import Person
from server.people.people import ensure_person
from server.queue import get_wakeups
from server.sandbox.demo import fetch_grant
from server.supervisor import Program

ALLOWED_SECONDS = 5.0
LONGEST_RUN_SECONDS = 1800
WAIT_MINUTES = 10
MOST_TRIES = 50
LOOK_SECONDS = 0.25
ROWS_AT_ONCE = 20
ANSWERING = 0.8  # of all people
FLUSHES = 0.2  # of all kills
MARK = re.compile(rb"(?im)^%s:\s*([0-9a-f]{32})" % COPY_HEADER.encode())
ANSWER = re.compile(r"answer-(\d+)@")
ALWAYS: dict[str, Any] = {"days": [1, 2, 3, 4, 5, 6, 7], "window_start_minutes": 0, "window_end_minutes": 1440}
STEPS = (
    StepPlan("email", texts=[Text("Lunch, {{first_name|you}}?", '<p>Hi, <a href="https://w.example/1">look</a></p>')]),
    StepPlan("wait", {"minutes": WAIT_MINUTES}),
    StepPlan("email", {"in_thread": True}, texts=[Text("Again", "<p>Still hungry?</p>")]),
)


class Mail(NamedTuple):
    """A mail that somebody answers."""

    mailbox: str
    thread_id: str
    message_id: str
    subject: str


@dataclass
class Trial:
    """One experiment on its ground; `tokens` open the mailboxes for who answers."""

    ground: Ground
    tokens: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    flushes: int = 0
    is_over: bool = False

    @property
    def options(self) -> argparse.Namespace:
        """What the experiment was asked for."""
        return self.ground.options

    @property
    def settings(self) -> Settings:
        """The installation's."""
        return self.ground.settings

    @property
    def dice(self) -> random.Random:
        """Chance, alike for the same seed."""
        return self.ground.dice

    @property
    def people(self) -> int:
        """How many people there are in all."""
        return int(self.options.reps * self.options.people)


def main() -> int:
    """Run one experiment, print what was counted, and return 0 when it held."""
    parser = make_parser(__doc__)
    parser.add_argument("experiment", choices=("steps", "replies", "owners"))
    parser.add_argument("--reps", type=int, default=10)
    parser.add_argument("--people", type=int, default=100, help="of each rep")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--faults", type=float, default=1.0, help="multiplies the probability of every fault")
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between two kills, on average")
    parser.add_argument(
        "--lead", type=float, default=8.0, help="seconds at least before a second mail that is answered"
    )
    options = parser.parse_args()
    poll_seconds = "5" if options.experiment == "replies" else "3600"
    workers = str(options.workers)
    return perform(options, _experiment, MAIL_WORKERS=workers, GMAIL_POLL_SECONDS=poll_seconds, LOG_LEVEL="warning")


def _experiment(ground: Ground) -> dict[str, Any]:
    options = ground.options
    workers = [f"worker-mail-{number}" for number in range(options.workers)]
    tickers = [f"ticker-{number}" for number in range(2, 4 if options.experiment == "replies" else 2)]
    more = tuple(Program(name, [sys.executable, "worker.py", "ticker"]) for name in tickers)
    ground.start("valkey", "stand-in", *workers, "ticker", more=more)
    trial = Trial(ground)
    try:
        return _run(trial)
    finally:
        trial.is_over = True


def _run(trial: Trial) -> dict[str, Any]:
    with get_db().session() as session:
        _make_campaign(session, trial)
        session.commit()
    put_faults(trial.settings, trial.options.faults, trial.options.seed)
    killer = threading.Thread(target=_harm, args=(trial,), daemon=True)
    killer.start()
    _bring_all_to_their_end(trial)
    trial.is_over = True
    killer.join()
    end_faults(trial.settings)
    wait_for(_is_settled, "every delivery to be settled", LONGEST_RUN_SECONDS)
    return _compare(trial) | {"kills": trial.kills, "flushes": trial.flushes}


def _bring_all_to_their_end(trial: Trial) -> None:
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while (ended := _count_ended()) < trial.people:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{ended} of {trial.people} ways have ended")
        _bring_forward(trial)
        bring_tries_forward()
        time.sleep(LOOK_SECONDS)


def _make_campaign(session: Session, trial: Trial) -> None:
    workspace = Workspace(name="Chaos")
    session.add(workspace)
    session.flush()
    first: Member | None = None
    for rep in range(trial.options.reps):
        email = f"rep{rep}@warmline.example"
        trial.tokens[email] = steer(trial.settings, "POST", "accounts", {"email": email})["access_token"]
        member = Member(workspace_id=workspace.id, email=email, name=f"Rep {rep}")
        session.add(member)
        session.flush()
        link(session, member, fetch_grant(trial.settings, email))
        first = first or member
        for number in range(trial.options.people):
            address = f"person{rep}-{number}@prospects.example"
            ensure_person(session, workspace.id, member.id, address, f"Person {rep} {number}")
    assert first is not None
    plan = Plan("Chaos", sender=Sender.OWNER, audience={"not": {"owner": "nobody"}}, per_minute=60, per_day=2000,
                **ALWAYS)  # fmt: skip
    campaign = add_campaign(session, first, plan)
    write_steps(session, campaign, STEPS)
    confirm(session, campaign)
    campaign.starts_at = now()
    session.add(campaign)


def _bring_forward(trial: Trial) -> None:
    """Let those who wait for their second mail get it within seconds, and choose when each answers."""
    due_in: dict[int, float] = {}
    with get_db().session(write=False) as session:
        waiting = select(Enrolment.id).where(
            Enrolment.state == EnrolmentState.ACTIVE, Enrolment.position == 3,
            col(Enrolment.due_at).between(now() + timedelta(minutes=1), now() + timedelta(minutes=WAIT_MINUTES + 1)),
        )  # fmt: skip
        replies = trial.options.experiment == "replies"
        for enrolment_id in session.exec(waiting):
            due_in[enrolment_id] = trial.dice.uniform(1, 2) * trial.options.lead if replies else 0
    ids = iter(due_in)
    while chosen := list(islice(ids, ROWS_AT_ONCE)):
        with get_db().session() as session:
            for enrolment_id in chosen:
                due = update(Enrolment).where(col(Enrolment.id) == enrolment_id)
                session.execute(due.values(due_at=now() + timedelta(seconds=due_in[enrolment_id])))
            session.commit()
        for enrolment_id in chosen if replies else ():
            if trial.dice.random() < ANSWERING:
                delay = max(0.0, due_in[enrolment_id] + trial.dice.uniform(-trial.options.lead, 4))
                threading.Timer(delay, _answer, (trial, _find_first(trial, enrolment_id), enrolment_id)).start()


def _find_first(trial: Trial, enrolment_id: int) -> Mail:
    """Return the first mail as its reader has it; its Message-ID is Gmail's, whether or not it was read back yet."""
    found = select(Mailbox.email, Copy).join(Copy, col(Copy.mailbox_id) == Mailbox.id)
    found = found.join(Delivery, col(Delivery.copy_id) == Copy.id).join(Step, col(Step.id) == Delivery.step_id)
    with get_db().session(write=False) as session:
        email, copy = session.exec(found.where(Delivery.enrolment_id == enrolment_id, Step.position == 1)).one()
    store = sqlite3.connect(f"file:{trial.settings.warmline_home / 'stand-in.sqlite'}?mode=ro", uri=True)
    [message_id] = store.execute("SELECT rfc822_id FROM message WHERE id = ?", (copy.gmail_id,)).fetchone()
    store.close()
    return Mail(email, copy.gmail_thread_id or "", message_id, copy.subject)


def _answer(trial: Trial, first: Mail, enrolment_id: int) -> None:
    """Put an answer into the mailbox, from an address that the mail did not go to, as Gmail takes mail in."""
    lines = [
        f"From: Boss <boss{enrolment_id}@prospects.example>",
        f"To: {first.mailbox}",
        f"Subject: Re: {first.subject}",
        f"Message-ID: <answer-{enrolment_id}@prospects.example>",
        f"References: {first.message_id}",
    ]
    raw = base64.urlsafe_b64encode("\r\n".join([*lines, "", "Yes, but not today."]).encode()).decode()
    for _try in range(MOST_TRIES):
        with suppress(requests.RequestException):
            answer = requests.post(
                f"{trial.settings.stand_in_url}/gmail/v1/users/me/messages/import",
                params={"internalDateSource": "receivedTime"}, json={"raw": raw, "threadId": first.thread_id},
                headers={"Authorization": f"Bearer {trial.tokens[first.mailbox]}"}, timeout=30,
            )  # fmt: skip
            if answer.ok:
                return


def _harm(trial: Trial) -> None:
    """Kill a worker or ticker -9 at random moments, and flush Valkey now and then."""
    victims = [one for name, one in trial.ground.programs.items() if name.startswith(("worker-mail", "ticker"))]
    with trial.ground.app.app_context():
        while not trial.is_over and trial.kills < trial.options.kills:
            time.sleep(trial.dice.uniform(0.1, 2 * trial.options.pause))
            victim = trial.dice.choice(victims)
            process = victim.process
            if process is None or process.poll() is not None:
                continue
            os.killpg(process.pid, signal.SIGKILL)
            trial.kills += 1
            if trial.options.experiment == "replies" and trial.dice.random() < FLUSHES:
                with suppress(redis.RedisError):
                    get_wakeups().redis.flushall()
                    trial.flushes += 1


def _count_ended() -> int:
    with get_db().session(write=False) as session:
        over = select(func.count()).select_from(Enrolment).where(Enrolment.state == EnrolmentState.ENDED)
        return session.exec(over).one()


def _is_settled() -> bool:
    with get_db().session(write=False) as session:
        open_states = (DeliveryState.WAITING, DeliveryState.QUEUED)
        return session.exec(select(Delivery.id).where(col(Delivery.state).in_(open_states)).limit(1)).first() is None


def _compare(trial: Trial) -> dict[str, Any]:
    accepted, sent_at, answered_at, senders = _read_mailboxes(trial)
    with get_db().session(write=False) as session:
        rows = session.exec(
            select(Delivery, Copy, Person.owner_id, Enrolment.member_id, Step.position)
            .join(Copy, col(Copy.id) == Delivery.copy_id)
            .join(Enrolment, col(Enrolment.id) == Delivery.enrolment_id)
            .join(Person, col(Person.id) == Enrolment.person_id)
            .join(Step, col(Step.id) == Delivery.step_id)
        ).all()
        states = Counter(session.exec(select(Delivery.state)).all())
        ends = Counter(session.exec(select(Enrolment.end_reason)).all())
        emails = {one.email: one.member_id for one in session.exec(select(Mailbox))}
    by_step: Counter[tuple[int, int]] = Counter()
    late, wrong_sender, unnoted = 0, 0, 0
    for delivery, copy, owner_id, member_id, position in rows:
        mark = copy_mark(copy)
        by_step[(delivery.enrolment_id, position)] += accepted[mark]
        answered = answered_at.get(delivery.enrolment_id)
        late += position > 1 and mark in sent_at and answered is not None and sent_at[mark] > answered + ALLOWED_SECONDS
        wrong_sender += mark in senders and not emails[senders[mark]] == owner_id == member_id
        unnoted += bool(accepted[mark]) != (delivery.state == DeliveryState.SENT)
    doubled = sum(count > 1 for count in by_step.values())
    lost = 0 if trial.options.experiment == "replies" else 2 * trial.people - sum(map(bool, by_step.values()))
    total = sum(accepted.values())
    holds = not (late or wrong_sender or doubled or lost or unnoted) and total == sum(by_step.values())
    return {
        "holds": holds, "experiment": trial.options.experiment, "people": trial.people, "accepted": total,
        "lost": lost, "doubled": doubled, "answers": len(answered_at), "late": late, "wrong_sender": wrong_sender,
        "not_as_noted": unnoted, "deliveries": dict(states), "ends": dict(ends),
    }  # fmt: skip


def _read_mailboxes(trial: Trial) -> tuple[Counter[str], dict[str, float], dict[int, float], dict[str, str]]:
    """Return what the stand-in itself says: sends accepted by mark, when and by whom, and when each answer came."""
    accepted = Counter(count_accepted(trial.settings))
    sent_at: dict[str, float] = {}
    answered_at: dict[int, float] = {}
    senders: dict[str, str] = {}
    store = sqlite3.connect(f"file:{trial.settings.warmline_home / 'stand-in.sqlite'}?mode=ro", uri=True)
    chosen = "SELECT account, raw, internal_date, rfc822_id FROM message ORDER BY seq DESC"
    for account, raw, internal_date, message_id in store.execute(chosen):
        if found := ANSWER.search(message_id):
            answered_at[int(found[1])] = internal_date / 1000
        elif found := MARK.search(bytes(raw)):
            sent_at[found[1].decode()], senders[found[1].decode()] = internal_date / 1000, account
    store.close()
    return accepted, sent_at, answered_at, senders


if __name__ == "__main__":
    sys.exit(main())
