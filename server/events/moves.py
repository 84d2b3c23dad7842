"""What moves when an event is judged otherwise: the event, counters, scores, last activities, and open pages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, case, func, select, update
from sqlmodel import Session

from server import queue
from server.events.counters import COUNTER_OF_KIND
from server.events.models import COUNTED_VERDICTS, Event, EventKind
from server.messages.models import Copy
from server.people.activity import recount_activity
from server.scoring.score import recount

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
COPY: Table = Copy.__table__  # type: ignore[attr-defined]
NOTICE_IDS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """An event as it was stored, and the columns that say what is believed of it now."""

    row: dict[str, Any]
    columns: dict[str, Any]

    @property
    def moves_counts(self) -> bool:
        """Whether what is counted changes, or who is shown."""
        return bool(self.row["is_shown"] != self.columns["is_shown"] or self.row["verdict"] != self.columns["verdict"])

    @property
    def words(self) -> str:
        """The change as a report counts it: from which verdict to which, and why."""
        reason = str((self.columns["reasons"] or [""])[-1]).partition(":")[0]
        return f"{self.row['verdict']}→{self.columns['verdict']}: {reason}"


def apply_changes(session: Session, changes: Sequence[Change]) -> None:
    """Write `changes` and move everything that is computed from events; the caller holds the clock of events."""
    if not changes:
        return
    _write(session, changes)
    moved = [change.row for change in changes if change.moves_counts]
    recount_counters(session, {row["copy_id"] for row in moved if row["copy_id"] is not None})
    people: defaultdict[int, set[int]] = defaultdict(set)
    for row in moved:
        if row["person_id"] is not None:
            people[row["workspace_id"]].add(row["person_id"])
    for workspace_id, person_ids in sorted(people.items()):
        recount(session, workspace_id, person_ids)
        for person_id in sorted(person_ids):
            recount_activity(session, person_id)
    _announce(session, changes)


def recount_counters(session: Session, copy_ids: Collection[int]) -> None:
    """Count the events of these copies anew, in one statement to read and one to write."""
    if not copy_ids:
        return
    is_counted = EVENT.c.is_shown & (EVENT.c.verdict.in_(COUNTED_VERDICTS) | (EVENT.c.kind == EventKind.BOUNCED))
    sums = [
        func.sum(case((is_counted & (EVENT.c.kind == kind), 1), else_=0)).label(name)
        for kind, name in COUNTER_OF_KIND.items()
    ]
    last = func.max(case((EVENT.c.is_shown, EVENT.c.at), else_=None)).label("last")
    counted = select(EVENT.c.copy_id, *sums, last).where(EVENT.c.copy_id.in_(copy_ids)).group_by(EVENT.c.copy_id)
    rows = [dict(row) for row in session.execute(counted).mappings()]
    statement = (
        update(COPY)
        .where(COPY.c.id == bindparam("copy_id"))
        .values(
            last_event_at=bindparam("last", type_=COPY.c.last_event_at.type),
            **{name: bindparam(f"count_of_{name}") for name in COUNTER_OF_KIND.values()},
        )
    )
    if rows:
        session.connection().execute(statement, [_rename(row) for row in rows])


def _rename(row: dict[str, Any]) -> dict[str, Any]:
    counts = {f"count_of_{name}": row[name] for name in COUNTER_OF_KIND.values()}
    return {"copy_id": row["copy_id"], "last": row["last"], **counts}


def _write(session: Session, changes: Iterable[Change]) -> None:
    statement = update(EVENT).where(EVENT.c.id == bindparam("event_id"), EVENT.c.at == bindparam("event_at"))
    names = ("verdict", "is_shown", "confidence", "reasons", "verdict_version")
    statement = statement.values({name: bindparam(f"new_{name}", type_=EVENT.c[name].type) for name in names})
    rows = [
        {
            "event_id": change.row["id"],
            "event_at": change.row["at"],
            **{f"new_{name}": change.columns[name] for name in names},
        }
        for change in changes
    ]
    session.connection().execute(statement, rows)


def _announce(session: Session, changes: Sequence[Change]) -> None:
    """Tell the streams which rows look different now; they read them anew."""
    ids = [change.row["id"] for change in changes]
    for start in range(0, len(ids), NOTICE_IDS):
        queue.announce(session, "verdict", ids=",".join(map(str, ids[start : start + NOTICE_IDS])))
