"""Reads of tasks by what is due, oldest first: each page is one range of an index, by keyset."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from server.accounts.models import Member
from server.accounts.scope import Scope, scope_of
from server.db import UtcDateTime
from server.errors import Refused
from server.people.models import Person, PersonAddress
from server.people.terms import dial
from server.tasks.days import Window, day_of
from server.tasks.models import Task

PAGE_SIZE = 50
COUNT_LIMIT = 100
LARGEST_ID = 2**31 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Place = tuple[datetime, int]  # where a page ended: `due_at` and `id` of its last task

Assignee, Creator = aliased(Member), aliased(Member)


class TaskRow(NamedTuple):
    """A task as a list shows it, with whom it is about, who has it and who gave it."""

    id: int
    kind: str
    name: str
    priority: str
    details: str
    due_at: datetime
    has_time: bool
    completed_at: datetime | None
    assignee_id: int
    creator_id: int
    person_id: int | None
    person_name: str | None
    person_phone: str | None
    person_linkedin: str | None
    person_address: str | None
    assignee_name: str
    creator_name: str
    created_at: datetime
    updated_at: datetime

    @property
    def dialled(self) -> str:
        """The person's phone number as a `tel:` link takes it, "" where there is none."""
        return dial(self.person_phone or "")

    @property
    def place(self) -> Place:
        """Where a page stands that ends with this task."""
        return self.due_at, self.id


_address = (
    select(col(PersonAddress.email))
    .where(col(PersonAddress.person_id) == col(Task.person_id))
    .order_by(col(PersonAddress.id))
    .limit(1)
    .correlate(Task)
    .scalar_subquery()
)
_TASK_COLUMNS = ("id", "kind", "name", "priority", "details", "due_at", "has_time", "completed_at", "assignee_id",
                 "creator_id", "person_id")  # fmt: skip
COLUMNS: list[Any] = [
    *(getattr(Task, name) for name in _TASK_COLUMNS),
    Person.name,
    Person.phone,
    Person.linkedin_url,
    _address,
    func.coalesce(func.nullif(col(Assignee.name), ""), col(Assignee.email)),
    func.coalesce(func.nullif(col(Creator.name), ""), col(Creator.email)),
    Task.created_at,
    Task.updated_at,
]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks: whose, about whom, open or done, due from `start` until before `end`.

    `assignee_id` None means all that `scope` shows: given to or by one member, or the whole workspace's.
    """

    scope: Scope
    assignee_id: int | None = None
    person_id: int | None = None
    is_done: bool = False
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One page of what is to be done: the overdue tasks, then those of each day; what is done is counted."""

    overdue: list[TaskRow]
    days: dict[date, list[TaskRow]]
    done_count: int
    done: list[TaskRow]
    next: Place | None


def read_tasks(session: Session, chosen: Filter, after: Place | None = None, limit: int = PAGE_SIZE) -> list[TaskRow]:
    """Return at most `limit` tasks by `due_at`, then `id`, after a place."""
    statement = _select(chosen)
    if after is not None:
        at, task_id = after
        place = tuple_(literal(at, UtcDateTime()), task_id)
        statement = statement.where(tuple_(col(Task.due_at), col(Task.id)) > place)
    rows = session.execute(statement.order_by(col(Task.due_at), col(Task.id)).limit(limit)).all()
    return [TaskRow(*row) for row in rows]


def read_panel(
    session: Session,
    chosen: Filter,
    window: Window | None,
    zone: ZoneInfo,
    at: datetime,
    after: Place | None = None,
    shows_done: bool = False,
) -> Panel:
    """Return one page: what was due before `at`, then what is due in `window`, or at any time where there is none."""
    start, end = (max(window.start, at), window.end) if window else (at, None)
    overdue = read_tasks(session, replace(chosen, end=at), after, PAGE_SIZE + 1)
    room = PAGE_SIZE + 1 - len(overdue)
    due = read_tasks(session, replace(chosen, start=start, end=end), after, room) if room > 0 else []
    rows = [*overdue, *due]
    page = rows[:PAGE_SIZE]
    done = replace(chosen, is_done=True, start=window.start if window else None, end=end)
    return Panel(
        overdue=[row for row in page if row.due_at < at],
        days=_group(page, window, zone, at),
        done_count=_count(session, done),
        done=_newest(session, done) if shows_done else [],
        next=page[-1].place if len(rows) > PAGE_SIZE else None,
    )


