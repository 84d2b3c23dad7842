"""People through the API: listed, found, added, changed; whose they are decides who gets them."""

import pytest
from flask import Flask
from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace
from server.people.custom_fields import add_field
from server.people.people import add_person, change_owner
from tests.api.conftest import Program, make_program
from tests.factories import make_member


def patch(program: Program, path: str, body: object) -> tuple[int, dict[str, object]]:
    answer = program.client.patch(f"/api/v1{path}", json=body, headers=program.headers)
    return answer.status_code, answer.get_json()


@pytest.fixture
def bob(session: Session, alice: Member) -> Member:
    return make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))


def test_a_person_is_added_shown_and_changed(program: Program, session: Session, alice: Member) -> None:
    add_field(session, alice.workspace_id, "Industry")
    session.commit()
    body = {"email": "Kevin@Encom.example", "name": "Kevin", "phone": "+1 555 0100", "custom": {"Industry": "Games"}}
    answer = program.post("/people", body)
    person = answer.get_json()
    assert answer.status_code == 201 and answer.headers["Location"] == f"/api/v1/people/{person['id']}"
    assert (person["emails"], person["owner_id"], person["custom"]) == (
        ["kevin@encom.example"], alice.id, {"Industry": "Games"},
    )  # fmt: skip
    status, changed = patch(program, f"/people/{person['id']}", {"emails": ["b@a.example", "kevin@encom.example"]})
    assert (status, changed["emails"], changed["name"]) == (200, ["b@a.example", "kevin@encom.example"], "Kevin")
    status, changed = patch(program, f"/people/{person['id']}", {"company": "Encom", "custom": {"Industry": ""}})
    assert (status, changed["company"], changed["custom"]) == (200, "Encom", {})
    assert patch(program, f"/people/{person['id']}", {"owner_id": None})[1]["owner_id"] is None
    assert program.get(f"/people/{person['id']}").get_json()["phone"] == "+1 555 0100"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "email"), ({"email": "x"}, 422, "email"), ({"email": "taken@a.example"}, 409, "email"),
        ({"phone": "no"}, 422, "phone"), ({"linkedin_url": "javascript:x"}, 422, "linkedin_url"),
        ({"custom": {"Nothing": "x"}}, 422, "custom"), ({"owner_id": 999}, 422, "owner_id"),
        ({"colour": "red"}, 422, "colour"), ({"name": "a\ud800"}, 422, "name"), ({"name": 7}, 422, "name"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(
    program: Program, session: Session, alice: Member, body: dict[str, object], status: int, field: str
) -> None:
    add_person(session, alice.workspace_id, alice.id, "taken@a.example")
    session.commit()
    answer = program.post("/people", {"email": "new@a.example", **body} if body else {})
    assert answer.status_code == status and answer.mimetype == "application/problem+json"
    assert answer.get_json()["errors"][0]["field"] == field
    assert len(program.items("/people")) == 1


def test_lists_go_on_where_they_ended(program: Program, session: Session, alice: Member) -> None:
    for number in range(7):
        add_person(session, alice.workspace_id, alice.id, f"p{number}@a.example", f"Flynn {number}")
    session.commit()
    assert [person["emails"][0][1] for person in program.items("/people", limit=3)] == list("0123456")
    assert [person["name"] for person in program.items("/people", limit=2, q="flynn")] == [
        f"Flynn {number}" for number in range(7)
    ]
    assert [person["name"] for person in program.items("/people", email="P3@a.example")] == ["Flynn 3"]
    assert program.items("/people", q="clu") == program.items("/people", email="x@a.example") == []
    wrong = program.get("/people", cursor="x")
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (422, "cursor")


def test_whose_people_are_answered(app: Flask, program: Program, session: Session, alice: Member, bob: Member) -> None:
    mine = add_person(session, alice.workspace_id, alice.id, "a@a.example")
    theirs = add_person(session, alice.workspace_id, bob.id, "b@a.example")
    nobodys = add_person(session, alice.workspace_id, alice.id, "c@a.example")
    change_owner(session, nobodys, None)
    session.commit()
    mona = make_member(session, "Mona", session.get_one(Workspace, alice.workspace_id), role=Role.MANAGER)
    mallory = make_member(session, "Mallory", role=Role.ADMIN)
    manager, other = make_program(app, session, mona), make_program(app, session, mallory)

    def ids(reader: Program, **query: object) -> list[int]:
        return [person["id"] for person in reader.items("/people", **query)]

    assert ids(program) == [mine.id, nobodys.id]
    assert (ids(program, owner="me"), ids(program, owner="none")) == ([mine.id], [nobodys.id])
    assert ids(program, email="b@a.example") == [] and ids(other, scope="team") == []
    assert ids(manager, scope="team") == [mine.id, theirs.id, nobodys.id]
    assert ids(manager, owner=bob.id) == [theirs.id]
    assert program.get("/people", owner=bob.id).status_code == 422
    assert program.get("/people", scope="team").status_code == 403
    for reader, person, status in ((program, theirs, 404), (manager, theirs, 200), (other, mine, 404)):
        assert reader.get(f"/people/{person.id}").status_code == status
        assert patch(reader, f"/people/{person.id}", {"company": "X"})[0] == status
    assert patch(program, f"/people/{mine.id}", {"emails": ["b@a.example"]})[0] == 409
    assert patch(program, f"/people/{mine.id}", {"owner_id": mallory.id})[0] == 422
