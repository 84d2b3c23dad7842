"""Counting: what an event adds to its person's score as it comes, and a person's whole score from their events.

Core statements only: this runs inside the recorder's transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, case, delete, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from server import queue
from server.clock import now
from server.db import UtcDateTime
from server.events.models import COUNTED_VERDICTS, Event, EventKind
from server.people.models import Person
from server.scoring.decay import weigh
from server.scoring.models import ExternalScore, ScoreAdjustment, ScoreSource
from server.scoring.score_models import SCORE, Model, hold_models, make_room

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
PERSON: Table = Person.__table__  # type: ignore[attr-defined]
ADJUSTMENT: Table = ScoreAdjustment.__table__  # type: ignore[attr-defined]
EXTERNAL: Table = ExternalScore.__table__  # type: ignore[attr-defined]


@dataclass(slots=True)
class Step:
    """What is to be added to one person's stored value, and the latest rise in it."""

    value: float = 0.0
    rose_at: datetime | None = None

    def add(self, points: float, at: datetime, model: Model) -> None:
        """Add `points` given `at` a time."""
        self.value += weigh(points, at, model.landmark_at, model.rules.half_life_hours)
        if points > 0:
            self.rose_at = max(self.rose_at or at, at)


@dataclass(frozen=True, slots=True)
class Owned:
    """What the ranking copies of a person."""

    owner_id: int | None
    name: str


