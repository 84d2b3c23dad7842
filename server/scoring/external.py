"""Scores that another system gives: kept as they come, and ranked while the workspace's source is external."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from server.clock import now
from server.scoring.models import ScoreSource
from server.scoring.score import EXTERNAL, recount
from server.scoring.score_models import hold_models


@dataclass(frozen=True, slots=True)
class Given:
    """One person's score as another system gave it; `source_name` says which."""

    person_id: int
    score: float
    source_name: str


def take_scores(session: Session, workspace_id: int, given: Sequence[Given]) -> bool:
    """Keep `given` scores of people of this workspace, and return whether they rank here now.

    Of several for one person the last one holds. A first score above 0, or one above the score before, is a rise.
    """
    models = hold_models(session, [workspace_id])
    last = {score.person_id: score for score in given}
    if not last:
        return any(model.rules.source == ScoreSource.EXTERNAL for model in models)
    chosen = select(EXTERNAL.c.person_id, EXTERNAL.c.score, EXTERNAL.c.rose_at)
    before = {row.person_id: row for row in session.execute(chosen.where(EXTERNAL.c.person_id.in_(last)))}
    at = now()
    rows = []
    for score in last.values():
        old = before.get(score.person_id)
        rose_at = _tell_rise(score.score, old.score if old else 0.0, old.rose_at if old else None, at)
        rows.append({
            "person_id": score.person_id, "score": score.score, "source_name": score.source_name,
            "received_at": at, "rose_at": rose_at,
        })  # fmt: skip
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(EXTERNAL)
    fresh = {name: statement.excluded[name] for name in ("score", "source_name", "received_at", "rose_at")}
    statement = statement.on_conflict_do_update(index_elements=["person_id"], set_=fresh)
    session.connection().execute(statement, rows)
    if is_used := any(model.rules.source == ScoreSource.EXTERNAL for model in models):
        recount(session, workspace_id, list(last))
    return is_used


def _tell_rise(score: float, before: float, rose_at: datetime | None, at: datetime) -> datetime | None:
    return at if score > before else rose_at
