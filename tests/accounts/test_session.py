"""Browser sessions: when a row exists, what its cookie holds, what ends it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from flask import Flask, jsonify, redirect
from flask import session as flask_session
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import Session, select

from server.accounts import session as accounts_session
from server.accounts.models import BrowserSession, Device, Member
from server.accounts.session import end_sessions, pop_once, sign_out
from server.clock import now
from server.db import Database, get_db, get_session
from server.keys import hash_token
from server.security import PUBLIC, allow
from server.tracking.devices import read_ticket
from tests.factories import make_member
from tests.sign_in import sign_in


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    """The app with a few views that touch the session as rooms do."""

    @allow(PUBLIC)
    def who() -> ResponseReturnValue:
        return jsonify(member=getattr(current_user, "email", None), data=dict(flask_session), id=_session_id())

    @allow(PUBLIC)
    def remember(key: str, value: str) -> ResponseReturnValue:
        flask_session[key] = value
        return "kept"

    @allow(PUBLIC)
    def take(key: str) -> ResponseReturnValue:
        return jsonify(pop_once(key))

    @allow(PUBLIC)
    def enter(member_id: int) -> ResponseReturnValue:
        member = get_session().get(Member, member_id)
        assert member is not None
        accounts_session.sign_in(member)
        return redirect("/who")

    @allow(PUBLIC)
    def leave() -> ResponseReturnValue:
        sign_out()
        return "bye"

    @allow("rep")
    def inside() -> ResponseReturnValue:
        return f"hello {current_user.name}"

    app.add_url_rule("/who", "who", who)
    app.add_url_rule("/remember/<key>/<value>", "remember", remember, methods=["GET", "POST"])
    app.add_url_rule("/take/<key>", "take", take)
    app.add_url_rule("/enter/<int:member_id>", "enter", enter, methods=["POST"])
    app.add_url_rule("/leave", "leave", leave, methods=["POST"])
    app.add_url_rule("/inside", "inside", inside, methods=["GET", "POST"])
    app.add_url_rule("/api/v1/inside", "api_inside", inside)
    yield app


def _session_id() -> int | None:
    return accounts_session.session_id()


def rows(app: Flask) -> list[BrowserSession]:
    with app.app_context(), get_db().session(write=False) as session:
        return list(session.exec(select(BrowserSession)).all())


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("warmline_session")
    assert found is not None
    return found.value


def test_anonymous_page_view_leaves_no_row_and_no_cookie(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/who")
    assert answer.json == {"member": None, "data": {}, "id": None}
    assert "Set-Cookie" not in answer.headers
    assert rows(app) == []


def test_cookie_holds_only_a_token_whose_hash_is_kept(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/remember/colour/green")
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Lax" in answer.headers["Set-Cookie"]
    (row,) = rows(app)
    assert row.token_hash == hash_token(cookie(client)) and row.data == {"colour": "green"}
    assert client.get("/who").json == {"member": None, "data": {"colour": "green"}, "id": row.id}


def test_alice_is_signed_in_by_her_cookie(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session, "Alice"))
    assert client.get("/inside").text == "hello Alice"


def test_signing_in_changes_the_token_and_forgets_what_was_stored(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    alice = make_member(session, "Alice")
    session.commit()
    client.get("/remember/planted/by-mallory")
    planted = cookie(client)
    client.post(f"/enter/{alice.id}")
    assert cookie(client) != planted
    (row,) = rows(app)
    assert (row.member_id, row.data, row.token_hash) == (alice.id, {}, hash_token(cookie(client)))


def test_signing_in_twice_in_a_browser_makes_one_device(client: FlaskClient, session: Session) -> None:
    alice = make_member(session, "Alice")
    session.commit()
    for _ in range(2):
        client.post(f"/enter/{alice.id}")
        client.post("/leave")
    device = client.get_cookie("warmline_browser")
    assert device is not None and device.http_only
    assert [known.id for known in session.exec(select(Device)).all()] == [device.value]


def test_pages_tell_the_edge_which_browser_is_a_members(app: Flask, session: Session) -> None:
    alice = make_member(session, "Alice")
    session.commit()
    client = app.test_client()
    assert "/device/" not in client.get("/sign-in").text
    client.post(f"/enter/{alice.id}")
    device = client.get_cookie("warmline_browser")
    found = re.search(r'src="http://127\.0\.0\.1:8001/device/([\w-]+)\.gif"', client.get("/settings/profile").text)
    assert device is not None and found is not None
    assert read_ticket(app.extensions["warmline_keys"], found[1]) == device.value


def test_a_device_id_that_warmline_did_not_give_is_replaced(client: FlaskClient, session: Session) -> None:
    alice = make_member(session, "Alice")
    session.commit()
    client.set_cookie("warmline_browser", "m" * 43)
    client.post(f"/enter/{alice.id}")
    device = client.get_cookie("warmline_browser")
    assert device is not None and device.value != "m" * 43


def test_signing_out_deletes_the_row_so_a_copied_cookie_is_worthless(
    client: FlaskClient, session: Session, app: Flask
) -> None:
    sign_in(client, make_member(session, "Alice"))
    copied = cookie(client)
    client.post("/leave")
    assert rows(app) == [] and client.get_cookie("warmline_session") is None
    thief = app.test_client()
    thief.set_cookie("warmline_session", copied)
    assert thief.get("/inside").status_code == 302


def test_ended_sessions_are_all_but_the_one_kept(app: Flask, session: Session) -> None:
    alice = make_member(session, "Alice")
    desk, phone = app.test_client(), app.test_client()
    sign_in(desk, alice)
    sign_in(phone, alice)
    kept = desk.get("/who").json
    assert kept is not None
    end_sessions(session, alice.id, but=kept["id"])
    session.commit()
    assert desk.get("/inside").status_code == 200
    assert phone.get("/inside").status_code == 302


def test_deactivated_member_is_nobody_at_once(client: FlaskClient, session: Session) -> None:
    alice = make_member(session, "Alice")
    sign_in(client, alice)
    alice.deactivated_at = now()
    session.add(alice)
    session.commit()
    assert client.get("/inside").status_code == 302


def test_session_ends_after_two_idle_weeks(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session, "Alice"))
    with time_machine.travel(now() + timedelta(days=13), tick=True):
        assert client.get("/inside").status_code == 200
    with time_machine.travel(now() + timedelta(days=28), tick=True):
        assert client.get("/inside").status_code == 302


def test_session_ends_after_ninety_days_however_busy(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session, "Alice"))
    start = now()
    for day in range(9, 90, 9):
        with time_machine.travel(start + timedelta(days=day), tick=True):
            assert client.get("/inside").status_code == 200
    with time_machine.travel(start + timedelta(days=90, minutes=1), tick=True):
        assert client.get("/inside").status_code == 302


def test_reading_a_page_writes_only_every_few_minutes(client: FlaskClient, app: Flask, session: Session) -> None:
    sign_in(client, make_member(session, "Alice"))
    before = rows(app)[0].seen_at
    client.get("/inside")
    assert rows(app)[0].seen_at == before
    with time_machine.travel(now() + timedelta(minutes=6), tick=True):
        client.get("/inside")
    assert rows(app)[0].seen_at > before


def test_two_requests_at_once_lose_no_value_of_each_other(app: Flask) -> None:
    client = app.test_client()
    client.get("/remember/first/1")
    token = cookie(client)
    gate = Barrier(8)

    def write(key: str) -> None:
        browser = app.test_client()
        browser.set_cookie("warmline_session", token)
        gate.wait()
        assert browser.post(f"/remember/{key}/1").status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh"))
    assert set(rows(app)[0].data) == {"first", *"abcdefgh"}


def test_popped_value_is_given_to_one_of_eight_requests(app: Flask) -> None:
    client = app.test_client()
    client.get("/remember/state/secret")
    token = cookie(client)
    gate = Barrier(8)

    def take(_: int) -> str | None:
        browser = app.test_client()
        browser.set_cookie("warmline_session", token)
        gate.wait()
        return browser.get("/take/state").json

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))
    assert sorted(taken, key=str) == [*[None] * 7, "secret"]
    assert client.get("/take/state").json is None


def test_cookie_of_an_ended_session_is_dropped(client: FlaskClient) -> None:
    client.set_cookie("warmline_session", "x" * 43)
    client.get("/who")
    assert client.get_cookie("warmline_session") is None


def test_cookie_outlives_a_database_that_is_away(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    sign_in(client, make_member(session, "Alice"))
    monkeypatch.setitem(app.extensions, "warmline_db", Database("sqlite:////nowhere/at/all.sqlite"))
    assert client.get("/inside").status_code == 500
    assert client.get_cookie("warmline_session") is not None


def test_view_that_left_its_transaction_open_does_not_block_the_session(app: Flask) -> None:
    @allow(PUBLIC)
    def careless() -> ResponseReturnValue:
        make_member(get_session(), "Carol")
        flask_session["key"] = "value"
        return "not committed"

    app.add_url_rule("/careless", "careless", careless, methods=["POST"])
    assert app.test_client().post("/careless").status_code == 200
    with app.app_context(), get_db().session(write=False) as session:
        assert session.exec(select(Member)).all() == []
