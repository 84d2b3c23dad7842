"""Judging again: later evidence changes what is believed of earlier events, and everything computed from them.

Core statements only, and the caller holds the clock: this runs inside the recorder's transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, func, select, update
from sqlmodel import Session

from server.clock import now
from server.config import get_settings
from server.events.context import Subject, load_surroundings
from server.events.history import Happening, is_open, judge_history
from server.events.models import Event
from server.events.moves import Change, apply_changes
from server.events.networks import load_networks
from server.events.numbering import hold_clock
from server.events.reading import ReadingState, level_of
from server.events.verdict import EDGE_KINDS, Judgement, is_forgotten, tell_columns
from server.messages.models import Copy

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
COPY: Table = Copy.__table__  # type: ignore[attr-defined]
RECENT_EVENTS = 1000  # of one copy; what is older stands as it was judged
RECENT = timedelta(seconds=60)  # within which an opened thread may still explain a view
NAMES = (
    "id", "at", "kind", "verdict", "is_shown", "confidence", "reasons", "evidence", "link_target", "copy_id",
    "message_id", "member_id", "workspace_id", "person_id",
)  # fmt: skip
COLUMNS = [EVENT.c[name] for name in NAMES]


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What the judgement of a copy's events takes from its row, and what it keeps there."""

    id: int
    sent_at: datetime | None
    thread_id: str | None
    reading: int
    has_doubt: bool


def rejudge(session: Session, copy_ids: Collection[int]) -> list[Change]:
    """Judge the events of these copies from all that is known of each copy now; return what changed, applied."""
    changes, states, _events = judge_copies(session, copy_ids)
    apply_changes(session, changes)
    keep_states(session, states)
    return changes


def judge_opened(session: Session, member_id: int, gmail_thread_id: str) -> None:
    """Judge anew the views of the last minute of the mail that a member just opened in Gmail: they may be their own."""
    chosen = (
        select(COPY.c.id)
        .join(EVENT, EVENT.c.copy_id == COPY.c.id)
        .where(COPY.c.gmail_thread_id == gmail_thread_id, EVENT.c.member_id == member_id, EVENT.c.at > now() - RECENT)
        .distinct()
        .limit(100)
    )
    if session.execute(chosen).first() is not None:
        hold_clock(session)
        rejudge(session, list(session.execute(chosen).scalars()))


def judge_copies(
    session: Session, copy_ids: Collection[int], limit: int = RECENT_EVENTS
) -> tuple[list[Change], dict[int, tuple[int, bool]], int]:
    """Return what would change, and by copy the states that would, and how many events there are.

    A state is the reading level, and whether doubts are left. `limit` is how many events of a copy are judged, from
    the latest on.
    """
    if not copy_ids:
        return [], {}, 0
    copies = _load_copies(session, copy_ids)
    rows = _load_events(session, copy_ids, limit)
    surroundings = load_surroundings(
        session, [_subject(row, copies[row["copy_id"]]) for found in rows.values() for row in found]
    )
    networks = load_networks(get_settings().warmline_home)
    changes: list[Change] = []
    states: dict[int, tuple[int, bool]] = {}
    for copy_id, found in rows.items():
        copy = copies[copy_id]
        happenings = [
            make_happening(row, {**_time(row, copy), **surroundings.tell(_subject(row, copy))}) for row in found
        ]
        judgements = judge_history(happenings, networks)
        changes += find_changes(found, judgements)
        state = _tell_state(copy, happenings, judgements, is_whole=len(found) < limit)
        if state != (copy.reading, copy.has_doubt):
            states[copy_id] = state
    return changes, states, sum(map(len, rows.values()))


def make_happening(row: dict[str, Any], told: dict[str, Any]) -> Happening:
    """Return a stored event as evidence, with what is `told` of it by its surroundings."""
    evidence = {**row["evidence"], "kind": row["kind"]}
    evidence.pop("burst_links", None)  # version 1 kept this one beside the raw evidence
    stands = None
    if row["kind"] in EDGE_KINDS and is_forgotten(evidence) and not evidence.get("reported"):
        stands = Judgement(row["verdict"], row["confidence"], row["reasons"])
    return Happening(row["at"], row["kind"], {**evidence, **told}, row["link_target"] or "", stands)


def keep_states(session: Session, states: dict[int, tuple[int, bool]]) -> None:
    """Write the states of copies."""
    if not states:
        return
    statement = update(COPY).where(COPY.c.id == bindparam("copy"))
    statement = statement.values(reading=bindparam("level"), has_doubt=bindparam("doubt"))
    rows = [{"copy": copy_id, "level": level, "doubt": doubt} for copy_id, (level, doubt) in sorted(states.items())]
    session.connection().execute(statement, rows)


def _load_copies(session: Session, copy_ids: Collection[int]) -> dict[int, CopyFacts]:
    columns = [COPY.c[name] for name in ("id", "sent_at", "gmail_thread_id", "reading", "has_doubt")]
    rows = session.execute(select(*columns).where(COPY.c.id.in_(copy_ids)))
    return {row.id: CopyFacts(*row) for row in rows}


def _load_events(session: Session, copy_ids: Collection[int], limit: int) -> dict[int, list[dict[str, Any]]]:
    """Return the most recent events of each copy, by copy, in the order of their ids."""
    place = func.row_number().over(partition_by=EVENT.c.copy_id, order_by=EVENT.c.at.desc()).label("place")
    ranked = select(*COLUMNS, place).where(EVENT.c.copy_id.in_(copy_ids)).subquery()
    recent = select(ranked).where(ranked.c.place <= limit).order_by(ranked.c.copy_id, ranked.c.id)
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in session.execute(recent).mappings().all():
        rows[row["copy_id"]].append(dict(row))
    return rows


def _subject(row: dict[str, Any], copy: CopyFacts) -> Subject:
    evidence = {**row["evidence"], "kind": row["kind"]}
    return Subject(row["at"], evidence, row["workspace_id"], row["member_id"], copy.thread_id)


def _time(row: dict[str, Any], copy: CopyFacts) -> dict[str, Any]:
    return tell_time(row["at"], copy.sent_at)


def tell_time(at: datetime, sent_at: datetime | None) -> dict[str, int]:
    """Return how long after the send something happened, as evidence; nothing where that is not known."""
    return {} if sent_at is None else {"after_send_ms": round((at - sent_at).total_seconds() * 1000)}


def find_changes(rows: Sequence[dict[str, Any]], judgements: Sequence[Judgement]) -> list[Change]:
    """Return what is believed otherwise now."""
    changes = []
    for row, judgement in zip(rows, judgements, strict=True):
        columns = tell_columns(row["kind"], judgement)
        if any(row[name] != columns[name] for name in ("verdict", "is_shown", "confidence", "reasons")):
            changes.append(Change(row, columns))
    return changes


def _tell_state(
    copy: CopyFacts, happenings: Sequence[Happening], judgements: Sequence[Judgement], *, is_whole: bool
) -> tuple[int, bool]:
    pairs = list(zip(happenings, judgements, strict=True))
    level = max(
        (level_of({"kind": one.kind, "verdict": told.verdict, "confidence": told.confidence}) for one, told in pairs),
        default=ReadingState.NONE.level,
    )
    if not is_whole:
        level = max(level, copy.reading)
    return level, any(is_open(one.evidence, told) for one, told in pairs)
