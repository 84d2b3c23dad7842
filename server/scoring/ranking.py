"""The Target list: the people assigned to a member by score, one read of an index however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, and_, false, select, update
from sqlmodel import Session

from server import queue
from server.accounts.models import Member
from server.clock import now
from server.people.models import Person, PersonAddress
from server.scoring.decay import fade, weigh
from server.scoring.models import ScoreSource
from server.scoring.score_models import SCORE, Model, find_model, hold_models

PERSON: Table = Person.__table__  # type: ignore[attr-defined]
ADDRESS: Table = PersonAddress.__table__  # type: ignore[attr-defined]
LIMIT = 50


@dataclass(frozen=True, slots=True)
class Target:
    """One person of the list; `share` is their score in per cent of the first one's."""

    rank: int
    person_id: int
    name: str
    address: str
    company: str
    score: float
    rose_at: datetime
    share: float


def read_top(session: Session, member: Member, limit: int = LIMIT) -> list[Target]:
    """Return the people assigned to `member` who ever rose and are above 0, by score, latest rise, then name."""
    model = find_model(session, member.workspace_id)
    if model is None:
        return []
    rows = session.execute(_best(model, member.id, limit)).all()
    at = now()
    return [
        Target(
            rank, row.person_id, row.name, row.address or "", row.company,
            tell_score(model, row.value, at), row.rose_at, 100 * row.value / rows[0].value,
        )
        for rank, row in enumerate(rows, 1)
    ]  # fmt: skip


def tell_score(model: Model, value: float, at: datetime) -> float:
    """Return the score that a stored `value` means `at` a time; another system's is as it was given."""
    if model.rules.source == ScoreSource.EXTERNAL:
        return value
    return fade(value, model.landmark_at, at, model.rules.half_life_hours)


def scored_at_least(session: Session, workspace_id: int, least: float) -> Select[tuple[int]]:
    """Return the query of the ids of those whose score is `least` or more now."""
    chosen = select(SCORE.c.person_id)
    model = find_model(session, workspace_id)
    if model is None:
        return chosen.where(false())
    is_given = model.rules.source == ScoreSource.EXTERNAL
    value = least if is_given else weigh(least, now(), model.landmark_at, model.rules.half_life_hours)
    return chosen.where(SCORE.c.model_id == model.id, SCORE.c.value >= value)


def follow_person(session: Session, person: Person) -> None:
    """Copy a person's owner and name into the ranking, and tell the owners before and after."""
    session.flush()
    models = [model.id for model in hold_models(session, [person.workspace_id])]
    theirs = and_(SCORE.c.person_id == person.id, SCORE.c.model_id.in_(models))
    owners = set(session.execute(select(SCORE.c.owner_id).where(theirs)).scalars())
    values = {"owner_id": person.owner_id, "name": person.name.casefold()}
    session.execute(update(SCORE).where(theirs).values(values))
    if owners:
        announce(session, owners | {person.owner_id}, person.id or 0)


def announce(session: Session, owner_ids: Iterable[int | None], person_id: int) -> None:
    """Tell these members that their ranking changed."""
    for owner_id in owner_ids:
        if owner_id is not None:
            queue.announce(session, "target", member_id=owner_id, id=person_id)


def _best(model: Model, owner_id: int, limit: int) -> Any:
    best = (
        select(SCORE.c.person_id, SCORE.c.value, SCORE.c.rose_at, SCORE.c.name.label("sort_name"))
        .where(SCORE.c.model_id == model.id, SCORE.c.owner_id == owner_id, SCORE.c.value > 0)
        .order_by(SCORE.c.value.desc(), SCORE.c.rose_at.desc(), SCORE.c.name, SCORE.c.person_id)
        .limit(limit)
        .subquery()
    )
    address = (
        select(ADDRESS.c.email).where(ADDRESS.c.person_id == best.c.person_id).order_by(ADDRESS.c.id).limit(1)
    ).scalar_subquery()
    return (
        select(best, PERSON.c.name, PERSON.c.company, address.label("address"))
        .join(PERSON, PERSON.c.id == best.c.person_id)
        .order_by(best.c.value.desc(), best.c.rose_at.desc(), best.c.sort_name, best.c.person_id)
    )
