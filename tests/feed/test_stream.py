"""The live stream over real HTTP: replay and live join without gap, and it ends with the right to listen."""

from collections.abc import Callable, Iterator

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.browser_sessions import end_sessions
from server.accounts.models import AccessToken, BrowserSession, Member, Role, Workspace
from server.accounts.tokens import create_token, revoke_tokens
from server.clock import now
from server.config import Settings
from server.events.models import UNOWNED, Event
from server.feed.stream import REPLAY_ROWS
from server.keys import get_keys
from server.queue import announce
from tests.factories import make_member
from tests.feed.events import make_event, make_events
from tests.feed.listening import WAIT_SECONDS, Listener, stream_process
from tests.sign_in import sign_in

Listen = Callable[..., Listener]


@pytest.fixture
def address(settings: Settings, app: Flask) -> Iterator[str]:
    """The address of a stream process on this test's database."""
    with stream_process(settings) as address:
        yield address


@pytest.fixture
def listen(address: str, client: FlaskClient) -> Iterator[Listen]:
    """Open streams as the signed-in page does: ticket first."""
    opened: list[Listener] = []

    def open_stream(after: int | str = "", browser: FlaskClient = client, **ask: str) -> Listener:
        listener = Listener(ask_stream(address, browser, after, **ask))
        assert listener.response.status_code == 200, listener.response.text
        opened.append(listener)
        return listener

    yield open_stream
    for listener in opened:
        listener.response.close()


def ask_stream(address: str, browser: FlaskClient, after: int | str = "", **ask: str) -> requests.Response:
    answer = browser.post("/stream/tickets", data={"rows": "wanted", **ask})
    assert answer.json is not None
    ticket = answer.json["url"].split("?")[1]
    return requests.get(f"{address}/stream?{ticket}&after={after}", stream=True, timeout=WAIT_SECONDS)


def record(session: Session, member: Member, **fields: object) -> int:
    """Commit an event as the worker does, and return its id."""
    event: Event = make_event(session, member, **fields)
    announce(session, "event")
    session.commit()
    return event.id


def test_replay_and_live_join_without_gap_and_without_repeat(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    missed = [record(session, alice, minutes=-n) for n in range(5)]
    listener = listen(after=missed[1])
    live = [record(session, alice, minutes=n) for n in range(5)]
    assert listener.hear_rows(8) == missed[2:] + live


def test_a_listener_that_was_cut_gets_every_missing_row_once_and_in_order(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    first = record(session, alice)
    listener = listen(after=0)
    assert listener.hear_rows(1) == [first]
    listener.response.close()
    missed = [record(session, alice, minutes=-n) for n in range(30)]
    again = listen(after=first)
    last = record(session, alice)
    assert again.hear_rows(31) == [*missed, last]


def test_too_much_to_replay_is_a_reload(client: FlaskClient, session: Session, listen: Listen) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    make_events(session, alice, range(REPLAY_ROWS + 1))
    last = record(session, alice)
    assert listen(after=last - 1).hear_rows(1) == [last]  # the stream has seen them all
    told = listen(after=0).hear()
    assert (told.name, told.id) == ("reload", last)
    assert listen(after=last - REPLAY_ROWS).hear_rows(REPLAY_ROWS)[-1] == last


def test_each_listener_hears_their_own_rows_in_their_own_language(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session, locale="fr")
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id), locale="en")
    sign_in(client, alice)
    browser_of_bob = app.test_client()
    sign_in(browser_of_bob, bob)
    alices, bobs = listen(), listen(browser=browser_of_bob, of="team")
    of_alice = record(session, alice, place_country="DE")
    of_bob = record(session, bob, place_country="DE")
    heard = alices.hear()
    assert (heard.row_id, "Allemagne" in heard.data["html"]) == (of_alice, True)
    heard = bobs.hear()
    assert (heard.row_id, "Germany" in heard.data["html"]) == (of_bob, True)


def test_a_manager_hears_the_team_with_its_names(client: FlaskClient, session: Session, listen: Listen) -> None:
    carol = make_member(session, "Carol", role=Role.MANAGER)
    alice = make_member(session, "Alice", session.get_one(Workspace, carol.workspace_id))
    sign_in(client, carol)
    own, team = listen(), listen(of="team")
    of_alice, of_carol = record(session, alice), record(session, carol)
    heard = team.hear()
    assert (heard.row_id, "Alice" in heard.data["html"]) == (of_alice, True)
    assert team.hear().row_id == of_carol
    assert own.hear().row_id == of_carol


def test_machine_rows_are_heard_only_when_asked_for(client: FlaskClient, session: Session, listen: Listen) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    plain, everything = listen(), listen(machine="shown")
    hidden, shown = record(session, alice, is_shown=False), record(session, alice)
    assert everything.hear_rows(2) == [hidden, shown]
    assert plain.hear_rows(1) == [shown]


def test_the_same_row_stands_in_stream_and_page(client: FlaskClient, session: Session, listen: Listen) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen()
    record(session, alice, message_id=3, person_name="Flynn", place_city="Lyon", place_country="FR")
    html = listener.hear().data["html"]
    page = client.get("/").text
    without_times = html.split("<time")[0], html.split("</time>")[1]
    assert all(part in page for part in without_times)


