"""The rules of a workspace's score: the model in use, the one being built, and how other rules come in.

Whoever changes a stored score holds the rows of the workspace's models first (`hold_models`), always in this order:
the clock of events, then models by id, retired ones too. So the builder and those who count live never miss each
other's work, and never wait for each other in a circle.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from server import queue
from server.accounts.models import Member
from server.clock import now
from server.events.models import COUNTED_VERDICTS, EventKind
from server.people.models import Person
from server.scoring.decay import find_rebase, move_landmark
from server.scoring.models import ModelState, PersonScore, ScoreModel, ScoreSource

DEFAULT_HALF_LIFE_DAYS = 14
DEFAULT_POINTS: dict[str, float] = {
    EventKind.VIEWED: 1,
    EventKind.CLICKED: 3,
    EventKind.REPLIED: 10,
    EventKind.DOCUMENT_OPENED: 4,
    EventKind.PAGE_READ: 1,
    EventKind.DOWNLOADED: 5,
    EventKind.WEB_VISITED: 2,
    EventKind.INTERESTING_MOMENT: 5,
    EventKind.AUTO_REPLIED: 0,
    EventKind.BOUNCED: -5,
    EventKind.UNSUBSCRIBED: -10,
    EventKind.COMPLAINED: -20,
}
LIVING = (ModelState.ACTIVE, ModelState.BUILDING)
SMALLEST_EXPONENT = 1000  # 2^-1000: anything less is nothing, and PostgreSQL refuses to round it to 0 by itself

MODEL: Table = ScoreModel.__table__  # type: ignore[attr-defined]
SCORE: Table = PersonScore.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides a score: who computes it, points a kind, and after how many hours half of them are left."""

    source: str
    half_life_hours: float
    points: dict[str, float]

    def weight_of(self, kind: str, verdict: str) -> float:
        """Return what an event is worth: a machine's and our own are worth 0, a bounce is a machine's and counts."""
        is_counted = verdict in COUNTED_VERDICTS or kind == EventKind.BOUNCED
        return self.points.get(kind, 0.0) if is_counted else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A `score_model` row as the hot path reads it."""

    id: int
    workspace_id: int
    state: str
    rules: Rules
    landmark_at: datetime
    walked_to_id: int

    def includes(self, person_id: int) -> bool:
        """Return whether this person's score is kept live; the builder comes by those it has not reached yet."""
        return self.state == ModelState.ACTIVE or person_id <= self.walked_to_id


COLUMNS = [
    MODEL.c[name]
    for name in (
        "id", "workspace_id", "state", "source", "half_life_hours", "points", "landmark_at", "walked_to_id",
    )
]  # fmt: skip


def default_rules() -> Rules:
    """Return the rules of a workspace that never chose any."""
    return Rules(ScoreSource.WARMLINE, DEFAULT_HALF_LIFE_DAYS * 24.0, dict(DEFAULT_POINTS))


def find_model(session: Session, workspace_id: int, state: ModelState = ModelState.ACTIVE) -> Model | None:
    """Return a workspace's model in `state`, for reading."""
    row = session.execute(
        select(*COLUMNS).where(MODEL.c.workspace_id == workspace_id, MODEL.c.state == state)
    ).one_or_none()
    return _make_model(row) if row is not None else None


def find_rules(session: Session, workspace_id: int) -> Rules:
    """Return the rules a workspace has chosen last, although their scores may still be built."""
    chosen = find_model(session, workspace_id, ModelState.BUILDING) or find_model(session, workspace_id)
    return chosen.rules if chosen else default_rules()


def hold_models(session: Session, workspace_ids: Collection[int]) -> list[Model]:
    """Return the living models of these workspaces, held until the commit; who has none gets one of default rules."""
    models = _lock(session, workspace_ids)
    missing = set(workspace_ids) - {model.workspace_id for model in models if model.state == ModelState.ACTIVE}
    if not missing:
        return models
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [_make_row(workspace_id, default_rules(), ModelState.ACTIVE) for workspace_id in sorted(missing)]
    session.connection().execute(dialect.insert(MODEL).on_conflict_do_nothing(), rows)
    return _lock(session, workspace_ids)


def make_room(session: Session, model: Model, at: datetime) -> Model:
    """Return `model`, its landmark moved first where something of `at` would not fit into a double."""
    half_lives = find_rebase(model.landmark_at, at, model.rules.half_life_hours)
    if not half_lives:
        return model
    landmark_at = move_landmark(model.landmark_at, half_lives, model.rules.half_life_hours)
    session.execute(update(MODEL).where(MODEL.c.id == model.id).values(landmark_at=landmark_at))
    is_nothing = func.abs(SCORE.c.value) < 2.0 ** min(half_lives - SMALLEST_EXPONENT, 1023)
    factor = 2.0**-half_lives
    moved = case((is_nothing, 0.0), else_=SCORE.c.value * factor) if factor else 0.0
    session.execute(update(SCORE).where(SCORE.c.model_id == model.id).values(value=moved))
    return Model(model.id, model.workspace_id, model.state, model.rules, landmark_at, model.walked_to_id)


def change_rules(session: Session, workspace_id: int, rules: Rules) -> None:
    """Let other `rules` hold: their scores are built in the background and then replace those in use."""
    hold_models(session, [workspace_id])
    if rules == find_rules(session, workspace_id):
        return
    is_building = and_(MODEL.c.workspace_id == workspace_id, MODEL.c.state == ModelState.BUILDING)
    session.execute(update(MODEL).where(is_building).values(state=ModelState.RETIRED))
    people = session.execute(
        select(func.count()).select_from(Person).where(col(Person.workspace_id) == workspace_id)
    ).scalar_one()
    row = _make_row(workspace_id, rules, ModelState.BUILDING) | {"people": people}
    session.execute(insert(MODEL).values(row))
    queue.wake(session, "recompute_scores", workspace_id)


def announce_everybody(session: Session, workspace_id: int) -> None:
    """Tell every member of a workspace that their ranking changed."""
    members = select(col(Member.id)).where(col(Member.workspace_id) == workspace_id)
    for member_id in session.execute(members).scalars():
        queue.announce(session, "target", member_id=member_id, id=0)


def _lock(session: Session, workspace_ids: Collection[int]) -> list[Model]:
    """Hold every model, and return the living: a model may have been retired while we waited for its row."""
    every = select(*COLUMNS).where(MODEL.c.workspace_id.in_(workspace_ids)).order_by(MODEL.c.id)
    return [_make_model(row) for row in session.execute(every.with_for_update()) if row.state in LIVING]


def _make_model(row: Any) -> Model:
    rules = Rules(row.source, row.half_life_hours, row.points)
    return Model(row.id, row.workspace_id, row.state, rules, row.landmark_at, row.walked_to_id)


def _make_row(workspace_id: int, rules: Rules, state: ModelState) -> dict[str, Any]:
    at = now()
    return {
        "workspace_id": workspace_id,
        "state": state,
        "source": rules.source,
        "half_life_hours": rules.half_life_hours,
        "points": rules.points,
        "landmark_at": at,
        "made_at": at,
        "people": 0,
        "walked_people": 0,
        "walked_to_id": 0,
    }
