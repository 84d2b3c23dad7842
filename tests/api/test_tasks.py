"""/api/v1/tasks: list, add, change, complete and delete."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member, Role, Workspace
from server.clock import now
from server.people.people import add_person
from server.tasks.tasks import Draft, add_task
from tests.api.conftest import Program, make_program
from tests.api.test_problems import fields
from tests.factories import make_member

TOMORROW = (now() + timedelta(days=1)).date()


@pytest.fixture
def bob(session: Session, alice: Member) -> Member:
    """Alice's colleague."""
    return make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))


def send(program: Program, method: str, path: str, body: Any = None) -> TestResponse:
    """Make a request below /api/v1."""
    options = {} if body is None else {"json": body}
    return program.client.open(f"/api/v1{path}", method=method, headers=program.headers, **options)


def names(program: Program, **query: Any) -> list[str]:
    """Return the names in a list of tasks."""
    return [task["name"] for task in program.items("/tasks", **query)]


def test_a_task_is_added_and_found(program: Program, session: Session, alice: Member) -> None:
    person = add_person(session, alice.workspace_id, alice.id, "flynn@encom.example", "Kevin Flynn")
    session.commit()
    body = {
        "name": "Call Flynn", "kind": "call", "priority": "high", "details": "The arcade",
        "due_at": "2030-03-04T15:30:00+01:00", "person_id": person.id,
    }  # fmt: skip
    answer = program.post("/tasks", body)
    assert answer.status_code == 201
    task = answer.get_json()
    assert task["due_at"] == "2030-03-04T14:30:00Z"
    assert task["person"] == {"id": person.id, "name": "Kevin Flynn", "email": "flynn@encom.example"}
    assert (task["assignee_id"], task["creator_id"], task["due_on"]) == (alice.id, alice.id, None)
    assert program.client.get(answer.headers["Location"], headers=program.headers).get_json() == task
    assert program.items("/tasks") == [task]


def test_a_day_is_enough(program: Program, session: Session, alice: Member) -> None:
    alice.time_zone = "Europe/Paris"
    session.add(alice)
    session.commit()
    task = program.post("/tasks", {"name": "Call Flynn", "due_on": "2030-03-04"}).get_json()
    assert (task["due_on"], task["due_at"]) == ("2030-03-04", "2030-03-04T22:59:59Z")


def test_every_wrong_field_of_a_task_is_named(program: Program) -> None:
    body = {"name": " ", "kind": "fax", "priority": 3, "due_at": "soon", "details": "\0", "colour": "red"}
    assert sorted(fields(program.post("/tasks", body))) == ["colour", "details", "due_at", "kind", "name", "priority"]
    for due in ({}, {"due_at": "2030-03-04T15:30:00Z", "due_on": "2030-03-04"}, {"due_on": "1999-12-31"}):
        assert program.post("/tasks", {"name": "Call", **due}).status_code == 422
    for field in ("assignee_id", "person_id"):
        answer = program.post("/tasks", {"name": "Call", "due_on": "2030-03-04", field: 99})
        assert (answer.status_code, fields(answer)) == (422, [field])


def test_only_what_is_named_changes(program: Program, session: Session, alice: Member, bob: Member) -> None:
    session.commit()
    task = program.post("/tasks", {"name": "Call Flynn", "due_on": "2030-03-04", "details": "The arcade"}).get_json()
    path = f"/tasks/{task['id']}"
    changed = send(program, "PATCH", path, {"name": "Call Kevin", "assignee_id": bob.id}).get_json()
    assert changed == {**task, "name": "Call Kevin", "assignee_id": bob.id, "updated_at": changed["updated_at"]}
    timed = send(program, "PATCH", path, {"due_at": "2030-03-04T15:30:00Z"}).get_json()
    assert (timed["due_at"], timed["due_on"]) == ("2030-03-04T15:30:00Z", None)
    assert send(program, "PATCH", path, {"due_on": "2030-03-05"}).get_json()["due_on"] == "2030-03-05"
    assert send(program, "PATCH", path, {"name": None}).status_code == 422