def test_messages_and_mailboxes_are_told_to_their_member_only(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice, bob = make_member(session), make_member(session, "Bob")
    sign_in(client, alice)
    browser_of_bob = app.test_client()
    sign_in(browser_of_bob, bob)
    alices, bobs = listen(rows=""), listen(browser=browser_of_bob, rows="")
    announce(session, "message", member_id=alice.id, id=41)
    announce(session, "mailbox", member_id=bob.id, id=42)
    record(session, alice)  # not asked for: this page shows no feed
    announce(session, "message", member_id=alice.id, id=43)
    announce(session, "message", member_id=bob.id, id=44)
    session.flush()
    session.connection()
    session.commit()
    assert [(heard.name, heard.data["id"]) for heard in (alices.hear(), alices.hear())] == [
        ("message", 41), ("message", 43),
    ]  # fmt: skip
    assert [(heard.name, heard.data["id"]) for heard in (bobs.hear(), bobs.hear())] == [
        ("mailbox", 42), ("message", 44),
    ]  # fmt: skip


def test_signing_out_ends_the_streams_of_that_session(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    here = session.exec(select(BrowserSession.id)).one()
    other_browser = app.test_client()
    sign_in(other_browser, alice)
    ended, kept = listen(), listen(browser=other_browser)
    other = next(number for number in session.exec(select(BrowserSession.id)).all() if number != here)
    end_sessions(session, alice.id or 0, but=other)
    session.commit()
    assert ended.is_ended()
    row = record(session, alice)
    assert kept.hear_rows(1) == [row]


def test_a_ticket_opens_nothing_once_its_holder_may_not_listen(
    address: str, client: FlaskClient, session: Session
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    answer = client.post("/stream/tickets", data={"rows": "wanted"})
    assert answer.json is not None
    url = f"{address}/stream?{answer.json['url'].split('?')[1]}"
    alice = session.get_one(Member, alice.id)
    alice.deactivated_at = now()
    session.add(alice)
    session.commit()
    assert requests.get(url, timeout=WAIT_SECONDS).status_code == 403
    assert requests.get(f"{address}/stream?ticket=forged", timeout=WAIT_SECONDS).status_code == 403
    assert requests.get(f"{address}/elsewhere", timeout=WAIT_SECONDS).status_code == 404
    assert requests.post(url, timeout=WAIT_SECONDS).status_code == 405


def test_a_revoked_token_ends_its_streams(address: str, app: Flask, session: Session) -> None:
    from server.feed.tickets import Ticket, make_ticket

    alice = make_member(session)
    create_token(session, alice, "Phone", "device")
    session.commit()
    token = session.exec(select(AccessToken)).one()
    ticket = Ticket(alice.id or 0, alice.workspace_id, None, token.id, False, False, True, "en")
    url = f"{address}/stream?ticket={make_ticket(get_keys(), ticket)}"
    listener = Listener(requests.get(url, stream=True, timeout=WAIT_SECONDS))
    row = record(session, alice)
    assert listener.hear_rows(1) == [row]
    revoke_tokens(session, alice.id or 0, token.id)
    session.commit()
    assert listener.is_ended()
    assert requests.get(url, timeout=WAIT_SECONDS).status_code == 403


def test_only_our_own_pages_may_read_the_stream(
    address: str, client: FlaskClient, session: Session, settings: Settings
) -> None:
    sign_in(client, make_member(session))
    answer = client.post("/stream/tickets")
    assert answer.json is not None
    url = f"{address}/stream?{answer.json['url'].split('?')[1]}"
    for origin in ("https://evil.example", "null", settings.base_url.replace("8000", "8001"), settings.base_url + "0"):
        assert requests.get(url, headers={"Origin": origin}, timeout=WAIT_SECONDS).status_code == 403
    with requests.get(
        url, headers={"Origin": settings.base_url}, stream=True, timeout=WAIT_SECONDS
    ) as answer_of_stream:
        assert answer_of_stream.status_code == 200
        assert answer_of_stream.headers["Access-Control-Allow-Origin"] == settings.base_url
        assert answer_of_stream.headers["Content-Type"].startswith("text/event-stream")


def test_topics_are_told_to_their_member_or_to_the_whole_workspace(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice, bob = make_member(session), make_member(session, "Bob")
    sign_in(client, alice)
    browser_of_bob = app.test_client()
    sign_in(browser_of_bob, bob)
    alices, bobs = listen(rows=""), listen(browser=browser_of_bob, rows="")
    announce(session, "task", member_id=bob.id, id=1)
    announce(session, "person", member_id=None, workspace_id=alice.workspace_id, id=2)
    announce(session, "reminder", member_id=alice.id, id=3)
    announce(session, "target", member_id=alice.id, id=4)
    announce(session, "person", member_id=None, workspace_id=bob.workspace_id, id=5)
    session.connection()
    session.commit()
    assert [(heard.name, heard.data["id"]) for heard in (alices.hear(), alices.hear(), alices.hear())] == [
        ("person", 2), ("reminder", 3), ("target", 4),
    ]  # fmt: skip
    assert [(heard.name, heard.data["id"]) for heard in (bobs.hear(), bobs.hear())] == [("task", 1), ("person", 5)]


def test_rows_that_nobody_owns_are_heard_by_the_whole_workspace_only(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice, mallory = make_member(session), make_member(session, "Mallory")
    sign_in(client, alice)
    browser_of_mallory = app.test_client()
    sign_in(browser_of_mallory, mallory)
    alices, mallorys = listen(), listen(browser=browser_of_mallory)
    unowned = record(session, alice, member_id=UNOWNED)
    of_mallory = record(session, mallory)
    assert alices.hear_rows(1) == [unowned]
    assert mallorys.hear_rows(1) == [of_mallory]
    assert listen(after=unowned - 1).hear_rows(1) == [unowned]