def count_events(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Add newly inserted events to the scores of their persons; the caller holds the clock of events.

    `rows` are dicts with `workspace_id, person_id, kind, verdict, at, recorded_at`. Announces `target` to the owners.
    """
    rows = [row for row in rows if row["person_id"] is not None]
    if not rows:
        return
    models = hold_models(session, {row["workspace_id"] for row in rows})
    owned = _read_owned(session, {row["person_id"] for row in rows})
    changed: set[int] = set()
    for model in models:
        if model.rules.source == ScoreSource.WARMLINE:
            ours = [row for row in rows if row["workspace_id"] == model.workspace_id and row["person_id"] in owned]
            changed |= _count(session, model, ours, owned)
    announce_owners(session, {person_id: owned[person_id] for person_id in changed})


def recount(session: Session, workspace_id: int, person_ids: Collection[int]) -> None:
    """Compute the scores of these people anew from their events, adjustments and given scores, and announce them.

    For whatever changed a person's past: a merge, an adoption, an adjustment, another verdict.
    """
    session.flush()
    models = hold_models(session, [workspace_id])
    owned = _read_owned(session, person_ids)
    for model in models:
        _write_scores(session, model, {key: who for key, who in owned.items() if model.includes(key)})
    announce_owners(session, owned)


def forget_scores(session: Session, person_ids: Collection[int]) -> None:
    """Delete everything this room knows of these people, before they are deleted or merged away."""
    for table in (SCORE, ADJUSTMENT, EXTERNAL):
        session.execute(delete(table).where(table.c.person_id.in_(person_ids)))


def build_scores(session: Session, model: Model, person_ids: Collection[int]) -> None:
    """Store the scores of these people under `model`, which the caller holds."""
    _write_scores(session, model, _read_owned(session, person_ids))


def _write_scores(session: Session, model: Model, owned: dict[int, Owned]) -> None:
    if not owned:
        return
    session.execute(delete(SCORE).where(SCORE.c.model_id == model.id, SCORE.c.person_id.in_(owned)))
    model = make_room(session, model, now())
    external = model.rules.source == ScoreSource.EXTERNAL
    steps = _read_given(session, owned) if external else _sum_up(session, model, owned)
    _upsert(session, model, steps, owned)


def read_points(
    session: Session, person_ids: Collection[int], before: tuple[datetime, int] | None = None
) -> Iterator[tuple[int, str | None, str, float, datetime]]:
    """Yield (person, kind, verdict, given points, time) of all that counts; an adjustment has no kind.

    With `before`, a time and an id, only events before that one.
    """
    counted = EVENT.c.verdict.in_(COUNTED_VERDICTS) | (EVENT.c.kind == EventKind.BOUNCED)
    events = select(EVENT.c.person_id, EVENT.c.kind, EVENT.c.verdict, EVENT.c.at, EVENT.c.recorded_at)
    if before is not None:
        events = events.where(tuple_(EVENT.c.at, EVENT.c.id) < tuple_(literal(before[0], UtcDateTime()), before[1]))
    for row in session.execute(events.where(EVENT.c.person_id.in_(person_ids), counted)):
        yield row.person_id, row.kind, row.verdict, 0.0, min(row.at, row.recorded_at)
    given = select(ADJUSTMENT.c.person_id, ADJUSTMENT.c.points, ADJUSTMENT.c.at)
    for row in session.execute(given.where(ADJUSTMENT.c.person_id.in_(person_ids), ADJUSTMENT.c.removed_at.is_(None))):
        yield row.person_id, None, "", row.points, row.at


def announce_owners(session: Session, owned: dict[int, Owned]) -> None:
    """Tell the owners of these people that their ranking changed."""
    for owner_id in {who.owner_id for who in owned.values()} - {None}:
        changed = [person_id for person_id, who in owned.items() if who.owner_id == owner_id]
        queue.announce(session, "target", member_id=owner_id, id=changed[0])


def _count(session: Session, model: Model, rows: Sequence[dict[str, Any]], owned: dict[int, Owned]) -> set[int]:
    weighed = [(row, model.rules.weight_of(row["kind"], row["verdict"])) for row in rows]
    counted = [(row, points) for row, points in weighed if points and model.includes(row["person_id"])]
    if not counted:
        return set()
    # A time ahead of ours would outweigh everything else, for ever.
    times = [min(row["at"], row["recorded_at"]) for row, _points in counted]
    model = make_room(session, model, max(times))
    steps: defaultdict[int, Step] = defaultdict(Step)
    for (row, points), at in zip(counted, times, strict=True):
        steps[row["person_id"]].add(points, at, model)
    _upsert(session, model, steps, owned)
    return set(steps)


def _sum_up(session: Session, model: Model, person_ids: Collection[int]) -> dict[int, Step]:
    steps: defaultdict[int, Step] = defaultdict(Step)
    for person_id, kind, verdict, given, at in read_points(session, person_ids):
        points = given if kind is None else model.rules.weight_of(kind, verdict)
        if points:
            steps[person_id].add(points, at, model)
    return steps


def _read_given(session: Session, person_ids: Collection[int]) -> dict[int, Step]:
    chosen = select(EXTERNAL.c.person_id, EXTERNAL.c.score, EXTERNAL.c.rose_at)
    rows = session.execute(chosen.where(EXTERNAL.c.person_id.in_(person_ids)))
    return {row.person_id: Step(row.score, row.rose_at) for row in rows}


def _read_owned(session: Session, person_ids: Collection[int]) -> dict[int, Owned]:
    rows = session.execute(select(PERSON.c.id, PERSON.c.owner_id, PERSON.c.name).where(PERSON.c.id.in_(person_ids)))
    return {row.id: Owned(row.owner_id, row.name.casefold()) for row in rows}


def _upsert(session: Session, model: Model, steps: dict[int, Step], owned: dict[int, Owned]) -> None:
    if not steps:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(SCORE)
    fresh = statement.excluded
    is_later = SCORE.c.rose_at.is_(None) | (fresh.rose_at > SCORE.c.rose_at)
    statement = statement.on_conflict_do_update(
        index_elements=["person_id", "model_id"],
        set_={
            "value": SCORE.c.value + fresh.value,
            "rose_at": case((is_later, fresh.rose_at), else_=SCORE.c.rose_at),
        },
    )
    rows = [
        {
            "person_id": person_id, "model_id": model.id, "value": step.value, "rose_at": step.rose_at,
            "owner_id": owned[person_id].owner_id, "name": owned[person_id].name,
        }
        for person_id, step in sorted(steps.items())
    ]  # fmt: skip
    session.connection().execute(statement, rows)