def get_task(session: Session, member: Member, task_id: int, *, with_deleted: bool = False) -> Task:
    """Return a task that the member has, gave, or may see as their team's; refuses any other as if there were none."""
    task = session.get(Task, task_id) if task_id <= LARGEST_ID else None
    scope = scope_of(session, member, team=True)
    if (
        task is None
        or task.workspace_id != scope.workspace_id
        or scope.member_id not in (None, task.assignee_id, task.creator_id)
        or (task.deleted_at is not None and not with_deleted)
    ):
        raise Refused(_("You have no such task."), status=404)
    return task


def get_row(session: Session, task_id: int) -> TaskRow:
    """Return one task as a list shows it."""
    return TaskRow(*session.execute(_join(select(*COLUMNS)).where(col(Task.id) == task_id)).one())


def write_place(place: Place) -> str:
    """Return a place as text for an address."""
    return f"{(place[0] - EPOCH) // timedelta(microseconds=1)}.{place[1]}"


def read_place(text: str) -> Place | None:
    """Return the place that `write_place` wrote, None for any other text."""
    at_us, _dot, task_id = text.partition(".")
    try:
        return EPOCH + timedelta(microseconds=int(at_us)), min(int(task_id), LARGEST_ID)
    except (ValueError, OverflowError):
        return None


def _join(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(Task)
        .join(Assignee, col(Assignee.id) == col(Task.assignee_id))
        .join(Creator, col(Creator.id) == col(Task.creator_id))
        .outerjoin(Person, col(Person.id) == col(Task.person_id))
    )


def _select(chosen: Filter) -> Select[Any]:
    return _join(select(*COLUMNS)).where(*_conditions(chosen))


def _conditions(chosen: Filter) -> list[ColumnElement[bool]]:
    completed_at = col(Task.completed_at)
    conditions: list[ColumnElement[bool]] = [
        col(Task.deleted_at).is_(None),
        completed_at.is_not(None) if chosen.is_done else completed_at.is_(None),
    ]
    member_id = chosen.scope.member_id
    if chosen.assignee_id is not None:
        conditions.append(col(Task.assignee_id) == chosen.assignee_id)
    if chosen.assignee_id != member_id or member_id is None:
        conditions.append(col(Task.workspace_id) == chosen.scope.workspace_id)
        if member_id is not None:
            conditions.append(or_(col(Task.assignee_id) == member_id, col(Task.creator_id) == member_id))
    if chosen.person_id is not None:
        conditions.append(col(Task.person_id) == chosen.person_id)
    if chosen.start is not None:
        conditions.append(col(Task.due_at) >= chosen.start)
    if chosen.end is not None:
        conditions.append(col(Task.due_at) < chosen.end)
    return conditions


def _group(rows: list[TaskRow], window: Window | None, zone: ZoneInfo, at: datetime) -> dict[date, list[TaskRow]]:
    days: dict[date, list[TaskRow]] = {day: [] for day in window.days} if window and len(window.days) <= 7 else {}
    for row in rows:
        if row.due_at >= at:
            days.setdefault(day_of(row.due_at, zone), []).append(row)
    return days


def _count(session: Session, chosen: Filter) -> int:
    some = select(col(Task.id)).where(*_conditions(chosen)).limit(COUNT_LIMIT)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def _newest(session: Session, chosen: Filter) -> list[TaskRow]:
    latest = _select(chosen).order_by(col(Task.due_at).desc(), col(Task.id).desc()).limit(PAGE_SIZE)
    return [TaskRow(*row) for row in session.execute(latest).all()]
