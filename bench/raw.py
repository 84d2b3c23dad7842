"""What screens show, asked of the raw events as plain SQL: in the same database with its indexes, and in DuckDB.

The score is the plain sum of points, without the decay that the product's has: the question is easier than ours.
"""

import csv
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from bench.figures import find_version

PAGE = 'SELECT id, "at", person_name, subject, kind FROM event WHERE workspace_id = 1 AND is_shown = (1 = 1)'
NEWEST = 'ORDER BY "at" DESC, id DESC LIMIT 50'  # a keyword in DuckDB
QUESTIONS = {
    "first page": f"{PAGE} AND member_id = {{member}} {NEWEST}",
    "first page of the team": f"{PAGE} {NEWEST}",
    "page 1,000 of the team": f"{PAGE} {NEWEST} OFFSET 49950",
    "top 50": """SELECT person_id, sum(CASE kind WHEN 'clicked' THEN 3 ELSE 1 END) AS points FROM event
        WHERE workspace_id = 1 AND member_id = {member} AND verdict <> 'machine' AND person_id IS NOT NULL
        GROUP BY person_id ORDER BY points DESC LIMIT 50""",
}
COLUMNS = {
    "id": "BIGINT", "at": "TIMESTAMP", "workspace_id": "INTEGER", "member_id": "INTEGER", "person_id": "BIGINT",
    "person_name": "VARCHAR", "subject": "VARCHAR", "kind": "VARCHAR", "verdict": "VARCHAR", "is_shown": "BOOLEAN",
}  # fmt: skip


def ask_plain(session: Session, question: str, member: int) -> int:
    """Ask one of `QUESTIONS` of the product's own table and return the number of rows."""
    return len(session.execute(text(QUESTIONS[question].format(member=member))).all())


def copy_to_duckdb(session: Session, folder: Path) -> Any:
    """Return a DuckDB with the columns of all events that the questions read, or None where it is not installed."""
    if not find_version("duckdb"):
        return None
    import duckdb

    path = folder / "event.csv"
    rows = session.execute(text(f"SELECT {', '.join(COLUMNS)} FROM event").execution_options(yield_per=10_000))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows((*row[:1], str(row[1])[:26], *row[2:-1], bool(row[-1])) for row in rows)
    db = duckdb.connect(str(folder / "event.duckdb"))
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    db.execute(f"CREATE TABLE event AS SELECT * FROM read_csv('{path}', header=false, columns={{{types}}})")
    path.unlink()
    return db


def ask_duckdb(db: Any, question: str, member: int) -> int:
    """Ask one of `QUESTIONS` of a DuckDB and return the number of rows."""
    return len(db.execute(QUESTIONS[question].format(member=member)).fetchall())
