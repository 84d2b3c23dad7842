"""Reads of the list of people: pages by keyset, one index range for each owner, whatever the order or the search."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, exists, func, literal, select, tuple_, union_all
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.clock import now
from server.db import UtcDateTime
from server.errors import Refused
from server.people.models import Person, PersonActivity, PersonAddress, PersonTerm
from server.people.terms import read_search
from server.scoring.ranking import tell_score
from server.scoring.score_models import SCORE, find_model

PERSON: Table = Person.__table__  # type: ignore[attr-defined]
ADDRESS: Table = PersonAddress.__table__  # type: ignore[attr-defined]
TERM: Table = PersonTerm.__table__  # type: ignore[attr-defined]
ACTIVITY: Table = PersonActivity.__table__  # type: ignore[attr-defined]
MEMBER: Table = Member.__table__
PAGE_SIZE = 50
OWNERS_AT_ONCE = 100  # SQLite takes 500 parts of a union
LAST = "\U0010ffff"
LARGEST_KEY = 2**31
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SORTS = ("name", "score", "activity")
Owners = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One person as the list shows them."""

    id: int
    name: str
    address: str
    company: str
    job_title: str
    owner_id: int | None
    score: float | None
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some people, and the opaque cursor of the page after them, or None at the end."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Order:
    """An order of people as an index has it: which rows, by which key, and whose they are."""

    key: Any
    person_id: Any
    owner: Any
    where: tuple[Any, ...]
    descends: bool


def list_owners(session: Session, member: Member, of: str) -> Owners:
    """Return whose people a list shows: `mine`, `unassigned`, `own` (both), or `team` for who may see it."""
    if of == "team" and may_see_team(session, member):
        ids = select(MEMBER.c.id).where(MEMBER.c.workspace_id == member.workspace_id).order_by(MEMBER.c.id)
        return [None, *session.execute(ids).scalars()]
    views: dict[str, Owners] = {"unassigned": [None], "own": [None, member.id]}
    return views.get(of, [member.id])


