"""The team page: Alice is admin, Mona manages, Bob is a rep, Mallory is admin of another workspace."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.invitations import invite
from server.accounts.models import Invitation, Member, Role, Workspace
from server.accounts.tokens import create_token
from tests.factories import add, make_member
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@dataclass
class Team:
    alice: Member
    mona: Member
    bob: Member


@pytest.fixture
def team(session: Session) -> Team:
    workspace = add(session, Workspace(name="Acme"))
    alice = make_member(session, "Alice", workspace, role=Role.ADMIN)
    team = Team(
        alice, make_member(session, "Mona", workspace, role=Role.MANAGER), make_member(session, "Bob", workspace)
    )
    session.commit()
    return team


@pytest.fixture
def admin(client: FlaskClient, team: Team) -> FlaskClient:
    sign_in(client, team.alice)
    return client


def reread(session: Session, member: Member) -> Member:
    session.rollback()
    session.refresh(member)
    session.commit()
    return member


def test_mona_sees_the_team_but_no_way_to_change_it(client: FlaskClient, session: Session, team: Team) -> None:
    make_member(session, "Mallory", role=Role.ADMIN, email="mallory@evil.example")
    sign_in(client, team.mona)
    page = client.get("/team").text
    assert "bob@acme.example" in page and "alice@acme.example" in page
    assert "mallory@evil.example" not in page and "/role" not in page and "/team/invitations" not in page


def test_bob_may_not_see_the_team_page(client: FlaskClient, team: Team) -> None:
    sign_in(client, team.bob)
    assert client.get("/team").status_code == 403


def test_invitation_link_is_shown_once(admin: FlaskClient, app: Flask) -> None:
    page = admin.post("/team/invitations", data={"email": "carol@acme.example", "role": "rep"}).text
    found = re.search(r'value="(http://127\.0\.0\.1:8000)(/invitations/[\w-]{43})"', page)
    assert found is not None and "Warmline sends no mail" in page
    again = admin.get("/team").text
    assert "carol@acme.example" in again and found[2] not in again
    assert app.test_client().get(found[2]).status_code == 200


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "bob@acme.example", "role": "rep"}, "is already a member"),
        ({"email": "not an address", "role": "rep"}, "is not an email address"),
        ({"email": "carol@acme.example", "role": "owner"}, "is not a role"),
        ({}, "is not an email address"),
    ],
)
def test_invitation_that_cannot_be_made_says_why(admin: FlaskClient, form: dict[str, str], words: str) -> None:
    for headers in ({}, HTMX):
        answer = admin.post("/team/invitations", data=form, headers=headers)
        assert answer.status_code == 422 and words in answer.text
    assert answer.text.lstrip().startswith('<div id="team">')


def test_invitation_is_revoked(admin: FlaskClient, session: Session, team: Team) -> None:
    invite(session, team.alice.workspace_id, "carol@acme.example", Role.REP)
    session.commit()
    invitation = session.exec(select(Invitation)).one()
    session.commit()
    answer = admin.post(f"/team/invitations/{invitation.id}/revocation", headers=HTMX)
    assert "The invitation is revoked." in answer.text and "carol@acme.example" not in answer.text


def test_new_role_takes_effect_at_once_because_sessions_end(
    admin: FlaskClient, app: Flask, session: Session, team: Team
) -> None:
    bob = app.test_client()
    sign_in(bob, team.bob)
    answer = admin.post(f"/team/members/{team.bob.id}/role", data={"role": "manager"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")
    assert bob.get("/settings/profile").status_code == 302
    assert reread(session, team.bob).role == Role.MANAGER


def test_unchanged_role_ends_nothing(admin: FlaskClient, app: Flask, team: Team) -> None:
    bob = app.test_client()
    sign_in(bob, team.bob)
    admin.post(f"/team/members/{team.bob.id}/role", data={"role": "rep"})
    assert bob.get("/settings/profile").status_code == 200


def test_unknown_role_is_refused(admin: FlaskClient, session: Session, team: Team) -> None:
    answer = admin.post(f"/team/members/{team.bob.id}/role", data={"role": "owner"})
    assert answer.status_code == 422 and reread(session, team.bob).role == Role.REP


def test_deactivated_bob_is_out_everywhere_and_reactivation_undoes_it(
    admin: FlaskClient, app: Flask, session: Session, team: Team
) -> None:
    secret = create_token(session, team.bob, "Script")
    bob, program = app.test_client(), app.test_client()
    sign_in(bob, team.bob)
    token = {"Authorization": f"Bearer {secret}"}
    assert program.get("/api/v1/mailboxes", headers=token).status_code == 200
    page = admin.post(f"/team/members/{team.bob.id}/deactivation", headers=HTMX).text
    assert "Bob is deactivated" in page and f"/team/members/{team.bob.id}/reactivation" in page
    assert bob.get("/settings/profile").status_code == 302
    assert program.get("/api/v1/mailboxes", headers=token).status_code == 401
    assert "Bob is active again." in admin.post(f"/team/members/{team.bob.id}/reactivation", headers=HTMX).text
    assert program.get("/api/v1/mailboxes", headers=token).status_code == 200
    assert bob.get("/settings/profile").status_code == 302


def test_last_admin_stays_one(admin: FlaskClient, session: Session, team: Team) -> None:
    for act, data in (("role", {"role": "rep"}), ("deactivation", {})):
        answer = admin.post(f"/team/members/{team.alice.id}/{act}", data=data)
        assert answer.status_code == 409 and "is the only admin" in answer.text
    assert reread(session, team.alice).role == Role.ADMIN and team.alice.is_active


def test_deactivated_admin_does_not_count_as_one(admin: FlaskClient, session: Session, team: Team) -> None:
    admin.post(f"/team/members/{team.mona.id}/role", data={"role": "admin"})
    admin.post(f"/team/members/{team.mona.id}/deactivation")
    assert admin.post(f"/team/members/{team.alice.id}/role", data={"role": "rep"}).status_code == 409


def test_two_admins_cannot_demote_each_other_at_once(app: Flask, session: Session, team: Team) -> None:
    team.mona.role = Role.ADMIN
    session.add(team.mona)
    session.commit()
    gate = Barrier(2)

    def demote(members: tuple[Member, Member]) -> int:
        browser = app.test_client()
        sign_in(browser, members[0])
        gate.wait()
        return browser.post(f"/team/members/{members[1].id}/role", data={"role": "rep"}).status_code

    session.expunge_all()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(demote, [(team.alice, team.mona), (team.mona, team.alice)]))
    admins = session.exec(select(Member).where(Member.role == Role.ADMIN)).all()
    assert len(admins) == 1


@pytest.mark.parametrize("act", ["role", "deactivation", "reactivation"])
def test_mallory_cannot_touch_members_of_another_workspace(
    client: FlaskClient, session: Session, team: Team, act: str
) -> None:
    sign_in(client, make_member(session, "Mallory", role=Role.ADMIN))
    for member_id in (team.bob.id, 2147483647):
        assert client.post(f"/team/members/{member_id}/{act}", data={"role": "admin"}).status_code == 404
    assert reread(session, team.bob).role == Role.REP and team.bob.is_active


def test_mallory_cannot_revoke_an_invitation_of_another_workspace(
    client: FlaskClient, app: Flask, session: Session, team: Team
) -> None:
    token = invite(session, team.alice.workspace_id, "carol@acme.example", Role.REP)
    invitation_id = session.exec(select(Invitation.id)).one()
    sign_in(client, make_member(session, "Mallory", role=Role.ADMIN))
    session.commit()
    client.post(f"/team/invitations/{invitation_id}/revocation")
    assert app.test_client().get(f"/invitations/{token}").status_code == 200
