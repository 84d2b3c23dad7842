"""How sure it is that somebody read a mail: four states of a copy and of each recipient (T15), kept as events come.

Nothing seen; machines only; probable (a view, or a click that could be a scanner's); confirmed (a person clicked,
answered or read on in a document). A copy's state is a projection of its events, so a list reads it with its rows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, select, update
from sqlmodel import Session, col

from server.events.models import COUNTED_VERDICTS, Event, EventKind, Verdict
from server.messages.models import Copy, Recipient

COPY: Table = Copy.__table__  # type: ignore[attr-defined]
SURE = 0.7  # from this confidence on a click of a person is one


class ReadingState(StrEnum):
    """How sure it is that a mail was read; `copy.reading` keeps the place in this order."""

    NONE = "none"
    MACHINE = "machine"
    PROBABLE = "probable"
    CONFIRMED = "confirmed"

    @property
    def level(self) -> int:
        """The number that `copy.reading` keeps."""
        return LEVELS[self]


LEVELS = {state: level for level, state in enumerate(ReadingState)}
EDGE_ACTS = (EventKind.CLICKED, EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED)
ACTS = (*EDGE_ACTS, EventKind.REPLIED)


@dataclass(frozen=True, slots=True)
class RecipientReading:
    """What is known of one recipient; of a mail that several share, a view may be anybody's (F8).

    `state` is what this recipient did themselves, `copy_state` what somebody of those who share the copy did.
    """

    recipient_id: int
    copy_id: int
    state: ReadingState
    copy_state: ReadingState
    is_shared: bool = False


def level_of(row: Mapping[str, Any]) -> int:
    """Return the level that one event, a dict with `kind, verdict, confidence`, speaks for."""
    kind, verdict = row["kind"], row["verdict"]
    if kind == EventKind.REPLIED:
        return ReadingState.CONFIRMED.level
    if kind != EventKind.VIEWED and kind not in EDGE_ACTS:
        return 0
    if verdict == Verdict.MACHINE:
        return ReadingState.MACHINE.level
    if verdict not in COUNTED_VERDICTS:
        return 0
    is_sure = kind != EventKind.VIEWED and verdict == Verdict.HUMAN and row["confidence"] >= SURE
    return (ReadingState.CONFIRMED if is_sure else ReadingState.PROBABLE).level


def raise_levels(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Raise the states of the copies of newly inserted events; `rejudge` is what lowers one."""
    levels: dict[int, int] = {}
    for row in rows:
        if row["copy_id"] is not None and (level := level_of(row)):
            levels[row["copy_id"]] = max(level, levels.get(row["copy_id"], 0))
    for level in sorted(set(levels.values())):
        copy_ids = [copy_id for copy_id, reached in levels.items() if reached == level]
        session.execute(update(COPY).where(COPY.c.id.in_(copy_ids), COPY.c.reading < level).values(reading=level))


def state_of(level: int) -> ReadingState:
    """Return the state that `copy.reading` means."""
    return list(ReadingState)[level]


def combine(states: Iterable[ReadingState]) -> ReadingState:
    """Return the surest of `states`: that of a mail with several copies."""
    return max(states, key=lambda state: state.level, default=ReadingState.NONE)


def read_states(session: Session, copy_ids: Collection[int]) -> dict[int, ReadingState]:
    """Return the state of each of these copies, in one query; those that are gone are left out."""
    rows = session.execute(select(col(Copy.id), col(Copy.reading)).where(col(Copy.id).in_(copy_ids)))
    return {copy_id: state_of(level) for copy_id, level in rows}


def read_recipient_states(session: Session, message_ids: Collection[int]) -> dict[int, RecipientReading]:
    """Return, by recipient id, what is known of each recipient of these messages, in two queries."""
    chosen = (
        select(col(Recipient.id), col(Recipient.copy_id), col(Copy.reading))
        .join(Copy, col(Copy.id) == col(Recipient.copy_id))
        .where(col(Recipient.message_id).in_(message_ids))
    )
    rows = list(session.execute(chosen))
    readers: dict[int, int] = {}
    for _recipient_id, copy_id, _level in rows:
        readers[copy_id] = readers.get(copy_id, 0) + 1
    own = _read_own(session, message_ids) if any(count > 1 for count in readers.values()) else {}
    return {
        recipient_id: RecipientReading(
            recipient_id,
            copy_id,
            state_of(own.get(recipient_id, 0) if readers[copy_id] > 1 else level),
            state_of(level),
            readers[copy_id] > 1,
        )
        for recipient_id, copy_id, level in rows
    }


def _read_own(session: Session, message_ids: Collection[int]) -> dict[int, int]:
    """Return the level of what recipients are known to have done themselves; on a shared copy few things are."""
    chosen = select(
        col(Event.recipient_id), col(Event.kind), col(Event.verdict), col(Event.confidence)
    ).where(
        col(Event.message_id).in_(message_ids),
        col(Event.recipient_id).is_not(None),
        col(Event.kind).in_(ACTS),
    ).distinct()  # fmt: skip
    levels: dict[int, int] = {}
    for recipient_id, kind, verdict, confidence in session.execute(chosen):
        level = level_of({"kind": kind, "verdict": verdict, "confidence": confidence})
        levels[recipient_id] = max(level, levels.get(recipient_id, 0))
    return levels
