"""The two single-use links: the first set-up, and invitations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.invitations import invite, list_invitations, revoke_invitation
from server.accounts.models import Invitation, Member, Role, Workspace
from server.accounts.passwords import is_password
from server.accounts.setup import find_or_make_setup_link
from server.clock import now
from server.config import Settings
from server.db import get_db
from tests.factories import add, make_member

PASSWORD = "correct horse battery"
FORM = {
    "workspace_name": "Acme Sales", "time_zone": "Europe/Paris", "name": "Alice",
    "email": "Alice@acme.example", "password": PASSWORD,
}  # fmt: skip


@pytest.fixture
def link(session: Session, settings: Settings) -> str:
    link = find_or_make_setup_link(session, settings)
    assert link is not None
    session.commit()
    return link.removeprefix(settings.base_url)


@pytest.fixture
def invitation(session: Session) -> str:
    alice = make_member(session, "Alice", role=Role.ADMIN)
    token = invite(session, alice.workspace_id, "Bob@acme.example", Role.MANAGER)
    session.commit()
    return f"/invitations/{token}"


def test_set_up_makes_the_workspace_and_signs_its_admin_in(client: FlaskClient, session: Session, link: str) -> None:
    assert client.get(link).status_code == 200
    answer = client.post(link, data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    alice = session.exec(select(Member)).one()
    workspace = session.get_one(Workspace, alice.workspace_id)
    assert (workspace.name, workspace.time_zone, workspace.is_demo) == ("Acme Sales", "Europe/Paris", False)
    assert (alice.email, alice.role) == ("alice@acme.example", Role.ADMIN)
    assert is_password(alice, PASSWORD)
    session.commit()
    assert client.get("/settings/workspace").status_code == 200


def test_set_up_link_works_once(client: FlaskClient, app: Flask, link: str) -> None:
    client.post(link, data=FORM)
    mallory = app.test_client()
    assert mallory.get(link).status_code == 410
    answer = mallory.post(link, data=FORM | {"email": "mallory@evil.example"})
    assert answer.status_code == 410 and "already used" in answer.text


def test_of_two_who_set_up_at_once_one_becomes_admin(app: Flask, session: Session, link: str) -> None:
    gate = Barrier(4)

    def race(number: int) -> int:
        gate.wait()
        return app.test_client().post(link, data=FORM | {"email": f"racer{number}@acme.example"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(race, range(4))) == [303, 410, 410, 410]
    assert len(session.exec(select(Member)).all()) == len(session.exec(select(Workspace)).all()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"workspace_name": "  "}, "A name has 1 to 100 characters"),
        ({"name": ""}, "A name has 1 to 100 characters"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
        ({"email": "alice"}, "is not an email address"),
        ({"password": "short"}, "this one has 5"),
        ({"password": "x" * 257}, "this one has 257"),
        ({"password": "ALICE@acme.example"}, "cannot be your password"),
    ],
)
def test_mistake_is_shown_at_its_field_and_does_not_use_the_link_up(
    client: FlaskClient, link: str, change: dict[str, str], words: str
) -> None:
    answer = client.post(link, data=FORM | change)
    assert answer.status_code == 422 and words in answer.text and 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text
    assert client.post(link, data=FORM).status_code == 303


def test_later_start_replaces_an_unused_link(
    client: FlaskClient, session: Session, settings: Settings, link: str
) -> None:
    newer = find_or_make_setup_link(session, settings)
    session.commit()
    assert newer is not None and newer.removeprefix(settings.base_url) != link
    assert client.get(link).status_code == 410
    assert client.get(newer.removeprefix(settings.base_url)).status_code == 200


def test_no_link_once_there_is_a_workspace_but_a_demo_does_not_count(session: Session, settings: Settings) -> None:
    add(session, Workspace(name="Demo", is_demo=True))
    assert find_or_make_setup_link(session, settings) is not None
    add(session, Workspace(name="Acme"))
    assert find_or_make_setup_link(session, settings) is None


def test_only_the_hash_of_a_link_is_kept(session: Session, link: str) -> None:
    token = link.rsplit("/", 1)[1]
    assert token not in str(session.exec(select(Invitation)).one().model_dump())


def test_links_that_are_wrong_or_too_old_say_so(client: FlaskClient, link: str, invitation: str) -> None:
    assert client.get("/setup/wrong").status_code == client.get("/invitations/wrong").status_code == 410
    with time_machine.travel(now() + timedelta(days=7, minutes=1), tick=True):
        assert client.get(link).status_code == client.get(invitation).status_code == 410


def test_one_kind_of_link_is_not_the_other(client: FlaskClient, link: str, invitation: str) -> None:
    assert client.get(link.replace("/setup/", "/invitations/")).status_code == 410
    assert client.post(invitation.replace("/invitations/", "/setup/"), data=FORM).status_code == 410


def test_other_sites_never_hear_of_a_secret_address(client: FlaskClient, link: str, invitation: str) -> None:
    for address in (link, invitation):
        headers = client.get(address).headers
        assert headers["Referrer-Policy"] == "strict-origin" and headers["Cache-Control"] == "no-store"


def test_bob_joins_by_his_invitation(client: FlaskClient, session: Session, invitation: str) -> None:
    assert "Alice&#39;s team" in client.get(invitation).text
    answer = client.post(invitation, data={"name": "Bob", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    bob = session.exec(select(Member).where(Member.name == "Bob")).one()
    assert (bob.email, bob.role) == ("bob@acme.example", Role.MANAGER)
    session.commit()
    assert client.get("/team").status_code == 200


def test_invited_person_cannot_choose_address_or_role(client: FlaskClient, session: Session, invitation: str) -> None:
    form = {"name": "Bob", "password": PASSWORD, "email": "mallory@evil.example", "role": "admin"}
    client.post(invitation, data=form)
    bob = session.exec(select(Member).where(Member.name == "Bob")).one()
    assert (bob.email, bob.role) == ("bob@acme.example", Role.MANAGER)


def test_invitation_works_once(client: FlaskClient, app: Flask, invitation: str) -> None:
    client.post(invitation, data={"name": "Bob", "password": PASSWORD})
    answer = app.test_client().post(invitation, data={"name": "Mallory", "password": PASSWORD})
    assert answer.status_code == 410 and "already used" in answer.text


def test_mistake_does_not_use_an_invitation_up(client: FlaskClient, invitation: str) -> None:
    assert client.post(invitation, data={"name": "Bob", "password": "short"}).status_code == 422
    assert client.post(invitation, data={"name": "", "password": PASSWORD}).status_code == 422
    assert client.post(invitation, data={"name": "Bob", "password": PASSWORD}).status_code == 303


def test_revoked_invitation_opens_nothing(client: FlaskClient, session: Session, invitation: str) -> None:
    alice = session.exec(select(Member)).one()
    (listed,) = list_invitations(session, alice.workspace_id)
    revoke_invitation(session, alice.workspace_id, listed.id)
    session.commit()
    assert client.get(invitation).status_code == 410


def test_newer_invitation_replaces_the_older(client: FlaskClient, app: Flask, invitation: str) -> None:
    with app.app_context(), get_db().session() as session:
        workspace_id = session.exec(select(Workspace.id)).one()
        newer = invite(session, workspace_id, "bob@acme.example", Role.REP)
        session.commit()
    assert client.get(invitation).status_code == 410
    assert client.get(f"/invitations/{newer}").status_code == 200
