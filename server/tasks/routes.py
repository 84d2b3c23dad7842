"""Routes of the room `tasks`: the panel that all shells show, the form, and what can be done with a task."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.scope import Scope, scope_of
from server.clock import now
from server.db import get_session
from server.errors import Invalid, Refused
from server.htmx import is_partial_wanted
from server.people.models import Person
from server.security import allow
from server.tasks import forms, queries, tasks, words
from server.tasks.choices import list_assignees
from server.tasks.days import day_of, zone_of
from server.tasks.models import Task
from server.tasks.persons import search_people
from server.tasks.view import View, read_view

bp = Blueprint("tasks", __name__)

TASK = "/tasks/<int(max=2147483647):task_id>"


@bp.get("/tasks")
@allow("rep")
def show_tasks() -> ResponseReturnValue:
    """Show the page of the member's tasks, with a filter by dates that the feed has not."""
    session, undone_id = get_session(), request.args.get("undo", type=int)
    undo = _find_undo(session, undone_id) if undone_id else ""
    return render_template("tasks/tasks.html", **_panel(session, read_view(request.args), undo=undo))


@bp.get("/tasks/panel")
@allow("rep")
def show_panel() -> ResponseReturnValue:
    """Show the member's tasks, for any shell."""
    return render_template("tasks/_panel.html", **_panel(get_session(), read_view(request.args)))


@bp.get("/tasks/people")
@allow("rep")
def show_people() -> ResponseReturnValue:
    """Show whom a task can be about, by the beginning of a name or address."""
    form = forms.read_form(request.args)
    return render_template("tasks/_people.html", form=form, people=_people(get_session(), form))


@bp.get("/tasks/new")
@allow("rep")
def show_new() -> ResponseReturnValue:
    """Show the form of a new task."""
    session, view = get_session(), read_view(request.args)
    zone = zone_of(session, current_user)
    return _form(session, forms.make_form(current_user, view, request.args.get("due", ""), zone))


@bp.post("/tasks")
@allow("rep")
def add_task() -> ResponseReturnValue:
    """Add the task of the form."""
    session, form = get_session(), forms.read_form(request.form)
    try:
        draft = forms.make_draft(session, current_user, form, zone_of(session, current_user))
        task = tasks.add_task(session, current_user, draft)
    except Refused as error:
        return _form(session, form, error=error)
    session.commit()
    return _saved(session, _("Added “%(name)s”. Due: %(day)s.", name=task.name, day=_tell_day(session, task)))


@bp.get(f"{TASK}/edit")
@allow("rep")
def show_edit(task_id: int) -> ResponseReturnValue:
    """Show the form of a task."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id)
    return _form(session, forms.show_form(session, task, zone_of(session, current_user)), task)


@bp.post(TASK)
@allow("rep")
def edit_task(task_id: int) -> ResponseReturnValue:
    """Write the form over a task."""
    session, form = get_session(), forms.read_form(request.form)
    task = queries.get_task(session, current_user, task_id)
    try:
        draft = forms.make_draft(session, current_user, form, zone_of(session, current_user), task)
        tasks.edit_task(session, task, draft)
    except Refused as error:
        session.refresh(task)
        return _form(session, form, task, error)
    session.commit()
    return _saved(session, _("Saved “%(name)s”. Due: %(day)s.", name=task.name, day=_tell_day(session, task)))


@bp.post(f"{TASK}/completion")
@allow("rep")
def complete_task(task_id: int) -> ResponseReturnValue:
    """Mark a task as done."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id)
    tasks.complete(session, task)
    session.commit()
    return _changed(session, task, _("Done: “%(name)s”.", name=task.name), has_undo=True)


@bp.post(f"{TASK}/reopening")
@allow("rep")
def reopen_task(task_id: int) -> ResponseReturnValue:
    """Take a task up again."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id)
    tasks.reopen(session, task)
    session.commit()
    return _changed(session, task, _("“%(name)s” is open again.", name=task.name))


@bp.post(f"{TASK}/removal")
@allow("rep")
def remove_task(task_id: int) -> ResponseReturnValue:
    """Delete a task."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id, with_deleted=True)
    tasks.remove(session, task)
    session.commit()
    return _changed(session, task, _("Deleted “%(name)s”.", name=task.name), has_undo=True)


