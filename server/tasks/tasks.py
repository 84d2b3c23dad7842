"""Tasks: added, edited, completed, put off, deleted; each change is told to whom it concerns."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col

from server.accounts.models import Member
from server.clock import now
from server.errors import Invalid
from server.people.models import Person
from server.queue import announce
from server.tasks.days import MORNING, day_of, end_of, moment_of, zone_of
from server.tasks.models import Priority, Task, TaskKind

NAME_LENGTH = 200
DETAILS_LENGTH = 5000
YEARS = range(2000, 2101)
SNOOZE = timedelta(minutes=15)
KEPT = timedelta(days=1)

Due = datetime | date  # a moment, or a day without a time


@dataclass(frozen=True, slots=True)
class Draft:
    """A task as somebody wants it; whom it is for and about are rows they were allowed to choose."""

    name: str
    due: Due
    kind: str = TaskKind.CUSTOM
    priority: str = Priority.NORMAL
    details: str = ""
    assignee: Member | None = None
    person: Person | None = None


def add_task(session: Session, creator: Member, draft: Draft) -> Task:
    """Add a task for the draft's assignee, by default its creator; raises `Invalid` naming every field at fault."""
    task = Task(workspace_id=creator.workspace_id, creator_id=creator.id, assignee_id=creator.id, name="", due_at=now())
    _write(session, task, draft, draft.assignee or creator)
    session.add(task)
    session.flush()
    _tell(session, task)
    return task


def edit_task(session: Session, task: Task, draft: Draft) -> None:
    """Write `draft` over a task; without an assignee it stays with whom it is. Raises `Invalid` as `add_task` does."""
    before, due_before = task.assignee_id, (task.due_at, task.has_time)
    reminder = task.remind_at
    _write(session, task, draft, draft.assignee or session.get_one(Member, task.assignee_id))
    if (task.assignee_id, (task.due_at, task.has_time)) == (before, due_before):
        task.remind_at = reminder
    _save(session, task, before)


def complete(session: Session, task: Task) -> None:
    """Mark a task as done; done already, it stays as it is."""
    if task.completed_at is None:
        task.completed_at, task.remind_at = now(), None
        _save(session, task)


def reopen(session: Session, task: Task) -> None:
    """Take a task up again."""
    if task.completed_at is not None:
        task.completed_at = None
        _plan_reminder(session, task)
        _save(session, task)


def reschedule(session: Session, task: Task, due: Due) -> None:
    """Move a task to a moment; moved to a day it keeps its time of day, unless that has passed."""
    assignee = session.get_one(Member, task.assignee_id)
    if task.has_time and not isinstance(due, datetime):
        zone = zone_of(session, assignee)
        at = moment_of(due, task.due_at.astimezone(zone).time(), zone)
        due = at if at > now() else due
    if problem := _find_due_problem(due):
        raise Invalid([("due_on", problem)])
    _set_due(session, task, due, assignee)
    _save(session, task)


def snooze(session: Session, task: Task) -> None:
    """Remind of a task once more, in a quarter of an hour; when it is due stays."""
    if task.completed_at is None:
        task.remind_at = now() + SNOOZE
        _save(session, task)


def remove(session: Session, task: Task) -> None:
    """Delete a task; `restore` undoes it for a day."""
    task.deleted_at, task.remind_at = task.deleted_at or now(), None
    _save(session, task)


def restore(session: Session, task: Task) -> None:
    """Bring a deleted task back as it was."""
    task.deleted_at = None
    _plan_reminder(session, task)
    _save(session, task)


def sweep(session: Session) -> None:
    """Take the rows of tasks that were deleted more than a day ago."""
    session.execute(delete(Task).where(col(Task.deleted_at) < now() - KEPT))


def _write(session: Session, task: Task, draft: Draft, assignee: Member) -> None:
    name = " ".join(draft.name.split())
    problems = [
        ("name", _find_name_problem(name)),
        ("kind", "" if draft.kind in list(TaskKind) else _("Choose email, call, InMail or custom.")),
        ("priority", "" if draft.priority in list(Priority) else _("Choose low, normal or high.")),
        ("details", _find_details_problem(draft.details)),
        ("due_on", _find_due_problem(draft.due)),
        ("assignee_id", "" if _may_have(task, assignee) else _("Choose an active member of your workspace.")),
    ]
    if wrong := [problem for problem in problems if problem[1]]:
        raise Invalid(wrong)
    task.name, task.kind, task.priority = name, TaskKind(draft.kind), Priority(draft.priority)
    task.details, task.assignee_id = draft.details.strip(), assignee.id
    task.person_id = draft.person.id if draft.person is not None else None
    _set_due(session, task, draft.due, assignee)


def _find_name_problem(name: str) -> str:
    if 0 < len(name) <= NAME_LENGTH and name.isprintable():
        return ""
    return _("A task’s name has 1 to %(most)s characters.", most=NAME_LENGTH)


def _find_details_problem(details: str) -> str:
    if len(details) > DETAILS_LENGTH:
        return _("Details have at most %(most)s characters.", most=DETAILS_LENGTH)
    return _("Details hold a character that cannot be stored.") if "\0" in details else ""


def _find_due_problem(due: Due) -> str:
    if due.year in YEARS:
        return ""
    return _("Choose a day in the years %(first)s to %(last)s.", first=YEARS[0], last=YEARS[-1])


def _may_have(task: Task, assignee: Member) -> bool:
    is_here = assignee.workspace_id == task.workspace_id
    return is_here and (assignee.is_active or assignee.id == task.assignee_id)


def _set_due(session: Session, task: Task, due: Due, assignee: Member) -> None:
    task.has_time = isinstance(due, datetime)
    task.due_at = due if isinstance(due, datetime) else end_of(due, zone_of(session, assignee))
    _plan_reminder(session, task)


def _plan_reminder(session: Session, task: Task) -> None:
    at = task.due_at
    if not task.has_time:
        zone = zone_of(session, session.get_one(Member, task.assignee_id))
        at = moment_of(day_of(at, zone), MORNING, zone)
    task.remind_at = at if task.completed_at is None and at > now() else None


def _save(session: Session, task: Task, assignee_before: int | None = None) -> None:
    task.updated_at = now()
    session.add(task)
    session.flush()
    _tell(session, task, assignee_before)


def _tell(session: Session, task: Task, assignee_before: int | None = None) -> None:
    for member_id in {task.assignee_id, task.creator_id, assignee_before or task.assignee_id}:
        announce(session, "task", member_id=member_id, id=task.id)
