"""The demo workspace: made once, entered with one button, played by programs through `demo-info`."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, func, select

from server.accounts.models import Member, Workspace
from server.app import create_app
from server.cli import main
from server.config import Settings
from server.db import get_db
from server.errors import ForeignFailure, Refused
from server.gmail.client import Gmail
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, Message
from server.sandbox import cast
from server.sandbox.demo import ensure_demo
from server.sandbox.switch import are_recipients_on
from tests.factories import make_member
from tests.sign_in import sign_in
from tests.stand_in import DEMO, FLYNN, StandIn


def count(session: Session, table: type) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


def test_demo_has_a_member_a_linked_mailbox_and_first_mails(session: Session) -> None:
    member = ensure_demo(session)
    session.commit()
    workspace = session.get(Workspace, member.workspace_id)
    assert workspace is not None
    assert workspace.is_demo
    assert (member.email, member.role) == (DEMO, "admin")
    mailbox = session.exec(select(Mailbox)).one()
    assert (mailbox.email, mailbox.state) == (DEMO, MailboxState.LINKED)
    with Gmail.open(mailbox) as gmail:
        assert gmail.get_profile().email == DEMO
    assert count(session, Message) == 4
    addressed = set(session.exec(select(col(Copy.id))).all())
    assert len(addressed) == 8


def test_demo_is_made_once(session: Session) -> None:
    first = ensure_demo(session)
    session.commit()
    assert ensure_demo(session).id == first.id
    assert (count(session, Workspace), count(session, Mailbox), count(session, Message)) == (1, 1, 4)


def test_two_starts_at_once_make_one_demo(app: Flask) -> None:
    def start() -> int | None:
        with app.app_context(), get_db().session() as session:
            member = ensure_demo(session)
            session.commit()
            return member.id

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(start), pool.submit(start)])
    assert first == second
    with app.app_context(), get_db().session() as session:
        assert (count(session, Workspace), count(session, Mailbox), count(session, Message)) == (1, 1, 4)


def test_revoked_demo_mailbox_is_linked_anew_without_new_mails(session: Session) -> None:
    ensure_demo(session)
    mailbox = session.exec(select(Mailbox)).one()
    mailbox.state = MailboxState.REVOKED
    session.commit()
    ensure_demo(session)
    assert mailbox.state == MailboxState.LINKED
    assert count(session, Message) == 4


def test_disconnected_demo_mailbox_stays_so(session: Session) -> None:
    ensure_demo(session)
    mailbox = session.exec(select(Mailbox)).one()
    mailbox.state = MailboxState.DISCONNECTED
    session.commit()
    ensure_demo(session)
    assert mailbox.state == MailboxState.DISCONNECTED


def test_demo_does_not_take_somebody_elses_address(session: Session) -> None:
    make_member(session, "Riley", email=DEMO)
    with pytest.raises(Refused, match="belongs to another workspace"):
        ensure_demo(session)


def test_demo_without_stand_in_says_what_is_missing(session: Session, stand_in: StandIn) -> None:
    stand_in.script({"match": "decide", "fault": "500"})
    with pytest.raises(ForeignFailure, match="did not let riley"):
        ensure_demo(session)
    session.rollback()
    stand_in.script()
    assert ensure_demo(session).email == DEMO


def test_button_signs_the_visitor_in(client: FlaskClient) -> None:
    answer = client.post("/demo")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Riley Hart" in client.get("/sandbox").text


@pytest.mark.parametrize("change", [{"google_client_id": "real", "google_client_secret": "s"}, {"host": "0.0.0.0"}])
def test_there_is_no_demo_beside_google_or_for_other_machines(
    app: Flask, settings: Settings, change: dict[str, str]
) -> None:
    kept = {name: getattr(settings, name) for name in ("warmline_home", "database_url", "redis_url")}
    other = create_app(Settings(_env_file=None, **kept, **change))  # type: ignore[call-arg]
    try:
        assert other.test_client().post("/demo").status_code == 404
    finally:
        other.extensions["warmline_db"].dispose()
        other.extensions["warmline_wakeups"].redis.close()


def test_demo_info_lets_a_program_play_a_prospect(app: Flask, stand_in: StandIn) -> None:
    output = app.test_cli_runner().invoke(main, args=["demo-info"]).output
    assert output.count("\n") == 1
    info = json.loads(output)
    assert (info["member"], info["stand_in"]) == (DEMO, stand_in.url)
    tokens = {one["email"]: one["access_token"] for one in info["accounts"]}
    assert set(tokens) == {player.email for player in cast.CAST}
    profile = stand_in.gmail(FLYNN, tokens[FLYNN]).getProfile(userId="me").execute()
    assert profile["emailAddress"] == FLYNN
    with app.app_context(), get_db().session() as session:
        assert session.exec(select(Member.email)).all() == [DEMO]


def test_demo_info_says_that_the_stand_in_is_away(app: Flask, stand_in: StandIn) -> None:
    stand_in.script({"match": "list_accounts", "fault": "500"}, {"match": "decide", "fault": "drop_before"})
    result = app.test_cli_runner().invoke(main, args=["demo-info"])
    assert result.exit_code == 1
    assert "The Gmail stand-in does not answer" in result.output


def test_switch_stops_and_starts_the_recipients(app: Flask, client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    assert "Stop the recipients" in client.get("/sandbox").text
    stopped = client.delete("/sandbox/recipients", headers={"HX-Request": "true"})
    assert stopped.text.lstrip().startswith("<section")
    assert "Start the recipients" in stopped.text
    with get_db().session(write=False) as reading:
        assert not are_recipients_on(reading)
    started = client.post("/sandbox/recipients")
    assert (started.status_code, started.headers["Location"]) == (303, "/sandbox")
    assert client.post("/sandbox/recipients/stop").status_code == 303
    with get_db().session(write=False) as reading:
        assert not are_recipients_on(reading)


def test_sandbox_page_lists_who_plays(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    page = client.get("/sandbox").text
    for player in cast.CAST:
        assert player.email in page
    assert "docs/google-cloud.md" in page


def test_entering_the_demo_leads_on_to_the_page_that_was_wanted(client: FlaskClient) -> None:
    assert client.post("/demo", data={"next": "/extension/pairing?state=x"}).headers["Location"].endswith("state=x")
    assert client.post("/demo", data={"next": "https://evil.example/"}).headers["Location"] == "/"
