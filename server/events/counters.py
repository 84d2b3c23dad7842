"""The counters on `copy` that project `event`: what a list of sent messages shows without reading history."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, case, update
from sqlmodel import Session, col

from server.events.models import COUNTED_VERDICTS, EventKind
from server.messages.models import Copy, Message

COUNTER_OF_KIND = {
    EventKind.VIEWED: "views",
    EventKind.CLICKED: "clicks",
    EventKind.REPLIED: "replies",
    EventKind.BOUNCED: "bounces",
}
SUM_OF_KIND = {EventKind.VIEWED: "aggregate_views", EventKind.CLICKED: "aggregate_clicks"}
MESSAGE: Table = Message.__table__  # type: ignore[attr-defined]


def move_counters(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Add the events in `rows` to the counters of their copies, in one statement.

    A view or click by a machine or by ourselves counts nothing; a bounce is a machine's and counts. Events of mail
    under an aggregate policy, which name no copy, count for their message.
    """
    _move_sums(session, rows := list(rows))
    steps: defaultdict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTER_OF_KIND.values(), 0))
    last: dict[int, datetime] = {}
    for row in rows:
        copy_id = row["copy_id"]
        if copy_id is None or not row["is_shown"]:
            continue
        last[copy_id] = max(last.get(copy_id, row["at"]), row["at"])
        counter = COUNTER_OF_KIND.get(row["kind"])
        if counter and (row["verdict"] in COUNTED_VERDICTS or row["kind"] == EventKind.BOUNCED):
            steps[copy_id][counter] += 1
    if last:
        moves = [{"copy": copy_id, "last": last[copy_id], **steps[copy_id]} for copy_id in sorted(last)]
        session.connection().execute(_make_statement(), moves)


def _move_sums(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    sums = Counter(
        (row["message_id"], SUM_OF_KIND[row["kind"]])
        for row in rows
        if row["kind"] in SUM_OF_KIND and row["copy_id"] is None and row["message_id"] is not None
        if row["verdict"] in COUNTED_VERDICTS
    )
    for (message_id, name), count in sorted(sums.items()):
        counter = MESSAGE.c[name]
        session.execute(update(MESSAGE).where(MESSAGE.c.id == message_id).values({counter: counter + count}))


def _make_statement() -> Any:
    table = Copy.__table__  # type: ignore[attr-defined]
    last = bindparam("last", type_=table.c.last_event_at.type)
    is_newer = table.c.last_event_at.is_(None) | (table.c.last_event_at < last)
    return (
        update(table)
        .where(table.c.id == bindparam("copy"))
        .values(
            last_event_at=case((is_newer, last), else_=table.c.last_event_at),
            **{name: col(table.c[name]) + bindparam(name) for name in COUNTER_OF_KIND.values()},
        )
    )