def read_people(
    session: Session,
    workspace_id: int,
    owners: Owners,
    sort: str = "name",
    search: str = "",
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> PeoplePage:
    """Return the people of `owners` after a cursor; a search is ordered by what it found, beginnings of words.

    `sort` is `name`, `id`, `score` or `activity`; by `score` and by `activity` only those come who have any.
    """
    order = _find_order(session, workspace_id, sort, read_search(search))
    place = _read_cursor(after, order) if after is not None else None
    rows = _read_keys(session, order, owners, place, limit + 1) if order else []
    lines = read_lines(session, workspace_id, [person_id for _key, person_id in rows[:limit]])
    return PeoplePage(lines, _make_cursor(rows[limit - 1]) if len(rows) > limit else None)


def read_lines(session: Session, workspace_id: int, ids: Sequence[int]) -> list[Line]:
    """Return the people with these ids, in this order."""
    people = {row.id: row for row in session.execute(select(PERSON).where(PERSON.c.id.in_(ids)))}
    firsts = select(func.min(ADDRESS.c.id)).where(ADDRESS.c.person_id.in_(ids)).group_by(ADDRESS.c.person_id)
    chosen = select(ADDRESS.c.person_id, ADDRESS.c.email).where(ADDRESS.c.id.in_(firsts))
    addresses = {row.person_id: row.email for row in session.execute(chosen)}
    active = select(ACTIVITY.c.person_id, ACTIVITY.c.last_event_at).where(ACTIVITY.c.person_id.in_(ids))
    last = {row.person_id: row.last_event_at for row in session.execute(active)}
    scores = _read_scores(session, workspace_id, ids)
    return [
        Line(
            key, people[key].name, addresses.get(key, ""), people[key].company, people[key].job_title,
            people[key].owner_id, scores.get(key), last.get(key),
        )
        for key in ids if key in people
    ]  # fmt: skip


def _read_scores(session: Session, workspace_id: int, ids: Sequence[int]) -> dict[int, float]:
    model = find_model(session, workspace_id)
    if model is None:
        return {}
    at = now()
    chosen = select(SCORE.c.person_id, SCORE.c.value).where(SCORE.c.person_id.in_(ids), SCORE.c.model_id == model.id)
    return {row.person_id: tell_score(model, row.value, at) for row in session.execute(chosen)}


def _find_order(session: Session, workspace_id: int, sort: str, search: str) -> _Order | None:
    if search:
        return _Order(TERM.c.term, TERM.c.person_id, TERM.c.owner_id, _found(workspace_id, search), False)
    if sort == "activity":
        here = (ACTIVITY.c.workspace_id == workspace_id,)
        return _Order(ACTIVITY.c.last_event_at, ACTIVITY.c.person_id, ACTIVITY.c.owner_id, here, True)
    if sort == "score":
        model = find_model(session, workspace_id)
        ranked = (SCORE.c.model_id == model.id, SCORE.c.value > 0) if model else None
        return _Order(SCORE.c.value, SCORE.c.person_id, SCORE.c.owner_id, ranked, True) if ranked else None
    key = PERSON.c.id if sort == "id" else PERSON.c.sort_name
    return _Order(key, PERSON.c.id, PERSON.c.owner_id, (PERSON.c.workspace_id == workspace_id,), False)


def _found(workspace_id: int, search: str) -> tuple[ColumnElement[bool], ...]:
    """Return what makes a term found, once for each person: by the first of their terms that begins so."""
    other = TERM.alias("other")
    sooner = exists().where(other.c.person_id == TERM.c.person_id, other.c.term >= search, other.c.term < TERM.c.term)
    return TERM.c.workspace_id == workspace_id, TERM.c.term >= search, TERM.c.term < search + LAST, ~sooner


def _read_keys(session: Session, order: _Order, owners: Owners, place: Any, limit: int) -> list[tuple[Any, int]]:
    found: list[tuple[Any, int]] = []
    for start in range(0, len(owners), OWNERS_AT_ONCE):
        parts = [_part(order, owner, place, limit).subquery() for owner in owners[start : start + OWNERS_AT_ONCE]]
        first = union_all(*(select(part.c.key, part.c.person_id) for part in parts)).subquery()
        by = [first.c.key, first.c.person_id]
        chosen = select(*by).order_by(*(column.desc() if order.descends else column for column in by)).limit(limit)
        found += [(row.key, row.person_id) for row in session.execute(chosen)]
    return sorted(found, reverse=order.descends)[:limit]


def _part(order: _Order, owner: int | None, place: Any, limit: int) -> Select[Any]:
    chosen = select(order.key.label("key"), order.person_id.label("person_id")).where(*order.where)
    chosen = chosen.where(order.owner.is_(None) if owner is None else order.owner == owner)
    if place is not None:
        here, there = tuple_(order.key, order.person_id), tuple_(literal(place[0], order.key.type), literal(place[1]))
        chosen = chosen.where(here < there if order.descends else here > there)
    if order.descends:
        return chosen.order_by(order.key.desc(), order.person_id.desc()).limit(limit)
    return chosen.order_by(order.key, order.person_id).limit(limit)


def _make_cursor(row: tuple[Any, int]) -> str:
    key, person_id = row
    if isinstance(key, datetime):
        key = (key - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(json.dumps([key, person_id]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, order: _Order | None) -> tuple[Any, int] | None:
    """Return the place a cursor stands for; refuses what `_make_cursor` never made in this order."""
    try:
        key, person_id = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if order is None:
            return None
        if isinstance(order.key.type, UtcDateTime):
            return EPOCH + timedelta(microseconds=int(key)), int(person_id)
        wanted = (int, float) if order.key is SCORE.c.value else int if order.key is PERSON.c.id else str
        is_sane = abs(key) < LARGEST_KEY if isinstance(key, int | float) else b"\0" not in str(key).encode()
        if not isinstance(key, wanted) or not is_sane or not 0 < int(person_id) < 2**31:
            raise ValueError(key)
        return key, int(person_id)
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise Refused("This page's cursor is not one of ours. Start again from the list.", status=400) from error
