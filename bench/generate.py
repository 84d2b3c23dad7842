"""A workspace with years of work in it, made inside the database: the same rows for the same seed, on either kind.

    .venv/bin/python bench/generate.py sqlite:///big.sqlite --events 1000000 [--people 100000] [--members 50] [--seed 1]

The database must be empty. Each person has one mail and about ten events, each member a day of tasks; scores are those
that a recorder would have stored. Indexes are made after the rows, and statistics only where the server keeps them.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import Connection, Engine, create_engine, text
from sqlmodel import Session, SQLModel

from bench.databases import make_database
from bench.rows import DAYS, Plan, make_statements
from server import models
from server.accounts.models import Member, Role, Workspace
from server.db import make_engine
from server.events.partitions import add_partitions
from server.gmail.models import Mailbox
from server.migrate import upgrade
from server.scoring.models import ScoreModel
from server.scoring.score_models import DEFAULT_POINTS

HALF_LIFE_HOURS = 24 * 14
FEW = ("workspace", "member", "mailbox", "score_model")
BULK = (
    "person", "person_address", "person_term", "person_activity", "message", "copy", "recipient", "event",
    "person_score", "task",
)  # fmt: skip


def generate(url: str, plan: Plan) -> None:
    """Migrate the empty database at `url` and fill it as planned; it is durable again at the end."""
    upgrade(url)
    _add_few(url, plan)
    engine = _make_loader(url)
    with engine.connect() as connection:
        with _without_indexes(connection):
            for statement in make_statements(engine.dialect.name, plan):
                connection.execute(text(statement), {"seed": plan.seed})
                connection.commit()
        _settle(connection)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE)")  # what autovacuum would have done long ago
    engine.dispose()


def _add_few(url: str, plan: Plan) -> None:
    """Add the rows of which there are few as the product does: workspace, members, mailboxes, rules of the score."""
    engine = make_engine(url)
    with Session(engine) as session:
        session.add(Workspace(id=1, name="Encom"))
        session.flush()
        for number in range(1, plan.members + 1):
            email = f"member{number}@encom.example"
            role = Role.MANAGER if number == 1 else Role.REP
            session.add(Member(id=number, workspace_id=1, email=email, name=f"Member {number}", role=role))
        session.flush()
        for number in range(1, plan.members + 1):
            session.add(Mailbox(id=number, workspace_id=1, member_id=number, email=f"member{number}@encom.example"))
        session.add(
            ScoreModel(
                id=1, workspace_id=1, half_life_hours=HALF_LIFE_HOURS, points=DEFAULT_POINTS, landmark_at=plan.until,
                people=plan.people, walked_people=plan.people, walked_to_id=plan.people,
            )
        )  # fmt: skip
        for days in range(0, DAYS + 31, 28):  # the partitions that the months before would have made
            add_partitions(session, plan.until - timedelta(days=DAYS - days))
        session.commit()
    engine.dispose()


def _make_loader(url: str) -> Engine:
    """Return an engine that neither syncs nor checks foreign keys: if it is killed, the database is thrown away."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.connect() as connection:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        return engine
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET max_wal_size = '8GB'")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    return engine


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Drop the indexes of the large tables for the length of the block: one sort is cheaper than many insertions."""
    assert models.metadata is SQLModel.metadata
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        for name, value in (("session_replication_role", "replica"), ("synchronous_commit", "off"),
                            ("maintenance_work_mem", "'1GB'")):  # fmt: skip
            connection.exec_driver_sql(f"SET {name} = {value}")
    else:
        for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000", "temp_store=FILE"):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
    indexes = [index for name in BULK for index in SQLModel.metadata.tables[name].indexes]
    for index in indexes:
        index.drop(connection)
    connection.commit()
    yield
    for index in indexes:
        index.create(connection)
        connection.commit()


def _settle(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        return
    for name in (*FEW, *BULK):
        if "id" in SQLModel.metadata.tables[name].primary_key.columns and name != "event":
            sequence = f"pg_get_serial_sequence('{name}', 'id')"
            connection.exec_driver_sql(f'SELECT setval({sequence}, (SELECT max(id) FROM "{name}"))')
    connection.commit()


def main() -> None:
    """Fill the database that is named, and print what was made in which time."""
    parser = argparse.ArgumentParser(description="Fill an empty database with a large workspace.")
    parser.add_argument("url", nargs="?", help="of an empty database; without it, a temporary one that is removed")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, help="by default a tenth of the events")
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    until = datetime.now(UTC).replace(microsecond=0)
    people = options.people or max(1, options.events // 10)
    plan = Plan(options.events, people, options.members, until, options.seed)
    begun = time.perf_counter()
    with nullcontext(options.url) if options.url else make_database("sqlite") as url:
        generate(url, plan)
    print(json.dumps({"events": options.events, "people": people, "seconds": round(time.perf_counter() - begun, 1)}))


if __name__ == "__main__":
    main()
