"""What a campaign costs for many people beside few: taking the audience, advancing, and reading the board.

    .venv/bin/python bench/campaigns.py [--database both] [--small 1000] [--large 100000] [--deliveries 5000]

The outbox is played (a queued copy counts as sent at once); there is no Gmail. Each size has a database of its own, 50
mailboxes, 2,000 mails a day each; the clock is moved by half a minute. One JSON line a size. The goals: a person's
preparing and a delivery cost at most 1.5 times as much among many as among few, and the board is read within 100 ms.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import time_machine
from sqlalchemy import insert, update
from sqlmodel import Session, col, func, select

from bench.databases import KINDS, make_database
from bench.figures import Figures, print_table, tell, tell_machine
from server.accounts.models import Member, Workspace
from server.base import create_base_app
from server.campaigns import advance, deliveries, runs
from server.campaigns.campaigns import Plan, add_campaign, confirm, start_due
from server.campaigns.models import Delivery, DeliveryState, Run, Sender
from server.campaigns.queries import read_board, read_step_counts
from server.campaigns.steps import StepPlan, Text, write_steps
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState
from server.migrate import upgrade
from server.people.models import Person, PersonAddress
from server.valkey import start_valkey

MAILBOXES = 50
BOARDS = 9
GOAL_RATIO, GOAL_BOARD_MS = 1.5, 100
COLUMNS = {
    "case": "case", "prepared_a_second": "prepared/s", "prepare_ms_each": "ms a person", "prepare_ratio": "× small",
    "deliveries_a_second": "deliveries/s", "deliver_ms_each": "ms a delivery", "deliver_ratio": "× small",
    "board_ms": "board, ms", "is_within_goal": "met",
}  # fmt: skip
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
STEPS = (
    StepPlan("email", texts=[Text("Hello {{first_name|there}}", "<p>Hello, <a href='https://a.example'>look</a></p>")]),
)


def main() -> None:
    """Measure both sizes and print."""
    parser = argparse.ArgumentParser(description="The cost of a campaign for many people beside few.")
    parser.add_argument("--database", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=5000, help="at most so many are measured of each size")
    options = parser.parse_args()
    tell_machine("campaigns", ("SQLAlchemy",), mailboxes=MAILBOXES)
    rows: list[Figures] = []
    for kind in KINDS if options.database == "both" else (options.database,):
        small = tell(_measure(kind, options.small, options.deliveries))
        large = _measure(kind, options.large, options.deliveries)
        for name in ("prepare_ms_each", "deliver_ms_each"):
            large[f"{name.removesuffix('_ms_each')}_ratio"] = round(large[name] / small[name], 2)
        large["is_within_goal"] = (
            max(large["prepare_ratio"], large["deliver_ratio"]) <= GOAL_RATIO and large["board_ms"] <= GOAL_BOARD_MS
        )
        rows += [small, tell(large)]
    print_table(rows, COLUMNS)


def _measure(kind: str, people: int, most: int) -> Figures:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="warmline-bench-home-")))
        valkey, redis_url = start_valkey(home)
        stack.callback(valkey.wait)
        stack.callback(valkey.terminate)
        url = stack.enter_context(make_database(kind))
        upgrade(url)
        settings = Settings(
            _env_file=None, warmline_home=home, database_url=url, redis_url=redis_url, log_level="error"
        )  # type: ignore[call-arg]
        app = create_base_app(settings)
        clock = stack.enter_context(time_machine.travel(START, tick=False))
        with app.app_context(), get_db().session() as session:
            figures = _play(session, clock, people, most)
        app.extensions["warmline_db"].dispose()
    return {"bench": "campaigns", "case": f"{kind}, {people:,} people", **figures}


def _play(session: Session, clock: time_machine.Traveller, people: int, most: int) -> Figures:
    _fill(session, people)
    clock.shift(timedelta(seconds=11))
    start_due(session)
    session.commit()
    run = session.exec(select(Run)).one()
    prepared = _time(session, lambda: _drain(session, lambda: runs.prepare_batch(session, run.id)))
    # The first look gives everybody a slot, or a day to ask again: it is part of what their mail costs.
    campaign_id, spent, sent = run.campaign_id, 0.0, 0
    planned = _time(session, lambda: _drain(session, lambda: advance.advance_batch(session, campaign_id)))
    while sent < min(people, most):
        clock.shift(timedelta(seconds=30))
        spent += _time(session, lambda: _advance(session, campaign_id))
        sent = session.exec(select(func.count()).where(Delivery.state == DeliveryState.SENT)).one()
    session.commit()
    board = []
    for _ in range(BOARDS):
        board.append(_time(session, lambda: (read_board(session, run), read_step_counts(session, run))))
    each = planned / people + spent / sent
    return {
        "prepared_a_second": round(people / prepared), "prepare_ms_each": round(prepared / people * 1000, 3),
        "deliveries": sent, "deliveries_a_second": round(1 / each), "deliver_ms_each": round(each * 1000, 3),
        "board_ms": round(statistics.median(board) * 1000, 2),
    }  # fmt: skip


def _fill(session: Session, people: int) -> None:
    workspace = Workspace(name="Bench")
    session.add(workspace)
    session.flush()
    members = [
        Member(workspace_id=workspace.id, email=f"rep{n}@acme.example", name=f"Rep {n}") for n in range(MAILBOXES)
    ]
    session.add_all(members)
    session.flush()
    for member in members:
        session.add(Mailbox(workspace_id=workspace.id, member_id=member.id, email=member.email, history_id=1))
    for start in range(0, people, 5000):
        numbers = range(start + 1, min(start + 5000, people) + 1)
        rows = [
            {"id": n, "workspace_id": workspace.id, "owner_id": members[n % MAILBOXES].id, "name": f"Person {n}"}
            for n in numbers
        ]
        session.execute(insert(Person), rows)
        addresses = [
            {"workspace_id": workspace.id, "person_id": n, "email": f"p{n}@x.example", "position": 0} for n in numbers
        ]
        session.execute(insert(PersonAddress), addresses)
    plan = Plan("Bench", sender=Sender.OWNER, audience={"not": {"owner": "nobody"}}, per_minute=60, per_day=2000,
                days=[1, 2, 3, 4, 5, 6, 7], window_start_minutes=0, window_end_minutes=1440)  # fmt: skip
    campaign = add_campaign(session, members[0], plan)
    write_steps(session, campaign, STEPS)
    confirm(session, campaign)
    session.commit()


def _advance(session: Session, campaign_id: int) -> None:
    _drain(session, lambda: advance.advance_batch(session, campaign_id))
    played = update(Copy).where(col(Copy.state) == CopyState.QUEUED)
    session.execute(played.values(state=CopyState.SENT, sent_at=now()))
    session.commit()
    _drain(session, lambda: deliveries.settle_batch(session))
    _drain(session, lambda: advance.advance_batch(session, campaign_id))


def _drain(session: Session, step: Callable[[], bool]) -> None:
    while step():
        session.commit()
    session.commit()
    session.expunge_all()  # as the jobs do: each begins with a session of its own


def _time(_session: Session, act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
