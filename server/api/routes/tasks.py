"""Routes of the REST API for tasks."""

from datetime import timedelta
from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers
from sqlmodel import Session

from server.accounts.models import Member
from server.api import queries
from server.api.cursors import make_cursor, read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import EPOCH, bp
from server.api.shapes import inputs
from server.api.shapes import tasks as shapes
from server.api.shapes.outputs import PersonAnswer
from server.clock import now
from server.db import get_session
from server.keys import get_keys
from server.security import allow
from server.tasks import tasks
from server.tasks.choices import choose_assignee, choose_person
from server.tasks.days import day_of, make_window, zone_of
from server.tasks.models import Task
from server.tasks.queries import Filter, TaskRow, get_row, get_task, read_tasks

TASK = "/tasks/<int:task_id>"  # without limits: an id beyond them would answer 405 where a rule has other methods


@bp.get("/tasks")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=shapes.TaskPage), operation_id="listTasks")
def list_tasks(query: shapes.TasksQuery) -> shapes.TaskPage:
    """List tasks by when they are due, the first at the head: yours, unless you ask for others."""
    session, member = get_session(), current_user
    place = read_cursor(get_keys(), member.id, "tasks", query.cursor)
    after = (EPOCH + timedelta(microseconds=place[0]), place[1]) if place else None
    rows = read_tasks(session, _make_filter(session, member, query), after, query.limit + 1)
    page, following = rows[: query.limit], None
    if len(rows) > query.limit:
        last = ((page[-1].due_at - EPOCH) // timedelta(microseconds=1), page[-1].id)
        following = make_cursor(get_keys(), member.id, "tasks", last)
    return shapes.TaskPage(items=[_show(session, row) for row in page], next=following)


@bp.post("/tasks")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.TaskAnswer), operation_id="addTask")
def add_task(json: shapes.NewTask) -> Any:
    """Add a task."""
    session, member = get_session(), current_user
    task = tasks.add_task(session, member, _draft(session, member, json.model_dump()))
    session.commit()
    return _answer(session, task), 201, {"Location": url_for("api.show_task", task_id=task.id)}


@bp.get(TASK)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TaskAnswer), operation_id="getTask")
def show_task(task_id: int) -> shapes.TaskAnswer:
    """One task that you have or gave, or that is your team's."""
    session = get_session()
    return _answer(session, get_task(session, current_user, task_id))


@bp.patch(TASK)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TaskAnswer), operation_id="changeTask")
def change_task(json: shapes.TaskChange, task_id: int) -> shapes.TaskAnswer:
    """Change what is named of a task."""
    session, member = get_session(), current_user
    task = get_task(session, member, task_id)
    changed = json.model_dump(include=json.model_fields_set)
    if changed.get("due_on") is not None:
        changed["due_at"] = None
    fields = _fields_of(session, task) | changed
    tasks.edit_task(session, task, _draft(session, member, fields, task))
    session.commit()
    return _answer(session, task)


@bp.delete(TASK)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers("HTTP_204"), operation_id="deleteTask")
def delete_task(task_id: int) -> Any:
    """Delete a task."""
    session = get_session()
    tasks.remove(session, get_task(session, current_user, task_id))
    session.commit()
    return "", 204


@bp.put(f"{TASK}/completion")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TaskAnswer), operation_id="completeTask")
def complete_task(task_id: int) -> shapes.TaskAnswer:
    """Mark a task as done; done already, it stays as it is."""
    session = get_session()
    task = get_task(session, current_user, task_id)
    tasks.complete(session, task)
    session.commit()
    return _answer(session, task)


@bp.delete(f"{TASK}/completion")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TaskAnswer), operation_id="reopenTask")
def reopen_task(task_id: int) -> shapes.TaskAnswer:
    """Take a task up again."""
    session = get_session()
    task = get_task(session, current_user, task_id)
    tasks.reopen(session, task)
    session.commit()
    return _answer(session, task)


def _make_filter(session: Session, member: Member, query: shapes.TasksQuery) -> Filter:
    scope = queries.find_scope(session, member, query.scope)
    start, end = query.since, query.until
    if query.due == "overdue":
        end = now()
    elif query.due is not None:
        window = make_window(query.due, zone_of(session, member), now())
        start, end = window.start, window.end
    is_about_mine = query.assignee is None and query.person is None
    assignee_id = scope.member_id if is_about_mine else query.assignee
    return Filter(scope, assignee_id, query.person, is_done=query.state == "done", start=start, end=end)


def _draft(session: Session, member: Member, fields: dict[str, Any], task: Task | None = None) -> tasks.Draft:
    return tasks.Draft(
        name=fields["name"],
        due=fields["due_at"] or fields["due_on"],
        kind=fields["kind"],
        priority=fields["priority"],
        details=fields["details"],
        assignee=choose_assignee(session, member, fields["assignee_id"]) if fields["assignee_id"] else None,
        person=choose_person(session, member, fields["person_id"], task) if fields["person_id"] else None,
    )


def _fields_of(session: Session, task: Task) -> dict[str, Any]:
    fields = task.model_dump(include={"name", "kind", "priority", "details", "assignee_id", "person_id"})
    zone = zone_of(session, session.get_one(Member, task.assignee_id))
    return fields | {"due_at": task.due_at if task.has_time else None, "due_on": day_of(task.due_at, zone)}


def _answer(session: Session, task: Task) -> shapes.TaskAnswer:
    return _show(session, get_row(session, task.id))


def _show(session: Session, row: TaskRow) -> shapes.TaskAnswer:
    person = None
    if row.person_id is not None:
        person = PersonAnswer(id=row.person_id, name=row.person_name or "", email=row.person_address)
    zone = zone_of(session, session.get_one(Member, row.assignee_id))
    return shapes.TaskAnswer(
        **{name: getattr(row, name) for name in shapes.TaskAnswer.model_fields if name in row._fields},
        due_on=None if row.has_time else day_of(row.due_at, zone),
        person=person,
    )
