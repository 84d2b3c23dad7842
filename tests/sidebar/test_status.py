"""The status, the panels, the badge: the same for the same member in every shell, and nobody else's."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import AccessToken, Member
from server.accounts.tokens import revoke_tokens
from server.clock import now
from server.config import Settings
from server.events.models import Verdict
from server.feed.preferences import change_switches
from server.gmail.models import Mailbox, MailboxState
from tests.factories import make_mailbox, make_member
from tests.feed.events import make_event
from tests.feed.listening import stream_process
from tests.sidebar.conftest import Device
from tests.sign_in import sign_in

EXTENSION = f"chrome-extension://{'abcdefghijklmnop' * 2}"


def test_the_status_tells_all_that_the_extension_needs(
    device: Device, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    change_switches(session, alice.id, {"quiet_from": "22:00", "quiet_until": "07:00"}, ["viewed"])
    make_mailbox(session, alice, email="old@acme.example", state=MailboxState.DISCONNECTED)
    session.commit()
    told = device.get("/extension/status").get_json()
    assert told["server"]["minimum_extension"] == "1.0.0"
    assert told["server"]["edge_url"] == "http://127.0.0.1:8001"
    assert told["member"]["name"] == "Alice"
    assert told["mailboxes"] == [{"id": mailbox.id, "email": mailbox.email, "state": "linked", "track": True}]
    assert told["own_pixels"] == [f"http://127.0.0.1:8001/o/{alice.sender_key}/"]
    assert told["notifications"]["kinds"] == ["viewed"]
    assert (told["notifications"]["quiet_from"], told["notifications"]["quiet_until"]) == ("22:00", "07:00")
    assert told["marks"] is True


def test_the_track_toggle_begins_where_the_mailbox_page_says(
    client: FlaskClient, device: Device, alice: Member, mailbox: Mailbox
) -> None:
    sign_in(client, alice)
    assert client.post(f"/mailboxes/{mailbox.id}/tracking", data={}).status_code == 303
    assert device.get("/extension/status").get_json()["mailboxes"][0]["track"] is False
    page = client.get("/mailboxes").text
    assert 'name="track"' in page
    client.post(f"/mailboxes/{mailbox.id}/tracking", data={"track": "on"})
    assert device.get("/extension/status").get_json()["mailboxes"][0]["track"] is True


def test_a_colleagues_mailbox_keeps_its_toggle(
    client: FlaskClient, session: Session, mailbox: Mailbox, alice: Member
) -> None:
    bob = make_member(session, "Bob")
    sign_in(client, bob)
    assert client.post(f"/mailboxes/{mailbox.id}/tracking", data={}).status_code == 404


def test_marks_can_be_switched_off_for_all_browsers(client: FlaskClient, device: Device, alice: Member) -> None:
    sign_in(client, alice)
    client.post("/settings/extension", data={})
    assert device.get("/extension/status").get_json()["marks"] is False
    client.post("/settings/extension", data={"marks": "on"})
    assert device.get("/extension/status").get_json()["marks"] is True


def test_the_settings_page_names_the_paired_browsers(client: FlaskClient, device: Device, alice: Member) -> None:
    sign_in(client, alice)
    assert "Chrome on Linux" in client.get("/settings/extension").text


@pytest.mark.parametrize(
    ("panel", "path", "mark"),
    [
        ("engagement", "/feed/panel", 'id="feed"'), ("tasks", "/tasks/panel", 'id="tasks"'),
        ("target", "/target/panel", "<section"),
    ],
)  # fmt: skip
def test_the_three_panels_are_those_of_the_web_app(
    client: FlaskClient, device: Device, session: Session, alice: Member, panel: str, path: str, mark: str
) -> None:
    make_event(session, alice, at=now() - timedelta(hours=2))
    sign_in(client, alice)
    shown = device.get(f"/extension/panels/{panel}", headers={"HX-Request": "true"}).text
    assert mark in shown
    assert shown == client.get(path, headers={"HX-Request": "true"}).text


def test_the_extension_sees_the_same_rows_and_nobody_elses(
    device: Device, pair: Callable[[Member], Device], session: Session, alice: Member
) -> None:
    event = make_event(session, alice, at=now())
    other = pair(make_member(session, "Bob"))
    session.commit()
    assert f'id="event-{event.id}"' in device.get("/extension/panels/engagement").text
    assert f'id="event-{event.id}"' not in other.get("/extension/panels/engagement").text


def test_there_is_no_other_panel(device: Device) -> None:
    answer = device.get("/extension/panels/nonsense")
    assert (answer.status_code, answer.get_json()["error"]) == (404, "not_found")


def test_what_no_shell_has_shown_is_unread_until_one_shows_it(
    client: FlaskClient, device: Device, session: Session, alice: Member
) -> None:
    first, second = (make_event(session, alice, at=now()) for _turn in range(2))
    make_event(session, alice, at=now(), verdict=Verdict.MACHINE, is_shown=False)
    last = make_event(session, make_member(session, "Bob"), at=now())
    session.commit()
    unread = device.get("/extension/status").get_json()["unread"]
    assert unread == {"count": 2, "is_more": False, "last_id": last.id}
    sign_in(client, alice)
    assert client.post("/feed/seen", data={"last_id": first.id}).status_code == 204
    assert device.get("/extension/status").get_json()["unread"]["count"] == 1
    device.post("/feed/seen", data={"last_id": second.id})
    assert device.get("/extension/status").get_json()["unread"]["count"] == 0


def test_how_far_was_seen_never_moves_back_nor_beyond_what_there_is(
    device: Device, session: Session, alice: Member
) -> None:
    first = make_event(session, alice, at=now())
    session.commit()
    for said in ("9999999999999999999999", str(first.id), "0", "-5", "nonsense", ""):
        assert device.post("/feed/seen", data={"last_id": said}).status_code == 204
    assert device.get("/extension/status").get_json()["unread"]["count"] == 0
    make_event(session, alice, at=now())
    session.commit()
    assert device.get("/extension/status").get_json()["unread"]["count"] == 1


def test_more_than_99_are_told_as_more_and_old_ones_are_no_news(
    device: Device, session: Session, alice: Member
) -> None:
    for _turn in range(101):
        make_event(session, alice, at=now())
    session.commit()
    told = device.get("/extension/status").get_json()["unread"]
    assert (told["count"], told["is_more"]) == (99, True)
    device.post("/feed/seen", data={"last_id": told["last_id"]})
    make_event(session, alice, at=now() - timedelta(days=20))
    session.commit()
    assert device.get("/extension/status").get_json()["unread"]["count"] == 0


def test_a_device_listens_by_its_token_from_its_own_origin(
    app: Flask, settings: Settings, client: FlaskClient, device: Device, session: Session, alice: Member
) -> None:
    sign_in(client, alice)
    with stream_process(settings) as address:

        def listen(browser: Device | FlaskClient) -> requests.Response:
            url = browser.post("/stream/tickets", data={"rows": "wanted"}).get_json()["url"]
            headers = {"Origin": EXTENSION}
            return requests.get(f"{address}/stream?{url.split('?')[1]}", headers=headers, stream=True, timeout=20)

        assert listen(client).status_code == 403
        answer = listen(device)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == EXTENSION
        token = session.get_one(AccessToken, 1)
        revoke_tokens(session, alice.id, token.id)
        session.commit()
        assert [line for line in answer.iter_lines() if line.startswith(b"event: row")] == []
        answer.close()


def test_a_list_of_events_stays_json_that_programs_read(device: Device) -> None:
    assert json.loads(device.get("/extension/status").text)["unread"]["count"] == 0