def test_completion_is_put_and_taken_away(program: Program, session: Session) -> None:
    task = program.post("/tasks", {"name": "Call Flynn", "due_on": "2030-03-04"}).get_json()
    path = f"/tasks/{task['id']}/completion"
    done = send(program, "PUT", path).get_json()
    assert done["completed_at"] is not None
    assert send(program, "PUT", path).get_json() == done
    assert (names(program), names(program, state="done")) == ([], ["Call Flynn"])
    assert send(program, "DELETE", path).get_json()["completed_at"] is None
    assert (names(program), names(program, state="done")) == (["Call Flynn"], [])


def test_a_deleted_task_is_gone(program: Program, session: Session) -> None:
    path = f"/tasks/{program.post('/tasks', {'name': 'Call', 'due_on': '2030-03-04'}).get_json()['id']}"
    answer = send(program, "DELETE", path)
    assert (answer.status_code, answer.data) == (204, b"")
    for method in ("GET", "DELETE"):
        assert send(program, method, path).status_code == 404
    assert names(program) == []


@time_machine.travel(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), tick=False)
def test_tasks_are_listed_by_when_they_are_due(program: Program, session: Session, alice: Member) -> None:
    at = now().replace(microsecond=0)
    for name, due in (("late", at - timedelta(days=3)), ("next month", at + timedelta(days=30))):
        add_task(session, alice, Draft(name, due))
    for number in (1, 6, 7):
        add_task(session, alice, Draft(f"day +{number}", datetime.now(UTC).date() + timedelta(days=number)))
    session.commit()
    everything = ["late", "day +1", "day +6", "day +7", "next month"]
    assert names(program) == names(program, limit=2) == everything
    assert names(program, due="overdue") == ["late"]
    assert names(program, due="tomorrow") == ["day +1"]
    assert names(program, due="week") == ["day +1", "day +6"]
    assert names(program, since=at.isoformat(), until=(at + timedelta(days=20)).isoformat()) == everything[1:4]
    answer = program.get("/tasks", due="week", since=at.isoformat())
    assert answer.status_code == 422


def test_whose_tasks_are_listed(app: Flask, program: Program, session: Session, alice: Member, bob: Member) -> None:
    person = add_person(session, alice.workspace_id, alice.id, "flynn@encom.example", "Kevin Flynn")
    mona = make_member(session, "Mona", session.get_one(Workspace, alice.workspace_id), role=Role.MANAGER)
    add_task(session, alice, Draft("mine", TOMORROW))
    given = add_task(session, alice, Draft("given to Bob", TOMORROW, assignee=bob, person=person))
    bobs = add_task(session, bob, Draft("Bob's own", TOMORROW, person=person))
    session.commit()
    assert names(program) == ["mine"]
    assert names(program, assignee=bob.id) == names(program, person=person.id) == ["given to Bob"]
    assert program.get("/tasks", scope="team").status_code == 403
    assert program.get(f"/tasks/{given.id}").status_code == 200
    for method in ("GET", "DELETE"):
        assert send(program, method, f"/tasks/{bobs.id}").status_code == 404
    manager = make_program(app, session, mona)
    assert names(manager) == []
    assert sorted(names(manager, scope="team")) == ["Bob's own", "given to Bob", "mine"]
    assert sorted(names(manager, scope="team", assignee=bob.id)) == ["Bob's own", "given to Bob"]


def test_another_workspace_knows_nothing(app: Flask, program: Program, session: Session, alice: Member) -> None:
    task = add_task(session, alice, Draft("mine", TOMORROW))
    mallory = make_member(session, "Mallory", email="mallory@evil.example", role=Role.ADMIN)
    other = make_program(app, session, mallory)
    assert names(other, scope="team") == names(other, assignee=alice.id) == []
    assert names(other, scope="team", assignee=alice.id) == []
    assert send(other, "PATCH", f"/tasks/{task.id}", {"name": "Mallory's"}).status_code == 404
    assert send(other, "PUT", f"/tasks/{task.id}/completion").status_code == 404


def test_a_day_is_none_of_pythons(program: Program) -> None:
    assert fields(program.post("/tasks", {"name": "Call", "due_on": 5})) == ["due_on"]
    assert date.fromisoformat(program.post("/tasks", {"name": "Call", "due_on": "2030-02-28"}).get_json()["due_on"])
