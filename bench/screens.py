"""What each screen costs with a long history beside a short one: the same rows shown, 100 times as many behind them.

    .venv/bin/python bench/screens.py [--database both] [--events 1000000] [--people 100000] [--small 100000]
        [--rounds 9]

Both databases are generated (bench/generate.py; a tenth as many people as events unless told, 50 members), then asked
in turn in interleaved rounds. One JSON line a case: the median of each, in milliseconds, and large / small; the goal is
at most 1.5. Beside it the same questions as plain SQL over the raw events (bench/raw.py), in the same database and in
DuckDB. 10,000,000 events take about 10 GB in the temporary folder for each kind of database, removed at the end.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from flask import Flask
from sqlalchemy import select
from sqlmodel import Session, col

from bench import raw
from bench.databases import KINDS, make_database
from bench.figures import Figures, print_table, tell, tell_machine
from bench.generate import generate
from bench.rows import Plan
from server.accounts.models import Member
from server.accounts.scope import Scope
from server.base import create_base_app
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.events.models import Event, EventKind
from server.events.record import Fact, record
from server.feed.queries import COLUMNS as FEED_COLUMNS
from server.feed.queries import PAGE_SIZE, EventRow, make_cursor, read_page
from server.people.queries import read_people
from server.scoring.ranking import read_top
from server.tasks.days import make_window
from server.tasks.queries import Filter, read_panel
from server.valkey import start_valkey

MEMBERS = 50
PAGES_DEEP = 1000
REPEATS = 40
RAW_ROUNDS = 3
GOAL = 1.5
COLUMNS = {
    "case": "case", "way": "way", "database": "database", "small_ms": "small, ms", "large_ms": "large, ms",
    "ratio": "ratio", "is_within_goal": "ratio ≤ 1.5",
}  # fmt: skip
FIREFOX = {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "81.2.69.142"}


@dataclass
class Installation:
    """One generated database, the app before it, and where page 1,000 of the team's feed begins."""

    app: Flask
    plan: Plan
    cursor: str = ""
    duckdb: Any = None
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    recorded: int = 0

    def member_id(self) -> int:
        """Return a member, each time another one."""
        return self.dice.randrange(MEMBERS) + 1


Act = Callable[[Session, Installation], int]
Ask = Callable[[Installation, str, int], int]


def first_page(session: Session, here: Installation) -> int:
    """Read the first page of one member's feed."""
    return len(read_page(session, Scope(1, here.member_id())).rows)


def first_page_of_the_team(session: Session, _here: Installation) -> int:
    """Read the first page of the workspace's feed."""
    return len(read_page(session, Scope(1, None)).rows)


def deep_page(session: Session, here: Installation) -> int:
    """Read a page of the workspace's feed that 1,000 others stand before."""
    return len(read_page(session, Scope(1, None), before=here.cursor).rows)


def top_50(session: Session, here: Installation) -> int:
    """Read a member's Target list."""
    return len(read_top(session, session.get_one(Member, here.member_id())))


def tasks_of_a_day(session: Session, here: Installation) -> int:
    """Read a member's tasks of today, with those that are overdue."""
    member_id, at = here.member_id(), here.plan.until.replace(hour=8)
    chosen = Filter(Scope(1, member_id), assignee_id=member_id)
    panel = read_panel(session, chosen, make_window("today", ZoneInfo("UTC"), at), ZoneInfo("UTC"), at)
    return len(panel.overdue) + sum(map(len, panel.days.values()))


def people_by_name(session: Session, here: Installation) -> int:
    """Read the first page of a member's own people."""
    return len(read_people(session, 1, [here.member_id()]).lines)


def search_of_many(session: Session, here: Installation) -> int:
    """Search a member's own people by what all of them have in common."""
    return len(read_people(session, 1, [here.member_id()], search="Person").lines)


def search_of_one(session: Session, here: Installation) -> int:
    """Search a member's own people by an address."""
    person_id = here.dice.randrange(here.plan.people) + 1
    owner_id = person_id % MEMBERS + 1
    return len(read_people(session, 1, [owner_id], search=f"person{person_id}@").lines)


def recording(session: Session, here: Installation) -> int:
    """Record one view of a mail and commit, with all that is computed from it."""
    here.recorded += 1
    copy_id = here.dice.randrange(here.plan.people) + 1
    fact = Fact(EventKind.VIEWED, now(), f"{here.dice.getrandbits(128):032x}", copy_id, evidence=FIREFOX)
    ids = record(session, [fact])
    session.commit()
    return len(ids)


CASES: dict[str, tuple[Act, bool]] = {
    "first page": (first_page, False),
    "first page of the team": (first_page_of_the_team, False),
    f"page {PAGES_DEEP:,} of the team": (deep_page, False),
    "top 50": (top_50, False),
    "tasks of a day": (tasks_of_a_day, False),
    "people by name": (people_by_name, False),
    "search: 50 of many people": (search_of_many, False),
    "search: one person": (search_of_one, False),
    "recording an event": (recording, True),
}


