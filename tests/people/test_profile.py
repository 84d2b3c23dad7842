"""One person's page: who may see it, what can be changed, and what is refused beside the field."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member, Workspace
from server.consent.models import Reason
from server.consent.suppression import suppress
from server.events.models import Event
from server.people.addresses import list_addresses
from server.people.models import Person, PersonAddress
from server.people.people import change_owner
from server.scoring.models import PersonScore
from tests.feed.events import make_event
from tests.people.conftest import HTMX, Team, forget, make_person

Browse = Callable[[Member], FlaskClient]


def reread(session: Session, person: Person) -> Person:
    forget(session)
    found = session.get_one(Person, person.id)
    session.commit()
    return found


def test_who_may_see_and_change_a_person(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice)
    page, act = f"/people/{person.id}", {"name": "Clu"}
    for member, status in ((team.alice, 200), (team.bob, 404), (team.mona, 200), (team.mallory, 404)):
        client = browse(member)
        for path in ("", "/edit", "/timeline", "/merge"):
            assert client.get(page + path).status_code == status, (member.name, path)
        done = 303 if status == 200 else 404
        assert client.post(page, data=act).status_code == done, member.name
        for path, data in (
            ("/addresses", {"email": "x@y.example"}),
            ("/owner", {"owner_id": "1"}),
            ("/merge", {"gone": "9"}),
        ):
            answer = client.post(page + path, data=data).status_code
            assert (answer == 404) == (status == 404 or path == "/merge"), (member.name, path, answer)


def test_managers_see_the_team_only_where_the_workspace_lets_them(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice)
    session.get_one(Workspace, team.alice.workspace_id).managers_see_team = False
    session.commit()
    assert browse(team.mona).get(f"/people/{person.id}").status_code == 404


def test_the_profile_shows_what_is_known(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(
        session, team.alice, "Kevin <i>Flynn</i>", "kevin@encom.example", company="Encom & Sons", job_title="CEO",
        phone="+1 555 0100", linkedin_url="https://www.linkedin.com/in/kevin", notes="Likes\n<b>bikes</b>",
    )  # fmt: skip
    page = browse(team.alice).get(f"/people/{person.id}").text
    for words in ("Kevin &lt;i&gt;Flynn", "CEO, Encom &amp; Sons", "tel:+15550100", "&lt;b&gt;bikes"):
        assert words in page
    assert f'hx-get="/tasks/panel?person={person.id}"' in page and f'hx-get="/people/{person.id}/score"' in page


def test_a_new_person_is_mine(session: Session, team: Team, browse: Browse) -> None:
    form = {
        "email": "Kevin@Encom.example", "name": " Kevin  Flynn ", "phone": "06 12 34 56 78", "company": "Encom",
        "linkedin_url": "fr.linkedin.com/in/kevin-flynn/?trk=x", "notes": "one\r\ntwo",
    }  # fmt: skip
    answer = browse(team.alice).post("/people", data=form)
    person = session.exec(select(Person)).one()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/people/{person.id}")
    assert (person.name, person.owner_id, person.notes) == ("Kevin Flynn", team.alice.id, "one\ntwo")
    assert person.linkedin_url == "https://www.linkedin.com/in/kevin-flynn"
    assert [row.email for row in list_addresses(session, person.id or 0)] == ["kevin@encom.example"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""), ("email", "nobody"), ("email", "a@b.example\r\nBcc: c@d.example"), ("email", "taken@a.example"),
        ("phone", "call me"), ("phone", "12"), ("phone", "1" * 30), ("phone", "+33;ext=1"), ("phone", "javascript:1"),
        ("linkedin_url", "javascript:alert(1)"), ("linkedin_url", "https://linkedin.com.evil.example/in/x"),
        ("linkedin_url", "https://evil.example/https://www.linkedin.com/in/x"), ("linkedin_url", "https://[/in/x"),
        ("linkedin_url", 'https://www.linkedin.com/in/x"onclick'), ("linkedin_url", "https://www.linkedin.com/"),
        ("linkedin_url", "https://linkedin.com@evil.example/in/x"), ("linkedin_url", "data://www.linkedin.com/in/x"),
        ("name", "a" * 201), ("name", "a\0b"), ("company", "\u202e" + "x"), ("notes", "x" * 10_001), ("notes", "\0"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(
    session: Session, team: Team, browse: Browse, field: str, value: str
) -> None:
    make_person(session, team.alice, "Taken", "taken@a.example")
    answer = browse(team.alice).post("/people", data={"email": "kevin@encom.example", "name": "Kevin", field: value})
    assert answer.status_code in (409, 422)
    assert f'id="{field}-note" role="alert"' in answer.text
    assert len(session.exec(select(Person)).all()) == 1


def test_changes_reach_list_ranking_and_page(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice)
    make_event(session, team.alice, person_id=person.id)
    from server.scoring.score import recount

    recount(session, person.workspace_id, [person.id or 0])
    session.commit()
    client = browse(team.alice)
    answer = client.post(f"/people/{person.id}", data={"name": "CLU 2", "phone": "", "company": "Grid"})
    assert answer.status_code == 303 and reread(session, person).sort_name == "clu 2"
    assert session.exec(select(PersonScore.name)).one() == "clu 2"
    session.commit()
    assert "Grid" in client.get(f"/people/{person.id}", headers=HTMX).text
    wrong = client.post(f"/people/{person.id}", data={"name": "x", "phone": "no"})
    assert (
        wrong.status_code == 422 and "is not a phone number" in wrong.text and reread(session, person).name == "CLU 2"
    )


def test_owners_change_and_are_followed(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice)
    make_event(session, team.alice, person_id=person.id)
    from server.people.activity import recount_activity
    from server.people.models import PersonActivity, PersonTerm
    from server.scoring.score import recount

    recount(session, person.workspace_id, [person.id or 0])
    recount_activity(session, person.id or 0)
    session.commit()
    answer = browse(team.alice).post(f"/people/{person.id}/owner", data={"owner_id": str(team.bob.id)})
    assert answer.headers["Location"] == "/people", "she may not see them any more"
    assert reread(session, person).owner_id == team.bob.id
    for table in (PersonTerm, PersonActivity, PersonScore):
        assert set(session.exec(select(table.owner_id)).all()) == {team.bob.id}, table
    session.commit()
    for wrong in (str(team.mallory.id), "x", "999999999", "-1"):
        assert browse(team.mona).post(f"/people/{person.id}/owner", data={"owner_id": wrong}).status_code == 422
    assert browse(team.mona).post(f"/people/{person.id}/owner", data={"owner_id": ""}).status_code == 303
    assert reread(session, person).owner_id is None


def test_addresses_are_added_ordered_and_removed(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice, email="kevin@encom.example")
    make_person(session, team.alice, "Other", "taken@a.example")
    client, path = browse(team.alice), f"/people/{person.id}/addresses"

    def emails() -> list[str]:
        return [row.email for row in rows()]

    def rows() -> list[PersonAddress]:
        forget(session)
        found = list_addresses(session, person.id or 0)
        session.commit()
        return found

    added = client.post(path, data={"email": "Clu@Grid.example"}, headers=HTMX)
    assert added.status_code == 200 and added.text.lstrip().startswith('<div id="person-addresses">')
    assert emails() == ["kevin@encom.example", "clu@grid.example"]
    second = rows()[1]
    assert "main address now" in client.post(f"{path}/{second.id}/promotion", headers=HTMX).text
    assert emails() == ["clu@grid.example", "kevin@encom.example"]
    assert 'href="/compose?to=clu@grid.example"' in client.get(f"/people/{person.id}").text
    for wrong, words in (
        ("taken@a.example", "Merge the two"), ("clu@grid.example", "already"), ("x", "is not an email address"),
    ):  # fmt: skip
        answer = client.post(path, data={"email": wrong}, headers=HTMX)
        assert answer.status_code in (409, 422) and words in answer.text
    last = rows()[1]
    assert client.post(f"{path}/{last.id}/removal", headers=HTMX).status_code == 200
    assert emails() == ["clu@grid.example"]
    only = rows()[0]
    assert client.post(f"{path}/{only.id}/removal", headers=HTMX).status_code == 409
    assert client.post(f"{path}/999/removal").status_code == 404


def test_an_address_of_another_person_is_not_reached_through_mine(session: Session, team: Team, browse: Browse) -> None:
    mine, theirs = make_person(session, team.alice), make_person(session, team.bob, "Ben")
    address = list_addresses(session, theirs.id or 0)[0]
    session.commit()
    answer = browse(team.alice).post(f"/people/{mine.id}/addresses/{address.id}/promotion")
    assert answer.status_code == 404


def test_the_timeline_shows_a_rep_their_own_and_nobodys(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice)
    for index in range(25):
        make_event(session, team.alice, index, person_id=person.id, subject=f"Mine {index}")
    make_event(session, team.bob, 99, person_id=person.id, subject="Of Bob's mail")
    session.commit()
    client = browse(team.alice)
    first = client.get(f"/people/{person.id}/timeline", headers=HTMX).text
    assert first.count('<li class="row-line') == 20 and "Mine 24" in first and "Of Bob" not in first
    assert "before=" in first
    assert "Of Bob" in browse(team.mona).get(f"/people/{person.id}").text


def test_an_objection_is_shown_whoever_it_concerned(session: Session, team: Team, browse: Browse) -> None:
    person = make_person(session, team.alice, email="flynn@encom.example")
    suppress(session, person.workspace_id, "flynn@encom.example", Reason.UNSUBSCRIBED)
    session.commit()
    page = browse(team.alice).get(f"/people/{person.id}/consent", headers=HTMX).text
    assert "Gets no mail" in page and "has unsubscribed" in page


def test_an_address_brings_what_was_done_from_it(session: Session, team: Team) -> None:
    from server.events.models import UNOWNED
    from server.people.addresses import add_address

    make_event(session, team.alice, member_id=UNOWNED, person_address="clu@grid.example")
    person = make_person(session, team.alice)
    add_address(session, person, "clu@grid.example")
    session.commit()
    session.expire_all()
    event = session.exec(select(Event)).one()
    assert (event.person_id, event.member_id) == (person.id, team.alice.id)


def test_releasing_a_person_keeps_what_was_mine(session: Session, team: Team) -> None:
    person = make_person(session, team.alice)
    make_event(session, team.alice, person_id=person.id)
    change_owner(session, person, None)
    session.commit()
    session.expire_all()
    assert session.exec(select(Event.member_id)).one() == team.alice.id
