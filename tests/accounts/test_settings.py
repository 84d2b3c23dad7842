"""What Alice sets for herself, and as an admin for her workspace."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import AccessToken, Member, Role, Workspace
from server.accounts.passwords import hash_password, is_password
from server.accounts.session import select_time_zone
from server.security import allow
from tests.factories import make_member
from tests.sign_in import sign_in

PASSWORD = "correct horse battery"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def alice(session: Session) -> Member:
    password_hash = hash_password(PASSWORD, "")
    alice = make_member(session, "Alice", role=Role.ADMIN, password_hash=password_hash)
    session.commit()
    return alice


@pytest.fixture
def desk(client: FlaskClient, alice: Member) -> FlaskClient:
    sign_in(client, alice)
    return client


def reread(session: Session, alice: Member) -> Member:
    session.rollback()
    session.refresh(alice)
    session.commit()
    return alice


def test_settings_lead_to_the_profile(desk: FlaskClient) -> None:
    assert desk.get("/settings").headers["Location"] == "/settings/profile"


def test_alice_changes_name_language_and_time_zone(desk: FlaskClient, session: Session, alice: Member) -> None:
    form = {"name": " Alice  Martin ", "locale": "fr", "time_zone": "Europe/Paris"}
    assert desk.post("/settings/profile", data=form).status_code == 303
    reread(session, alice)
    assert (alice.name, alice.locale, alice.time_zone) == ("Alice Martin", "fr", "Europe/Paris")
    assert '<html lang="fr"' in desk.get("/settings/profile").text
    desk.post("/settings/profile", data={"name": "Alice", "locale": "", "time_zone": ""})
    reread(session, alice)
    assert (alice.locale, alice.time_zone) == (None, None)


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "x" * 101}, {"locale": "xx"}, {"time_zone": "../etc/passwd"}]
)
def test_profile_that_makes_no_sense_is_refused(desk: FlaskClient, change: dict[str, str]) -> None:
    answer = desk.post("/settings/profile", data={"name": "Alice", **change})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text


def test_times_are_told_in_the_zone_of_member_else_workspace(app: Flask, session: Session, desk: FlaskClient) -> None:
    app.add_url_rule("/zone", "zone", allow("rep")(lambda: str(select_time_zone())))
    desk.post("/settings/workspace", data={"name": "Acme", "time_zone": "Asia/Tokyo"})
    assert desk.get("/zone").text == "Asia/Tokyo"
    desk.post("/settings/profile", data={"name": "Alice", "time_zone": "Europe/Paris"})
    assert desk.get("/zone").text == "Europe/Paris"


def test_new_password_signs_out_all_other_browsers(
    desk: FlaskClient, app: Flask, session: Session, alice: Member
) -> None:
    phone = app.test_client()
    sign_in(phone, alice)
    answer = desk.post("/settings/password", data={"current": PASSWORD, "password": "a quite new password"})
    assert answer.status_code == 303
    assert desk.get("/settings/profile").status_code == 200
    assert phone.get("/settings/profile").status_code == 302
    assert is_password(reread(session, alice), "a quite new password")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"current": "wrong", "password": "a quite new password"}, "not your current password"),
        ({"password": "a quite new password"}, "not your current password"),
        ({"current": PASSWORD, "password": "short"}, "this one has 5"),
        ({"current": PASSWORD, "password": "Alice@acme.example"}, "cannot be your password"),
    ],
)
def test_password_is_not_changed_by_mistake(
    desk: FlaskClient, session: Session, alice: Member, form: dict[str, str], words: str
) -> None:
    answer = desk.post("/settings/password", data=form)
    assert answer.status_code == 422 and words in answer.text
    assert is_password(reread(session, alice), PASSWORD)


def test_current_password_cannot_be_guessed_at_leisure(desk: FlaskClient) -> None:
    statuses = [desk.post("/settings/password", data={"current": "guess"}).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_member_from_google_sets_a_first_password(client: FlaskClient, session: Session) -> None:
    gwen = make_member(session, "Gwen", google_subject="1")
    sign_in(client, gwen)
    assert "have no password yet" in client.get("/settings/profile").text
    assert client.post("/settings/password", data={"password": "a quite new password"}).status_code == 303
    assert is_password(reread(session, gwen), "a quite new password")


def test_alice_signs_another_browser_out(desk: FlaskClient, app: Flask, alice: Member) -> None:
    phone, tablet = app.test_client(), app.test_client()
    for browser in (phone, tablet):
        sign_in(browser, alice)
    page = desk.get("/settings/profile").text
    ids = re.findall(r'action="/settings/sessions/(\d+)/revocation"', page)
    assert len(ids) == 2 and page.count("This browser") == 1
    answer = desk.post(f"/settings/sessions/{ids[0]}/revocation", headers=HTMX)
    assert "That browser is signed out." in answer.text and answer.text.lstrip().startswith("<section")
    assert sorted(browser.get("/settings/profile").status_code for browser in (phone, tablet)) == [200, 302]
    desk.post("/settings/sessions/revocation")
    assert [browser.get("/settings/profile").status_code for browser in (phone, tablet, desk)] == [302, 302, 200]


def test_mallory_cannot_sign_alice_out(desk: FlaskClient, app: Flask, session: Session) -> None:
    mallory = app.test_client()
    sign_in(mallory, make_member(session, "Mallory"))
    mallory.post("/settings/sessions/1/revocation")
    assert desk.get("/settings/profile").status_code == 200


def test_token_is_shown_once_and_listed_by_its_end(desk: FlaskClient, app: Flask, session: Session) -> None:
    page = desk.post("/settings/tokens", data={"name": "Quarterly"}, headers=HTMX).text
    found = re.search(r'value="(wl_[\w-]{43})"', page)
    assert found is not None
    again = desk.get("/settings/tokens").text
    assert found[1] not in again and f"…{found[1][-4:]}" in again and "never used" in again
    assert found[1] not in str(session.exec(select(AccessToken)).one().model_dump())
    session.commit()
    headers = {"Authorization": f"Bearer {found[1]}"}
    assert app.test_client().get("/api/v1/mailboxes", headers=headers).status_code == 200
    assert "last used" in desk.get("/settings/tokens").text


def test_revoked_token_opens_nothing(desk: FlaskClient, app: Flask) -> None:
    page = desk.post("/settings/tokens", data={"name": "Quarterly", "kind": "api"}).text
    secret = re.search(r'value="(wl_[\w-]+)"', page)
    address = re.search(r'action="(/settings/tokens/\d+/revocation)"', page)
    assert secret is not None and address is not None
    desk.post(address[1])
    headers = {"Authorization": f"Bearer {secret[1]}"}
    assert app.test_client().get("/api/v1/mailboxes", headers=headers).status_code == 401
    assert "Quarterly" not in desk.get("/settings/tokens").text


def test_mallory_cannot_revoke_alices_token(desk: FlaskClient, app: Flask, session: Session) -> None:
    desk.post("/settings/tokens", data={"name": "Quarterly"})
    mallory = app.test_client()
    sign_in(mallory, make_member(session, "Mallory"))
    mallory.post("/settings/tokens/1/revocation")
    assert "Quarterly" in desk.get("/settings/tokens").text


@pytest.mark.parametrize(
    "form", [{"name": ""}, {"name": "x" * 101}, {"name": "NUL\x00"}, {"name": "Quarterly", "kind": "root"}]
)
def test_token_that_cannot_be_made_says_why(desk: FlaskClient, form: dict[str, str]) -> None:
    for headers in ({}, HTMX):
        answer = desk.post("/settings/tokens", data=form, headers=headers)
        assert answer.status_code == 422 and "wl_" not in answer.text


def test_admin_changes_the_workspace(desk: FlaskClient, session: Session) -> None:
    form = {"name": "Acme Sales", "time_zone": "Asia/Tokyo"}
    assert desk.post("/settings/workspace", data=form).status_code == 303
    workspace = session.exec(select(Workspace)).one()
    assert (workspace.name, workspace.time_zone, workspace.managers_see_team) == ("Acme Sales", "Asia/Tokyo", False)
    session.commit()
    desk.post("/settings/workspace", data=form | {"managers_see_team": "on"})
    session.refresh(workspace)
    assert workspace.managers_see_team


def test_workspace_that_makes_no_sense_is_refused(desk: FlaskClient) -> None:
    for form in ({"name": "", "time_zone": "UTC"}, {"name": "Acme", "time_zone": ""}):
        assert desk.post("/settings/workspace", data=form).status_code == 422