def main() -> None:
    """Generate, measure and print."""
    options = _parse()
    results: list[Figures] = []
    tell_machine("screens", ("sqlalchemy", "psycopg", "duckdb"), events=options.events, rounds=options.rounds)
    for kind in KINDS if options.database == "both" else (options.database,):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="warmline-bench-home-")))
            valkey, redis_url = start_valkey(folder)
            stack.callback(valkey.wait)
            stack.callback(valkey.terminate)
            sizes = [(options.small, options.small // 10), (options.events, options.people or options.events // 10)]
            both = [stack.enter_context(_install(kind, *size, folder, redis_url)) for size in sizes]
            for figures in chain(_measure(both, options.rounds), _measure_raw(both)):
                results.append(tell({"bench": "screens", "database": kind, **figures}))
    print_table(results, COLUMNS)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The cost of each screen with a long history and a short one.")
    parser.add_argument("--events", type=int, default=1_000_000, help="of the large database")
    parser.add_argument("--people", type=int, help="of the large database; by default a tenth of its events")
    parser.add_argument("--small", type=int, default=100_000, help="of the small one; page 1,000 needs 60,000")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--database", choices=("both", *KINDS), default="both")
    return parser.parse_args()


@contextmanager
def _install(kind: str, events: int, people: int, folder: Path, redis_url: str) -> Iterator[Installation]:
    until = datetime.now(UTC).replace(microsecond=0)
    plan = Plan(events, people, MEMBERS, until)
    with make_database(kind) as url:
        begun = time.perf_counter()
        generate(url, plan)
        made = f"{events:,} events and {people:,} people in {kind}, made in {time.perf_counter() - begun:.0f} s"
        print(made, file=sys.stderr, flush=True)
        home = folder / str(events)
        home.mkdir(exist_ok=True)
        app = create_base_app(
            Settings(_env_file=None, warmline_home=home, database_url=url, redis_url=redis_url, log_level="error")  # type: ignore[call-arg]
        )
        here = Installation(app, plan)
        with app.app_context(), get_db().session(write=False) as session:
            here.cursor = _find_cursor(session)
            here.duckdb = raw.copy_to_duckdb(session, home) if kind == KINDS[0] else None
        yield here
        app.extensions["warmline_db"].dispose()


def _find_cursor(session: Session) -> str:
    """Return the cursor behind 1,000 pages; counting them is the slow way, and done once."""
    last = (
        select(*FEED_COLUMNS)
        .where(col(Event.workspace_id) == 1, col(Event.is_shown).is_(True))
        .order_by(col(Event.at).desc(), col(Event.id).desc())
        .offset(PAGES_DEEP * PAGE_SIZE - 1)
        .limit(1)
    )
    return make_cursor(EventRow(*session.execute(last).one()))


def _measure(both: list[Installation], rounds: int) -> Iterator[Figures]:
    for name, (act, writes) in CASES.items():
        medians: list[list[float]] = [[], []]
        rows = [_repeat(here, act, writes)[1] for here in both]  # to warm up
        for number in range(rounds):
            for index in (0, 1) if number % 2 else (1, 0):
                seconds, _rows = _repeat(both[index], act, writes)
                medians[index].append(statistics.median(seconds) * 1000)
        small, large = map(statistics.median, medians)
        yield {
            "case": name, "way": "ours", "small_events": both[0].plan.events, "large_events": both[1].plan.events,
            "small_ms": round(small, 3), "large_ms": round(large, 3), "ratio": round(large / small, 2),
            "rows": rows, "is_within_goal": large / small <= GOAL,
        }  # fmt: skip


def _repeat(here: Installation, act: Act, writes: bool) -> tuple[list[float], int]:
    seconds, rows = [], 0
    with here.app.app_context():
        for _ in range(REPEATS):
            begun = time.perf_counter()
            with get_db().session(write=writes) as session:
                rows = act(session, here)
            seconds.append(time.perf_counter() - begun)
    return seconds, rows


def _measure_raw(both: list[Installation]) -> Iterator[Figures]:
    """Ask the same questions of the raw events; they are slow, so a few rounds say enough."""
    ways: dict[str, Ask] = {"plain SQL": _ask_plain}
    if both[0].duckdb is not None:
        ways["DuckDB"] = lambda here, question, member: raw.ask_duckdb(here.duckdb, question, member)
    for question in raw.QUESTIONS:
        for way, ask in ways.items():
            medians: list[list[float]] = [[], []]
            for _ in range(RAW_ROUNDS + 1):
                for index, here in enumerate(both):
                    begun = time.perf_counter()
                    ask(here, question, here.member_id())
                    medians[index].append((time.perf_counter() - begun) * 1000)
            small, large = (statistics.median(times[1:]) for times in medians)  # the first one warms up
            yield {
                "case": question, "way": way, "small_events": both[0].plan.events, "large_events": both[1].plan.events,
                "small_ms": round(small, 3), "large_ms": round(large, 3), "ratio": round(large / small, 2),
            }  # fmt: skip


def _ask_plain(here: Installation, question: str, member: int) -> int:
    with here.app.app_context(), get_db().session(write=False) as session:
        return raw.ask_plain(session, question, member)


if __name__ == "__main__":
    main()
