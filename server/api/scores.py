"""Lead scores between the REST API and the room `scoring`."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from server.api.openapi import name_field, say
from server.api.shapes.scores import (
    ExternalScoreAnswer,
    NewScore,
    RefusedScore,
    ScoreAdjustmentAnswer,
    ScoreAnswer,
    ScoreLine,
    TakenScores,
    TargetAnswer,
    TargetPerson,
)
from server.events.models import EventKind, Verdict
from server.people.models import Person, PersonAddress
from server.scoring.explain import Line, Sum
from server.scoring.external import Given, take_scores
from server.scoring.models import ScoreSource
from server.scoring.ranking import Target

UNCOUNTED = (Verdict.MACHINE, Verdict.SELF)


def take(session: Session, workspace_id: int, scores: list[Any]) -> TakenScores:
    """Take the scores of people of this workspace; what is wrong with one is told by its index."""
    good = [(index, score) for index, score in enumerate(scores) if isinstance(score, NewScore)]
    ids = _find_ids(session, workspace_id, [score for _index, score in good])
    given, refused = (
        [],
        [
            fault
            for index, score in enumerate(scores)
            if not isinstance(score, NewScore)
            for fault in _tell(index, score)
        ],
    )
    for index, score in good:
        person_id = ids.get(score.person_id if score.email is None else score.email.lower())
        if person_id is None:
            field = "person_id" if score.email is None else "email"
            refused.append(RefusedScore(index=index, field=field, detail="is nobody in this workspace"))
        else:
            given.append(Given(person_id, score.score, score.source))
    is_used = take_scores(session, workspace_id, given)
    return TakenScores(accepted=len(given), is_used=is_used, refused=sorted(refused, key=lambda fault: fault.index))


def show_target(target: Target) -> TargetAnswer:
    """Return one place of the Target list."""
    person = TargetPerson(id=target.person_id, name=target.name, email=target.address or None, company=target.company)
    return TargetAnswer(rank=target.rank, person=person, score=target.score, rose_at=target.rose_at)


def show_sum(found: Sum) -> ScoreAnswer:
    """Return the sum behind a score."""
    given = found.external
    return ScoreAnswer(
        person_id=found.person_id, score=found.score, at=found.at, source=ScoreSource(found.rules.source),
        half_life_days=found.half_life_days, is_recomputing=found.is_recomputing,
        lines=[_show_line(line) for line in found.lines],
        adjustments=[
            ScoreAdjustmentAnswer(
                given=line.points, reason=line.reason, by=line.by, at=line.at, left=line.left, points=line.total
            )
            for line in found.adjustments
        ],
        older=found.older, next=found.next,
        external=ExternalScoreAnswer(source=given.source_name, received_at=given.received_at) if given else None,
    )  # fmt: skip


def _show_line(line: Line) -> ScoreLine:
    return ScoreLine(
        kind=EventKind(line.kind), subject=line.subject, at=line.at, count=line.count,
        weight=line.weight, left=line.left, points=line.total,
        uncounted=Verdict(line.verdict) if not line.weight and line.verdict in UNCOUNTED else None,
    )  # fmt: skip


def _find_ids(session: Session, workspace_id: int, scores: list[NewScore]) -> dict[int | str | None, int]:
    ids: dict[int | str | None, int] = {}
    wanted = {score.person_id for score in scores if score.person_id is not None}
    ours = select(col(Person.id)).where(col(Person.workspace_id) == workspace_id, col(Person.id).in_(wanted))
    ids |= {person_id: person_id for person_id in session.execute(ours).scalars() if person_id is not None}
    emails = {score.email.lower() for score in scores if score.email is not None}
    held = select(col(PersonAddress.email), col(PersonAddress.person_id)).where(
        col(PersonAddress.workspace_id) == workspace_id, col(PersonAddress.email).in_(emails)
    )
    ids |= {email: person_id for email, person_id in session.execute(held)}
    return ids


def _tell(index: int, score: object) -> Iterator[RefusedScore]:
    try:
        NewScore.model_validate(score)
    except ValidationError as error:
        known = list(NewScore.model_fields)
        for entry in error.errors():
            yield RefusedScore(index=index, field=name_field(entry["loc"]) or "email", detail=say(entry, known))
