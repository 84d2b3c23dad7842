"""Fields of a workspace's own: made by admins, filled on profiles, gone with their values."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member, Role
from server.people.custom_fields import add_field
from server.people.models import CustomField, Person
from tests.people.conftest import HTMX, Team, make_person

Browse = Callable[[Member], FlaskClient]
PATH = "/settings/people-fields"


def test_only_admins_change_fields(team: Team, browse: Browse) -> None:
    assert browse(team.alice).get(PATH).status_code == 403
    assert browse(team.mona).post(PATH, data={"name": "Industry"}).status_code == 403


def test_a_field_is_added_filled_renamed_and_removed(session: Session, team: Team, browse: Browse) -> None:
    admin = browse(team.mallory)
    assert "“Industry” is added" in admin.post(PATH, data={"name": "Industry"}, headers=HTMX).text
    field = session.exec(select(CustomField)).one()
    other = add_field(session, team.mallory.workspace_id, "Number")
    session.commit()
    person = make_person(session, team.mallory)
    form = {"name": "Kevin", f"custom-{field.id}": "Games <b>", f"custom-{other.id}": "7", "custom-999": "x"}
    assert admin.post(f"/people/{person.id}", data=form).status_code == 303
    assert "Games &lt;b&gt;" in admin.get(f"/people/{person.id}").text
    session.refresh(person)
    assert person.custom == {str(field.id): "Games <b>", str(other.id): "7"}
    session.commit()
    assert admin.post(f"{PATH}/{field.id}", data={"name": "Sector"}).status_code == 303
    assert "Sector" in admin.get(f"/people/{person.id}/edit").text
    assert "“Sector” is removed" in admin.post(f"{PATH}/{field.id}/removal", headers=HTMX).text
    session.refresh(person)
    assert person.custom == {str(other.id): "7"}


def test_a_name_that_cannot_be_is_refused_in_place(session: Session, team: Team, browse: Browse) -> None:
    admin = browse(team.mallory)
    field = add_field(session, team.mallory.workspace_id, "Industry")
    second = add_field(session, team.mallory.workspace_id, "Number")
    session.commit()
    for name in ("", "INDUSTRY", "x" * 61, "a\0b"):
        answer = admin.post(PATH, data={"name": name}, headers=HTMX)
        assert answer.status_code in (409, 422) and 'id="name-note" role="alert"' in answer.text
        again = admin.post(f"{PATH}/{second.id}", data={"name": name}, headers=HTMX)
        assert again.status_code in (409, 422) and f'id="name-{second.id}-note"' in again.text
    assert admin.post(f"{PATH}/{field.id}", data={"name": "industry"}, headers=HTMX).status_code == 200


def test_another_workspaces_field_is_out_of_reach(session: Session, team: Team, browse: Browse) -> None:
    field = add_field(session, team.mallory.workspace_id, "Industry")
    team.mona.role = Role.ADMIN
    session.commit()
    for path in (f"{PATH}/{field.id}", f"{PATH}/{field.id}/removal"):
        assert browse(team.mona).post(path, data={"name": "x"}).status_code == 404
    person = make_person(session, team.alice)
    browse(team.alice).post(f"/people/{person.id}", data={f"custom-{field.id}": "x"})
    assert session.exec(select(Person.custom)).all() == [{}]
