"""The reads of the REST API: by keyset, so that each page costs what it holds and never what lies before it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, and_, literal, or_, select
from sqlmodel import Session, SQLModel, col

from server.accounts.models import Member
from server.accounts.scope import Scope, may_see_team
from server.errors import Refused
from server.events.models import UNOWNED, Event
from server.gmail.models import Mailbox
from server.messages.models import Copy, Link, Message, Recipient

EVENT = Event.__table__.c  # type: ignore[attr-defined]
EVENT_COLUMNS = [column for column in EVENT if column.name != "evidence"]

Owned = TypeVar("Owned", Message, Mailbox)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None and () do not narrow."""

    kinds: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    message_id: int | None = None
    person_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    shown_only: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return these wishes as conditions on `event`."""
        conditions: list[ColumnElement[bool]] = []
        if self.kinds:
            conditions.append(EVENT.kind.in_(self.kinds))
        if self.verdicts:
            conditions.append(EVENT.verdict.in_(self.verdicts))
        if self.message_id is not None:
            conditions.append(EVENT.message_id == self.message_id)
        if self.person_id is not None:
            conditions.append(EVENT.person_id == self.person_id)
        if self.since is not None:
            conditions.append(EVENT.at >= self.since)
        if self.until is not None:
            conditions.append(EVENT.at < self.until)
        return conditions


def find_scope(session: Session, member: Member, wanted: str) -> Scope:
    """Return what `member` may read; raises `Refused` where the team is wanted and not theirs to see."""
    if wanted == "team" and not may_see_team(session, member):
        raise Refused(
            "“team” is for managers, where the workspace lets them see it; use “own”", status=403, field="scope"
        )
    return Scope(member.workspace_id, None if wanted == "team" else member.id)


def _is_within(scope: Scope, table: type[SQLModel]) -> ColumnElement[bool]:
    columns: Any = table
    if scope.member_id is None:
        return col(columns.workspace_id) == scope.workspace_id
    return col(columns.member_id) == scope.member_id


def _owned_events(scope: Scope) -> list[ColumnElement[bool]]:
    """Return one condition for each range of the feed's index: a member has their own events and those of nobody."""
    is_here = EVENT.workspace_id == scope.workspace_id
    if scope.member_id is None:
        return [is_here]
    return [and_(is_here, EVENT.member_id == member_id) for member_id in (scope.member_id, UNOWNED)]


def get_event(session: Session, hit_id: str) -> Row[Any]:
    """Return the event of the fact `hit_id`, which is there."""
    return session.execute(select(*EVENT_COLUMNS).where(hit_id == EVENT.hit_id)).one()


def read_events(
    session: Session, scope: Scope, wanted: EventFilter, before: tuple[datetime, int] | None, limit: int
) -> list[Row[Any]]:
    """Return events older than `before`, newest first."""
    conditions = wanted.conditions()
    if before is not None:
        at, event_id = before
        conditions += [EVENT.at <= at, or_(EVENT.at < at, EVENT.id < event_id)]
    chosen = select(*EVENT_COLUMNS).order_by(EVENT.at.desc(), EVENT.id.desc()).limit(limit)
    found: list[Row[Any]] = []
    for owned in _owned_events(scope):
        for is_shown in (True,) if wanted.shown_only else (True, False):  # one range each of the feed's index
            found += session.execute(chosen.where(owned, *conditions, EVENT.is_shown == literal(is_shown))).all()
    return sorted(found, key=lambda row: (row.at, row.id), reverse=True)[:limit]


def read_events_after(
    session: Session, scope: Scope, wanted: EventFilter, after: int, limit: int
) -> Sequence[Row[Any]]:
    """Return events numbered above `after` in the order of their commits, the oldest first."""
    conditions = [or_(*_owned_events(scope)), *wanted.conditions(), EVENT.id > after]
    if wanted.shown_only:
        conditions.append(EVENT.is_shown)
    return session.execute(select(*EVENT_COLUMNS).where(*conditions).order_by(EVENT.id).limit(limit)).all()


def read_owned(session: Session, table: type[Owned], scope: Scope, before: int | None, limit: int) -> list[Owned]:
    """Return rows of `table` with ids below `before`, the newest first."""
    chosen = select(table).where(_is_within(scope, table)).order_by(col(table.id).desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(col(table.id) < before)
    return list(session.scalars(chosen).all())


def find_message(session: Session, member: Member, message_id: int) -> Message | None:
    """Return the message where it is the member's own or, for who sees the team, of the same workspace."""
    message = session.get(Message, message_id)
    if message is None or message.workspace_id != member.workspace_id:
        return None
    return message if message.member_id == member.id or may_see_team(session, member) else None


def is_key_used(session: Session, member: Member, idempotency_key: str | None) -> bool:
    """Return whether a message of `member` was sent under this key."""
    if idempotency_key is None:
        return False
    used = select(col(Message.id)).where(
        col(Message.member_id) == member.id, col(Message.idempotency_key) == idempotency_key
    )
    return session.execute(used).first() is not None


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to some messages, by message id."""

    copies: dict[int, list[Copy]]
    recipients: dict[int, list[Recipient]]
    links: dict[int, list[Link]]


def read_parts(session: Session, message_ids: Sequence[int]) -> Parts:
    """Return copies, recipients and links of `message_ids`, each in the order in which they were added."""
    return Parts(*(_read_children(session, table, message_ids) for table in (Copy, Recipient, Link)))


def _read_children(session: Session, table: Any, message_ids: Sequence[int]) -> dict[int, list[Any]]:
    rows: Iterable[Any] = session.scalars(
        select(table).where(col(table.message_id).in_(message_ids)).order_by(col(table.id))
    )
    children: dict[int, list[Any]] = {message_id: [] for message_id in message_ids}
    for row in rows:
        children[row.message_id].append(row)
    return children
