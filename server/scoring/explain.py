"""The sum behind a score (F18): each event × its weight × what time has left of it, adjustments, and who gave it."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Row, literal, select, tuple_
from sqlmodel import Session, col

from server.accounts.models import Member
from server.clock import now
from server.db import UtcDateTime
from server.errors import Refused
from server.people.models import Person
from server.scoring.decay import count_half_lives
from server.scoring.models import ExternalScore, ModelState, ScoreAdjustment, ScoreSource
from server.scoring.ranking import tell_score
from server.scoring.score import EVENT, read_points
from server.scoring.score_models import SCORE, Model, Rules, default_rules, find_model

PAGE_SIZE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = [EVENT.c[name] for name in ("id", "at", "recorded_at", "kind", "verdict", "subject", "message_id")]


@dataclass(frozen=True, slots=True)
class Line:
    """Events of one kind, mail and day that are worth alike: `count` × `weight` × `left` = `total` points.

    `left` is their mean share that time has left, 0 to 1. `verdict` says why a weight is 0.
    """

    kind: str
    subject: str
    verdict: str
    at: datetime
    count: int
    weight: float
    left: float
    total: float


@dataclass(frozen=True, slots=True)
class AdjustmentLine:
    """Points given by hand, by whom and why, and what time has left of them."""

    id: int
    points: float
    reason: str
    by: str
    at: datetime
    left: float
    total: float


@dataclass(frozen=True, slots=True)
class Sum:
    """A score `at` a time, and one page of what makes it up; `older` are the points of the events after this page.

    `score` = all lines + `adjustments` + `older`. `external` stands alone: that score is another system's.
    """

    person_id: int
    score: float
    at: datetime
    rules: Rules
    is_recomputing: bool
    rose_at: datetime | None
    lines: list[Line]
    adjustments: list[AdjustmentLine]
    older: float
    next: str | None
    external: ExternalScore | None

    @property
    def half_life_days(self) -> float:
        """After how many days half of anything is left."""
        return self.rules.half_life_hours / 24


def explain(
    session: Session, person: Person, before: str | None = None, zone: tzinfo = UTC, limit: int = PAGE_SIZE
) -> Sum:
    """Return the sum behind a person's score, the newest `limit` events first, or those before the cursor `before`.

    Days are those of `zone`. Raises `Refused` for a cursor that is not ours.
    """
    at, person_id = now(), person.id or 0
    model = find_model(session, person.workspace_id)
    rules = model.rules if model else default_rules()
    stored = _find_stored(session, model, person_id)
    is_recomputing = find_model(session, person.workspace_id, ModelState.BUILDING) is not None
    score = tell_score(model, stored.value, at) if model and stored else 0.0
    rose_at = stored.rose_at if stored else None
    if rules.source == ScoreSource.EXTERNAL:
        given = session.get(ExternalScore, person_id)
        return Sum(person_id, score, at, rules, is_recomputing, rose_at, [], [], 0.0, None, given)
    rows = _read_page(session, person_id, before, limit + 1)
    page = rows[:limit]
    following = _make_cursor(page[-1]) if len(rows) > limit else None
    lines = _make_lines(page, rules, at, zone)
    adjustments = _read_adjustments(session, person_id, rules, at)
    older = 0.0
    if following and before is None:  # the rest of what is stored, without reading it
        older = score - sum(line.total for line in lines) - sum(line.total for line in adjustments)
    elif following:
        older = _sum_older(session, person_id, page[-1], rules, at)
    return Sum(person_id, score, at, rules, is_recomputing, rose_at, lines, adjustments, older, following, None)


def tell_left(rules: Rules, since: datetime, at: datetime) -> float:
    """Return which share of points given at `since` is left `at` a time, 1 to 0."""
    return float(2.0 ** -max(0.0, count_half_lives(since, at, rules.half_life_hours)))


def _find_stored(session: Session, model: Model | None, person_id: int) -> Row[Any] | None:
    if model is None:
        return None
    chosen = select(SCORE.c.value, SCORE.c.rose_at).where(SCORE.c.person_id == person_id)
    return session.execute(chosen.where(SCORE.c.model_id == model.id)).one_or_none()


def _read_page(session: Session, person_id: int, before: str | None, limit: int) -> list[Row[Any]]:
    chosen = select(*COLUMNS).where(EVENT.c.person_id == person_id)
    if before is not None:
        at, event_id = _read_cursor(before)
        chosen = chosen.where(tuple_(EVENT.c.at, EVENT.c.id) < tuple_(literal(at, UtcDateTime()), event_id))
    chosen = chosen.order_by(EVENT.c.at.desc(), EVENT.c.id.desc()).limit(limit)
    return list(session.execute(chosen).all())


def _make_lines(rows: Iterable[Row[Any]], rules: Rules, at: datetime, zone: tzinfo) -> list[Line]:
    groups: dict[tuple[object, ...], list[Row[Any]]] = {}
    for row in rows:
        weight, day = rules.weight_of(row.kind, row.verdict), row.at.astimezone(zone).date()
        alike = (day, row.kind, row.message_id, row.subject, row.verdict if not weight else "")
        groups.setdefault(alike, []).append(row)
    return [_make_line(group, rules, at) for group in groups.values()]


def _make_line(rows: list[Row[Any]], rules: Rules, at: datetime) -> Line:
    first = rows[0]
    weight = rules.weight_of(first.kind, first.verdict)
    left = sum(tell_left(rules, min(row.at, row.recorded_at), at) for row in rows)
    mean = left / len(rows)
    return Line(first.kind, first.subject, first.verdict, first.at, len(rows), weight, mean, weight * left)


def _sum_older(session: Session, person_id: int, last: Row[Any], rules: Rules, at: datetime) -> float:
    total = 0.0
    for _person, kind, verdict, _given, since in read_points(session, [person_id], before=(last.at, last.id)):
        if kind is not None:
            total += rules.weight_of(kind, verdict) * tell_left(rules, since, at)
    return total


def _read_adjustments(session: Session, person_id: int, rules: Rules, at: datetime) -> list[AdjustmentLine]:
    chosen = (
        select(ScoreAdjustment, Member)
        .join(Member, col(Member.id) == ScoreAdjustment.member_id)
        .where(col(ScoreAdjustment.person_id) == person_id, col(ScoreAdjustment.removed_at).is_(None))
        .order_by(col(ScoreAdjustment.at).desc(), col(ScoreAdjustment.id).desc())
    )
    lines = []
    for row, member in session.execute(chosen):
        left = tell_left(rules, row.at, at)
        by = member.name or member.email
        lines.append(AdjustmentLine(row.id, row.points, row.reason, by, row.at, left, row.points * left))
    return lines


def _make_cursor(row: Row[Any]) -> str:
    at_us = (row.at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{at_us}.{row.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at_us, event_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).split(b".")
        if not 0 <= int(event_id) < 2**63:
            raise ValueError(event_id)
        return EPOCH + timedelta(microseconds=int(at_us)), int(event_id)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Refused("This page's cursor is not one of ours. Start again from the score.", status=400) from error
