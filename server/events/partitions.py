"""Monthly partitions of `event` on PostgreSQL, made ahead of time; elsewhere there is nothing to do."""

from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import text
from sqlmodel import Session

MONTHS_AHEAD = 3


def add_partitions(session: Session, today: datetime) -> list[str]:
    """Make the partitions of the month of `today` and of those to come; return the names of the new ones.

    A month of which rows are already in the default partition stays there: they cannot be in two.
    """
    if session.get_bind().dialect.name != "postgresql":
        return []
    first = datetime(today.year, today.month, 1, tzinfo=UTC)
    starts = [_add_months(first, months) for months in range(MONTHS_AHEAD + 2)]
    return [name for start, end in pairwise(starts) if (name := _add_partition(session, start, end))]


def _add_partition(session: Session, start: datetime, end: datetime) -> str | None:
    name = f"event_{start:%Y_%m}"
    if session.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is not None:
        return None
    query = text("SELECT 1 FROM event_default WHERE at >= :start AND at < :end LIMIT 1")
    if session.execute(query, {"start": start, "end": end}).first() is not None:
        return None
    bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    session.execute(text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF event FOR VALUES {bounds}"))
    return name


def _add_months(first: datetime, months: int) -> datetime:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)
