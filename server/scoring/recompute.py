"""Building: the scores of everybody under new rules, in batches beside those in use, which they replace when complete.

A batch is one transaction that holds the workspace's models: a killed builder goes on where the last commit left it,
two builders take turns, and an event recorded meanwhile is counted either live or by the builder, never by both.
"""

import time
from collections.abc import Iterator

from sqlalchemy import delete, select, update
from sqlmodel import Session

from server import queue
from server.scoring.models import ModelState, ScoreModel
from server.scoring.score import PERSON, build_scores
from server.scoring.score_models import MODEL, SCORE, Model, announce_everybody, hold_models

BATCH = 200
DELETED_AT_ONCE = 2000
SLICE_SECONDS = 1.0  # mail waits in the same queue


def find_unfinished(session: Session) -> list[int]:
    """Return the workspaces whose scores are being built, or that still keep replaced ones."""
    waiting = select(MODEL.c.workspace_id).where(MODEL.c.state != ModelState.ACTIVE).distinct()
    return list(session.execute(waiting).scalars())


def find_building(session: Session, workspace_id: int) -> ScoreModel | None:
    """Return the model whose scores are being built, with how far they are."""
    building = select(ScoreModel).where(MODEL.c.workspace_id == workspace_id, MODEL.c.state == ModelState.BUILDING)
    return session.scalars(building).one_or_none()


def recompute(session: Session, workspace_id: int) -> Iterator[None]:
    """Build for a second, yielding wherever the caller commits; what is left then gets another wake-up."""
    end = time.monotonic() + SLICE_SECONDS
    while build_batch(session, workspace_id):
        if time.monotonic() > end:
            queue.wake(session, "recompute_scores", workspace_id)
            yield
            return
        yield


def build_batch(session: Session, workspace_id: int) -> bool:
    """Build the scores of the next people, put the complete ones into use, or delete old ones; False: nothing left."""
    models = hold_models(session, [workspace_id])
    building = next((model for model in models if model.state == ModelState.BUILDING), None)
    if building is None:
        return _delete_some(session, workspace_id)
    following = select(PERSON.c.id).where(PERSON.c.workspace_id == workspace_id, PERSON.c.id > building.walked_to_id)
    ids = list(session.execute(following.order_by(PERSON.c.id).limit(BATCH)).scalars())
    if not ids:
        _put_into_use(session, building)
        return True
    build_scores(session, building, ids)
    come_by = {"walked_to_id": ids[-1], "walked_people": MODEL.c.walked_people + len(ids)}
    session.execute(update(MODEL).where(MODEL.c.id == building.id).values(come_by))
    return True


def _put_into_use(session: Session, building: Model) -> None:
    ours = MODEL.c.workspace_id == building.workspace_id
    in_use = update(MODEL).where(ours, MODEL.c.state == ModelState.ACTIVE)
    session.execute(in_use.values(state=ModelState.RETIRED))
    session.execute(update(MODEL).where(MODEL.c.id == building.id).values(state=ModelState.ACTIVE))
    announce_everybody(session, building.workspace_id)


def _delete_some(session: Session, workspace_id: int) -> bool:
    retired = select(MODEL.c.id).where(MODEL.c.workspace_id == workspace_id, MODEL.c.state == ModelState.RETIRED)
    model_id = session.execute(retired.limit(1)).scalar()
    if model_id is None:
        return False
    some = select(SCORE.c.person_id).where(SCORE.c.model_id == model_id).limit(DELETED_AT_ONCE)
    ids = list(session.execute(some).scalars())
    session.execute(delete(SCORE).where(SCORE.c.model_id == model_id, SCORE.c.person_id.in_(ids)))
    if len(ids) < DELETED_AT_ONCE:
        session.execute(delete(MODEL).where(MODEL.c.id == model_id))
    return True
