"""Signing in by password and out: who gets in, what a stranger learns, how often one may try."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.accounts.passwords import hash_password, is_password
from server.app import create_app
from server.clock import now
from server.config import Settings
from tests.factories import make_member
from tests.sign_in import sign_in

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(session: Session) -> Member:
    alice = make_member(session, "Alice", password_hash=hash_password(PASSWORD, "alice@acme.example"))
    session.commit()
    return alice


def enter(
    client: FlaskClient, email: str = "alice@acme.example", password: str = PASSWORD, **more: str
) -> TestResponse:
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def test_alice_signs_in_and_goes_where_she_wanted(client: FlaskClient, alice: Member) -> None:
    answer = enter(client, " Alice@ACME.example ", next="/settings/tokens")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/tokens")
    assert client.get("/settings/tokens").status_code == 200


def test_foreign_next_leads_to_the_feed(client: FlaskClient, alice: Member) -> None:
    assert enter(client, next="//mallory.example").headers["Location"] == "/"


def test_signed_in_member_needs_no_sign_in_page(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    assert client.get("/sign-in?next=/team").headers["Location"] == "/team"


def test_wrong_password_and_unknown_address_are_answered_alike(client: FlaskClient, alice: Member) -> None:
    wrong = enter(client, password="wrong horse battery")
    unknown = enter(client, "nobody@acme.example")
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.text.replace("alice@", "nobody@") == unknown.text
    assert "Email address or password is wrong." in wrong.text


@pytest.mark.parametrize("email", ["", "a\x00@acme.example", "é@\ud800", "x" * 100_000, "' OR 1=1 --"])
def test_nonsense_is_a_wrong_address(client: FlaskClient, email: str) -> None:
    email = email.encode(errors="replace").decode()
    assert enter(client, email).status_code == 422


def test_member_without_a_password_gets_in_by_none(client: FlaskClient, session: Session) -> None:
    make_member(session, "Gwen", google_subject="1")
    session.commit()
    assert enter(client, "gwen@acme.example", "").status_code == 422


def test_unknown_address_costs_the_same_work(app: Flask, session: Session) -> None:
    nobody, somebody = None, make_member(session, "Gwen")
    assert is_password(nobody, PASSWORD) is is_password(somebody, PASSWORD) is False


def test_deactivated_alice_is_told_whom_to_ask(client: FlaskClient, session: Session, alice: Member) -> None:
    alice.deactivated_at = now()
    session.add(alice)
    session.commit()
    answer = enter(client)
    assert answer.status_code == 403 and "An admin of your workspace" in answer.text
    assert client.get("/settings/tokens").status_code == 302


def test_password_is_kept_anew_when_parameters_change(client: FlaskClient, session: Session, alice: Member) -> None:
    alice.password_hash = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    session.add(alice)
    session.commit()
    enter(client)
    session.refresh(alice)
    assert alice.password_hash is not None and "m=19456" in alice.password_hash
    assert is_password(alice, PASSWORD)


def test_letters_typed_in_another_form_are_the_same_password(client: FlaskClient, session: Session) -> None:
    make_member(session, "Zoé", email="zoe@acme.example", password_hash=hash_password("café au lait!", "zoe"))
    session.commit()
    assert enter(client, "zoe@acme.example", "cafe\u0301 au lait!").status_code == 303


def test_signing_out_ends_the_session_and_may_be_done_twice(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    for _ in range(2):
        answer = client.post("/sign-out")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
        assert client.get("/settings/tokens").status_code == 302


def test_mallory_is_stopped_after_ten_guesses_and_told_when_to_come_back(client: FlaskClient, alice: Member) -> None:
    for _ in range(10):
        assert enter(client, password="guess").status_code == 422
    answer = enter(client)
    assert answer.status_code == 429 and "Try again in" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    with time_machine.travel(now() + timedelta(minutes=16), tick=True):
        assert client.get("/sign-in").status_code == 200


def test_mallorys_guesses_do_not_lock_alice_out_of_her_own_browser(app: Flask, alice: Member) -> None:
    desk, mallory = app.test_client(), app.test_client()
    enter(desk)
    desk.post("/sign-out")
    for _ in range(10):
        enter(mallory, password="guess")
    assert enter(mallory).status_code == 429
    assert enter(desk).status_code == 303


def test_device_of_somebody_else_gives_no_more_guesses(app: Flask, session: Session, alice: Member) -> None:
    make_member(session, "Mallory", password_hash=hash_password("mallory's password", ""))
    session.commit()
    clients = [app.test_client() for _ in range(2)]
    enter(clients[0], "mallory@acme.example", "mallory's password")
    for number in range(11):
        answer = enter(clients[number % 2], password="guess")
    assert answer.status_code == 429


@pytest.fixture
def standing_clock() -> Iterator[None]:
    """A clock that stands, so that everything happens within one minute."""
    with time_machine.travel(now(), tick=False):
        yield


@pytest.mark.usefixtures("standing_clock")
def test_many_accounts_from_one_address_are_stopped(client: FlaskClient) -> None:
    statuses = [enter(client, f"member{number}@acme.example").status_code for number in range(21)]
    assert statuses == [422] * 20 + [429]


@pytest.mark.usefixtures("standing_clock")
def test_forwarded_address_is_not_believed_without_a_trusted_proxy(client: FlaskClient) -> None:
    for number in range(21):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        answer = client.post("/sign-in", data={"email": f"m{number}@x.example", "password": "x"}, headers=headers)
    assert answer.status_code == 429


@pytest.mark.usefixtures("standing_clock")
def test_behind_a_trusted_proxy_only_its_own_entry_counts(app: Flask, settings: Settings) -> None:
    behind = create_app(settings.model_copy(update={"trusted_proxies": 1}))
    client = behind.test_client()
    for number in range(21):
        headers = {"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.7"}  # the client wrote the first of them
        answer = client.post("/sign-in", data={"email": f"m{number}@x.example", "password": "x"}, headers=headers)
    assert answer.status_code == 429
    assert client.post("/sign-in", data={}, headers={"X-Forwarded-For": "203.0.113.8"}).status_code == 422
    behind.extensions["warmline_db"].dispose()


def test_demo_is_offered_on_this_machine_only(app: Flask, settings: Settings, client: FlaskClient) -> None:
    assert 'action="/demo"' in client.get("/sign-in").text
    for change in ({"host": "0.0.0.0"}, {"google_client_id": "x.apps.googleusercontent.com"}):
        other = create_app(settings.model_copy(update=change))
        assert 'action="/demo"' not in other.test_client().get("/sign-in").text
        other.extensions["warmline_db"].dispose()
