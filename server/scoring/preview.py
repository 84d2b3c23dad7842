"""What other rules would do to a ranking, before anybody saves them."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session

from server.accounts.models import Member
from server.clock import now
from server.scoring.explain import tell_left
from server.scoring.ranking import LIMIT, read_top
from server.scoring.score import read_points
from server.scoring.score_models import SCORE, Rules, find_model

CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Move:
    """Where a person stands now and would stand then; None beyond the list, or not in it at all."""

    person_id: int
    name: str
    old_rank: int | None
    new_rank: int | None
    old_score: float
    new_score: float


@dataclass(frozen=True, slots=True)
class Preview:
    """The list as it would be, who would leave it, and whose events were looked at: `looked_at` of `scored` people."""

    moves: list[Move]
    leaving: list[Move]
    looked_at: int
    scored: int


def preview(session: Session, member: Member, rules: Rules) -> Preview:
    """Return how a member's list would stand under `rules`, exactly, from the events of those who lead it now."""
    leaders = read_top(session, member, CANDIDATES)
    scores = _score(session, [leader.person_id for leader in leaders], rules)
    risen = sorted(
        (leader for leader in leaders if scores[leader.person_id] > 0),
        key=lambda leader: (-scores[leader.person_id], -leader.rose_at.timestamp(), leader.name.casefold()),
    )
    ranks = {leader.person_id: rank for rank, leader in enumerate(risen[:LIMIT], 1)}
    moves = [
        Move(
            leader.person_id, leader.name or leader.address,
            leader.rank if leader.rank <= LIMIT else None, ranks.get(leader.person_id),
            leader.score, scores[leader.person_id],
        )
        for leader in leaders
    ]  # fmt: skip
    return Preview(
        sorted((move for move in moves if move.new_rank), key=lambda move: move.new_rank or 0),
        [move for move in moves if move.old_rank and not move.new_rank],
        len(leaders),
        _count_scored(session, member),
    )


def _score(session: Session, person_ids: list[int], rules: Rules) -> dict[int, float]:
    scores: defaultdict[int, float] = defaultdict(float)
    at = now()
    for person_id, kind, verdict, given, since in read_points(session, person_ids):
        points = given if kind is None else rules.weight_of(kind, verdict)
        if points:
            scores[person_id] += points * tell_left(rules, since, at)
    return scores


def _count_scored(session: Session, member: Member) -> int:
    model = find_model(session, member.workspace_id)
    if model is None:
        return 0
    ours = select(func.count()).where(SCORE.c.model_id == model.id, SCORE.c.owner_id == member.id, SCORE.c.value > 0)
    count: int = session.execute(ours.select_from(SCORE)).scalar_one()
    return count