@bp.post(f"{TASK}/restoration")
@allow("rep")
def restore_task(task_id: int) -> ResponseReturnValue:
    """Bring a deleted task back."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id, with_deleted=True)
    tasks.restore(session, task)
    session.commit()
    return _changed(session, task, _("“%(name)s” is back.", name=task.name))


@bp.post(f"{TASK}/due")
@allow("rep")
def set_due(task_id: int) -> ResponseReturnValue:
    """Move a task to another day, or to a moment."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id)
    zone = zone_of(session, current_user)
    tasks.reschedule(session, task, forms.read_new_due(request.form.get("on", ""), request.form.get("time", ""), zone))
    session.commit()
    day = _tell_day(session, task)
    return _changed(session, task, _("Moved “%(name)s”. Due: %(day)s.", name=task.name, day=day))


@bp.get(f"{TASK}/reminder")
@allow("rep")
def show_reminder(task_id: int) -> ResponseReturnValue:
    """Show that a task is due, and what can be done now."""
    session = get_session()
    return _reminder(session, queries.get_task(session, current_user, task_id, with_deleted=True))


@bp.post(f"{TASK}/snooze")
@allow("rep")
def snooze_task(task_id: int) -> ResponseReturnValue:
    """Remind of a task again in a quarter of an hour."""
    session = get_session()
    task = queries.get_task(session, current_user, task_id)
    tasks.snooze(session, task)
    session.commit()
    return _changed(session, task, _("You will be reminded of “%(name)s” again.", name=task.name))


def _panel(session: Session, view: View, **context: Any) -> dict[str, Any]:
    member: Member = current_user
    zone, at = zone_of(session, member), now()
    chosen = queries.Filter(Scope(member.workspace_id, member.id), assignee_id=member.id)
    if view.person_id is not None:
        chosen = queries.Filter(scope_of(session, member, team=True), person_id=view.person_id)
    window = view.window(zone, at)
    return {
        "panel": queries.read_panel(session, chosen, window, zone, at, view.place, view.shows_done),
        "view": view,
        "today": day_of(at, zone),
        "words": words,
        "write_place": queries.write_place,
        **context,
    }


def _changed(session: Session, task: Task, said: str, *, has_undo: bool = False) -> ResponseReturnValue:
    if not is_partial_wanted():
        flash(said)
        return redirect(url_for(".show_tasks", **_query(), undo=task.id if has_undo else None), 303)
    if request.args.get("in") == "reminder":
        return _reminder(session, task)
    undo = _find_undo(session, task.id) if has_undo else ""
    return render_template("tasks/_list.html", **_panel(session, read_view(request.args), said=said, undo=undo))


def _find_undo(session: Session, task_id: int) -> str:
    """Return where a deleted task is brought back, or a completed one taken up again; "" where neither can be."""
    with suppress(Refused):
        task = queries.get_task(session, current_user, task_id, with_deleted=True)
        if task.deleted_at:
            return url_for(".restore_task", task_id=task_id, **_query())
        if task.completed_at:
            return url_for(".reopen_task", task_id=task_id, **_query())
    return ""


def _saved(session: Session, said: str) -> ResponseReturnValue:
    if not is_partial_wanted():
        flash(said)
        return redirect(url_for(".show_tasks", **_query()), 303)
    return render_template("tasks/_panel.html", **_panel(session, read_view(request.args), said=said))


def _form(
    session: Session, form: forms.TaskForm, task: Task | None = None, error: Refused | None = None
) -> ResponseReturnValue:
    errors = dict(error.errors) if isinstance(error, Invalid) else {error.field: error.message} if error else {}
    template = "tasks/_form.html" if is_partial_wanted() else "tasks/task.html"
    answer = render_template(
        template, form=form, task=task, errors=errors, view=read_view(request.args), words=words,
        people=_people(session, form), assignees=list_assignees(session, current_user),
    )  # fmt: skip
    return answer, error.status if error else 200


def _reminder(session: Session, task: Task) -> str:
    row = queries.get_row(session, task.id)
    return render_template("tasks/_reminder.html", task=row, reminder=task, words=words)


def _people(session: Session, form: forms.TaskForm) -> list[tuple[Person, str]]:
    return search_people(session, current_user, form.person_query, form.person_id)


def _tell_day(session: Session, task: Task) -> str:
    zone = zone_of(session, current_user)
    return words.tell_day(day_of(task.due_at, zone), day_of(now(), zone))


def _query() -> dict[str, Any]:
    return read_view(request.args).query
