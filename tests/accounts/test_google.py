"""Signing in with Google: every way it ends has its own answer, and a stranger never gets an account."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from server.accounts.google import find_google_member
from server.accounts.invitations import invite
from server.accounts.models import Member, Role
from server.clock import now
from server.config import Settings
from server.errors import Refused
from server.gmail.oauth import SIGN_IN_SCOPES, Grant
from tests.factories import make_member
from tests.stand_in import FLYNN, StandIn

CALLBACK = "/sign-in/google/callback"


@pytest.fixture
def settings(settings: Settings, stand_in: StandIn) -> Settings:
    return stand_in.point(settings)


def start(client: FlaskClient, **data: str) -> str:
    answer = client.post("/sign-in/google", data=data)
    assert answer.status_code == 303
    return answer.headers["Location"]


def finish(client: FlaskClient, **answer: str) -> TestResponse:
    return client.get(CALLBACK, query_string=answer, headers={"Sec-Fetch-Site": "cross-site"})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/settings/tokens").status_code == 200


def add_flynn(session: Session, **fields: Any) -> Member:
    member = make_member(session, "Flynn", email=FLYNN, **fields)
    session.commit()
    return member


def test_google_is_asked_with_pkce_and_only_for_who_it_is(client: FlaskClient) -> None:
    query = parse_qs(urlsplit(start(client)).query)
    assert set(query["scope"][0].split()) == SIGN_IN_SCOPES
    assert query["code_challenge_method"] == ["S256"] and query["state"]
    assert query["redirect_uri"] == ["http://127.0.0.1:8000" + CALLBACK]


def test_flynn_is_signed_in_and_known_by_his_subject_from_then_on(
    client: FlaskClient, session: Session, stand_in: StandIn
) -> None:
    flynn = add_flynn(session)
    answer = finish(client, **stand_in.consent(start(client, next="/settings/profile"), FLYNN))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/profile")
    assert is_signed_in(client)
    session.refresh(flynn)
    assert flynn.google_subject
    flynn.email = "flynn@new-name.example"
    session.add(flynn)
    session.commit()
    client.post("/sign-out")
    assert finish(client, **stand_in.consent(start(client), FLYNN)).status_code == 302
    assert is_signed_in(client)


def test_cancelled(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    answer = finish(client, **stand_in.consent(start(client), FLYNN, decision="deny"))
    assert answer.status_code == 422 and "You cancelled" in answer.text
    assert not is_signed_in(client)


def test_state_of_another_request(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    answer = finish(client, **{**stand_in.consent(start(client), FLYNN), "state": "mallorys"})
    assert answer.status_code == 422 and "belongs to another request" in answer.text
    assert not is_signed_in(client)


def test_state_is_worth_one_try(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    answer = stand_in.consent(start(client), FLYNN)
    finish(client, **{**answer, "state": "mallorys"})
    assert finish(client, **answer).status_code == 422
    assert not is_signed_in(client)


def test_replayed_answer(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    answer = stand_in.consent(start(client), FLYNN)
    finish(client, **answer)
    client.post("/sign-out")
    replayed = finish(client, **answer)
    assert replayed.status_code == 422 and "already used" in replayed.text
    assert not is_signed_in(client)


def test_answer_meant_for_mallorys_browser(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    mallory = client.application.test_client()
    assert finish(client, **stand_in.consent(start(mallory), FLYNN)).status_code == 422
    assert not is_signed_in(client)


def test_code_of_another_request(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    add_flynn(session)
    mallory = client.application.test_client()
    stolen = stand_in.consent(start(mallory), FLYNN)["code"]
    answer = finish(client, **{**stand_in.consent(start(client), FLYNN), "code": stolen})
    assert answer.status_code == 422 and not is_signed_in(client)


@pytest.mark.parametrize("odd", [{}, {"error": "server_error"}, {"code": ""}, {"error": "<script>"}])
def test_odd_answer(client: FlaskClient, odd: dict[str, str]) -> None:
    state = parse_qs(urlsplit(start(client)).query)["state"][0]
    answer = finish(client, state=state, **odd)
    assert answer.status_code == 422 and "Google did not say who you are" in answer.text
    assert "<script>" not in answer.text


def test_google_away(client: FlaskClient, stand_in: StandIn) -> None:
    answer = stand_in.consent(start(client), FLYNN)
    client.application.config["SETTINGS"].google_token_uri = "http://127.0.0.1:9/token"
    away = finish(client, **answer)
    assert away.status_code == 503 and "could not be reached" in away.text


def test_stranger_gets_no_account(client: FlaskClient, session: Session, stand_in: StandIn) -> None:
    answer = finish(client, **stand_in.consent(start(client), FLYNN))
    assert answer.status_code == 403 and "Ask an admin of your workspace to invite" in answer.text
    assert session.exec(select(Member)).all() == []


def test_invited_person_joins_in_the_role_of_the_invitation(
    client: FlaskClient, session: Session, stand_in: StandIn
) -> None:
    alice = make_member(session, "Alice", role=Role.ADMIN)
    invite(session, alice.workspace_id, FLYNN, Role.MANAGER)
    session.commit()
    assert finish(client, **stand_in.consent(start(client), FLYNN)).status_code == 302
    assert is_signed_in(client)
    flynn = session.exec(select(Member).where(Member.email == FLYNN)).one()
    assert (flynn.role, flynn.workspace_id) == (Role.MANAGER, alice.workspace_id)


def make_grant(email: str, subject: str = "42", verified: bool = True) -> Grant:
    return Grant("", "token", SIGN_IN_SCOPES, subject, email, verified, "Flynn")


def test_unverified_address_opens_nothing(session: Session) -> None:
    add_flynn(session)
    with pytest.raises(Refused, match="has not verified"):
        find_google_member(session, make_grant(FLYNN, verified=False))


def test_second_google_account_with_the_same_address_opens_nothing(session: Session) -> None:
    add_flynn(session, google_subject="1")
    with pytest.raises(Refused, match="another Google account"):
        find_google_member(session, make_grant(FLYNN, subject="2"))


@pytest.mark.parametrize("subject", ["42", None])
def test_deactivated_member_stays_out(session: Session, subject: str | None) -> None:
    make_member(session, "Flynn", email=FLYNN, google_subject=subject, deactivated_at=now())
    with pytest.raises(Refused, match="deactivated"):
        find_google_member(session, make_grant(FLYNN))


def test_used_invitation_lets_nobody_in_again(session: Session) -> None:
    alice = make_member(session, "Alice", role=Role.ADMIN)
    invite(session, alice.workspace_id, FLYNN, Role.REP)
    flynn = find_google_member(session, make_grant(FLYNN))
    session.delete(flynn)
    session.flush()
    with pytest.raises(Refused, match="is not a member here"):
        find_google_member(session, make_grant(FLYNN, subject="43"))
