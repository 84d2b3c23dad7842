"""The down-arrow menu (F6, F12): Alice and Bob are colleagues, Mallory is somewhere else."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member, Role, Workspace
from server.events.models import UNOWNED, Event
from server.events.record import MARKETING, Fact, record
from server.people.models import Person, PersonActivity
from server.people.people import add_person, adopt, ensure_person
from tests.factories import make_member
from tests.feed.events import NOON
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}
PURPLE = "lora@encom.example"


@pytest.fixture
def alice(client: FlaskClient, session: Session) -> Member:
    alice = make_member(session)
    sign_in(client, alice)
    return alice


def visit(session: Session, workspace_id: int, address: str, hit_id: str) -> None:
    """Record that somebody of this address clicked in marketing content."""
    from server.events.models import EventKind

    fact = Fact(
        kind=EventKind.CLICKED, at=NOON, hit_id=hit_id, workspace_id=workspace_id, content_kind=MARKETING,
        subject="Spring offer", person_address=address, evidence={"reported": "human"},
    )  # fmt: skip
    record(session, [fact])
    session.commit()


def test_somebody_unknown_is_added_once_and_add_is_gone(client: FlaskClient, session: Session, alice: Member) -> None:
    menu = client.get("/people/menu", query_string={"address": PURPLE, "name": "Lora"}, headers=HTMX).text
    assert ">Add</button>" in menu and "add them first" in menu and "not in the database" in menu
    for _ in range(2):
        answer = client.post("/people", data={"menu": "yes", "address": PURPLE, "name": "Lora"}, headers=HTMX)
        assert answer.status_code == 200 and ">Add</button>" not in answer.text
    person = session.exec(select(Person)).one()
    assert (person.name, person.owner_id) == ("Lora", alice.id)
    assert f'href="/people/{person.id}"' in answer.text and f"/tasks/new?person={person.id}" in answer.text


def test_what_somebody_did_before_add_is_mine_from_then_on(session: Session, alice: Member) -> None:
    visit(session, alice.workspace_id, PURPLE, "hit-1")
    event = session.exec(select(Event)).one()
    assert (event.person_id, event.member_id) == (None, UNOWNED)
    person = adopt(session, alice, PURPLE, "Lora")
    session.commit()
    session.expire_all()
    event = session.exec(select(Event)).one()
    assert (event.person_id, event.member_id) == (person.id, alice.id)
    assert session.exec(select(PersonActivity.last_event_at)).one() == NOON


def test_what_belongs_to_nobody_is_taken_with_the_person(session: Session, alice: Member) -> None:
    person = ensure_person(session, alice.workspace_id, None, PURPLE, "Lora")
    visit(session, alice.workspace_id, PURPLE, "hit-1")
    assert adopt(session, alice, PURPLE).id == person.id
    session.commit()
    session.expire_all()
    assert session.exec(select(Event.member_id)).one() == alice.id
    assert (person.owner_id, person.name) == (alice.id, "Lora")


def test_another_workspaces_events_stay_theirs(session: Session, alice: Member) -> None:
    mallory = make_member(session, "Mallory")
    visit(session, mallory.workspace_id, PURPLE, "hit-1")
    adopt(session, alice, PURPLE)
    session.commit()
    session.expire_all()
    assert session.exec(select(Event.person_id)).one() is None


def test_quick_actions_lead_where_they_say(client: FlaskClient, session: Session, alice: Member) -> None:
    person = add_person(
        session, alice.workspace_id, alice.id, "kevin@encom.example", "Kevin Flynn",
        phone="+33 (0)6 12 34 56 78", linkedin_url="https://www.linkedin.com/in/kevin-flynn",
    )  # fmt: skip
    session.commit()
    menu = client.get("/people/menu", query_string={"person": person.id}, headers=HTMX).text
    assert 'href="tel:+330612345678"' in menu and 'href="/compose?to=kevin@encom.example"' in menu
    assert re.search(
        r'href="https://www\.linkedin\.com/in/kevin-flynn" target="_blank" rel="noopener noreferrer"', menu
    )
    assert "aria-disabled" not in menu and ">Add</button>" not in menu


def test_what_is_missing_says_why(client: FlaskClient, session: Session, alice: Member) -> None:
    person = ensure_person(session, alice.workspace_id, alice.id, PURPLE)
    session.commit()
    menu = client.get("/people/menu", query_string={"person": person.id}, headers=HTMX).text
    assert menu.count('aria-disabled="true"') == 2 and "no phone number" in menu and "no profile" in menu
    assert "tel:" not in menu


def test_the_menu_is_a_page_without_scripts(client: FlaskClient, alice: Member) -> None:
    page = client.get("/people/menu", query_string={"address": PURPLE}).text
    assert "<!doctype html>" in page and 'action="/people"' in page
    answer = client.post("/people", data={"menu": "yes", "address": PURPLE})
    assert answer.status_code == 303 and "/people/menu?person=" in answer.headers["Location"]


def test_a_colleagues_person_keeps_what_is_known_of_them(
    client: FlaskClient, session: Session, alice: Member, app: Flask
) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    theirs = add_person(session, bob.workspace_id, bob.id, PURPLE, "Lora Baines", phone="+1 555 0100")
    session.commit()
    for query in ({"person": theirs.id, "address": PURPLE}, {"address": PURPLE}):
        menu = client.get("/people/menu", query_string=query, headers=HTMX).text
        assert "assigned to a colleague" in menu and "Baines" not in menu
        assert "555 0100" not in menu and "tel:" not in menu
        assert ">Add</button>" not in menu
    assert client.get("/people/menu", query_string={"person": theirs.id}).status_code == 404
    assert client.post("/people", data={"menu": "yes", "address": PURPLE}).status_code == 409
    mona = make_member(session, "Mona", session.get_one(Workspace, alice.workspace_id), role=Role.MANAGER)
    manager = app.test_client()
    sign_in(manager, mona)
    assert "+1 555 0100" in manager.get("/people/menu", query_string={"person": theirs.id}).text


def test_mallory_is_told_nothing_of_another_workspace(client: FlaskClient, session: Session, app: Flask) -> None:
    alice, mallory = make_member(session), make_member(session, "Mallory", role=Role.ADMIN)
    person = add_person(session, alice.workspace_id, alice.id, PURPLE, "Lora Baines", phone="+1 555 0100")
    session.commit()
    sign_in(client, mallory)
    assert client.get("/people/menu", query_string={"person": person.id}).status_code == 404
    menu = client.get("/people/menu", query_string={"person": person.id, "address": PURPLE}).text
    assert "555 0100" not in menu and "tel:" not in menu
    assert "Baines" not in menu and ">Add</button>" in menu


@pytest.mark.parametrize(
    "query", [{}, {"person": "x"}, {"person": "99999999999"}, {"address": "nobody"}, {"address": "a\0@b.example"}]
)
def test_a_menu_of_nobody_is_refused(client: FlaskClient, alice: Member, query: dict[str, str]) -> None:
    assert client.get("/people/menu", query_string=query).status_code in (404, 422)


def test_names_are_text_in_the_menu(client: FlaskClient, alice: Member) -> None:
    query = {"address": PURPLE, "name": '<script>alert("x")</script>'}
    assert "<script>alert" not in client.get("/people/menu", query_string=query, headers=HTMX).text


def test_the_button_asks_for_the_menu_when_it_is_opened(app: Flask) -> None:
    from flask import render_template

    with app.test_request_context():
        button = render_template("people/_menu_button.html", person_id=7, address="", name="Kevin <b>")
    assert 'hx-get="/people/menu?person=7&amp;name=Kevin' in button and "Kevin &lt;b&gt;" in button
    assert 'popovertarget="person-menu-7"' in button and 'id="person-menu-7"' in button
