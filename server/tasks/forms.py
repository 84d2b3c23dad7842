"""The form of a task: what a browser sends, and what is shown again when something is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.clock import now
from server.errors import Refused
from server.people.models import Person
from server.tasks.choices import choose_assignee, choose_person
from server.tasks.days import day_of, moment_of, next_monday, zone_of
from server.tasks.models import Priority, Task, TaskKind
from server.tasks.queries import LARGEST_ID
from server.tasks.tasks import Draft, Due
from server.tasks.view import View


@dataclass(frozen=True, slots=True)
class TaskForm:
    """The fields as entered; `person_query` is what is searched for among people."""

    name: str = ""
    kind: str = TaskKind.CUSTOM
    due_on: str = ""
    due_time: str = ""
    priority: str = Priority.NORMAL
    details: str = ""
    person_id: str = ""
    person_query: str = ""
    assignee_id: str = ""


def make_form(member: Member, view: View, asked_due: str, zone: ZoneInfo) -> TaskForm:
    """Return an empty form: due on the day that the address names or on the first that is shown, about its person."""
    window = view.window(zone, now())
    day = _find_day(asked_due) or (max(window.first, day_of(now(), zone)) if window else day_of(now(), zone))
    person_id = str(view.person_id or "")
    return TaskForm(due_on=day.isoformat(), person_id=person_id, assignee_id=str(member.id))


def show_form(session: Session, task: Task, zone: ZoneInfo) -> TaskForm:
    """Return the form of a task as it is, in the member's `zone`; a day without a time is its assignee's."""
    if not task.has_time:
        zone = zone_of(session, session.get_one(Member, task.assignee_id))
    at = task.due_at.astimezone(zone)
    return TaskForm(
        name=task.name, kind=task.kind, priority=task.priority, details=task.details,
        due_on=at.date().isoformat(), due_time=f"{at:%H:%M}" if task.has_time else "",
        person_id=str(task.person_id or ""), assignee_id=str(task.assignee_id),
    )  # fmt: skip


def read_form(fields: Mapping[str, str]) -> TaskForm:
    """Return the form as a browser sent it."""
    return TaskForm(**{name: fields[name] for name in TaskForm.__dataclass_fields__ if name in fields})


def make_draft(session: Session, member: Member, form: TaskForm, zone: ZoneInfo, task: Task | None = None) -> Draft:
    """Return what the form asks for; refuses a date that is none, and people whom the member may not choose."""
    return Draft(
        name=form.name,
        due=read_due(form.due_on, form.due_time, zone),
        kind=form.kind,
        priority=form.priority,
        details=form.details,
        person=_find_person(session, member, form, task),
        assignee=choose_assignee(session, member, _read_id(form.assignee_id)) if form.assignee_id else None,
    )


def read_due(day_text: str, time_text: str, zone: ZoneInfo) -> Due:
    """Return when a task is due: a moment, or a day where no time is given; refuses what is neither."""
    day = _find_day(day_text)
    if day is None:
        raise Refused(_("Choose the day on which the task is due."), field="due_on")
    if not time_text:
        return day
    try:
        return moment_of(day, time.fromisoformat(time_text), zone)
    except ValueError as error:
        raise Refused(_("Give the time as hours and minutes, or leave it out."), field="due_on") from error


def read_new_due(day_text: str, time_text: str, zone: ZoneInfo) -> Due:
    """Return to when a task is moved: `tomorrow`, `next-week` (its Monday), or what `read_due` reads."""
    today = day_of(now(), zone)
    named = {"today": today, "tomorrow": today + timedelta(days=1), "next-week": next_monday(today)}
    return named.get(day_text) or read_due(day_text, time_text, zone)


def _find_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _find_person(session: Session, member: Member, form: TaskForm, task: Task | None) -> Person | None:
    person_id = _read_id(form.person_id)
    if person_id == 0 and form.person_query.strip():
        raise Refused(_("Choose one of these people, or empty the search."), field="person_id")
    return choose_person(session, member, person_id, task) if person_id else None


def _read_id(text: str) -> int:
    return min(int(text[:12]), LARGEST_ID) if text.isdecimal() and text.isascii() else 0
