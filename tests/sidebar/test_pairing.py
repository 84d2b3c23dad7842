"""Pairing: the member decides, and who asked gets the token, once, in time, at an extension's own address."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from server.accounts.members import deactivate
from server.accounts.models import AccessToken, Member, Role, TokenKind
from server.accounts.tokens import create_token
from server.clock import now
from server.sidebar.models import PairingCode
from tests.factories import make_member
from tests.sidebar.conftest import Device
from tests.sign_in import sign_in

VERIFIER = "a-verifier-of-at-least-forty-three-characters-._~"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = f"https://{'abcdefghijklmnop' * 2}.chromiumapp.org/paired"
PAGE = {"challenge": CHALLENGE, "redirect": REDIRECT, "state": "its-own-state", "device": "Chrome on Linux"}


def confirm(client: FlaskClient, **changes: str) -> str:
    """Confirm on the page and return where the browser is led."""
    answer = client.post("/extension/pairing", data=PAGE | changes)
    assert answer.status_code == 200, answer.text
    return answer.headers["Refresh"].removeprefix("0; url=")


def take_code(address: str) -> str:
    return parse_qs(urlsplit(address).query)["code"][0]


def exchange(device: Device, code: str, **changes: str) -> TestResponse:
    return device.post("/extension/token", json={"code": code, "verifier": VERIFIER, "redirect": REDIRECT} | changes)


@pytest.fixture
def stranger(app: Flask) -> Device:
    """An extension without a token."""
    return Device(app, None)


@pytest.fixture
def code(client: FlaskClient, alice: Member) -> str:
    """A fresh code of Alice's."""
    sign_in(client, alice)
    return take_code(confirm(client))


def test_pairing_needs_a_signed_in_member_and_comes_back_to_the_page(client: FlaskClient) -> None:
    answer = client.get(f"/extension/pairing?{urlencode(PAGE, quote_via=quote)}")
    assert answer.status_code == 302
    kept = urlsplit(parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0])
    assert kept.path == "/extension/pairing"
    assert parse_qs(kept.query) == {name: [value] for name, value in PAGE.items()}


def test_signing_in_leads_on_to_the_pairing_page(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    asked = client.get(f"/extension/pairing?{urlencode(PAGE, quote_via=quote)}")
    assert asked.status_code == 200
    turned_away = client.application.test_client().get(f"/extension/pairing?{urlencode(PAGE, quote_via=quote)}")
    led = client.get(turned_away.headers["Location"])
    assert parse_qs(urlsplit(led.headers["Location"]).query)["redirect"] == [REDIRECT]


def test_the_page_names_the_member_the_device_and_the_extension(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    page = client.get("/extension/pairing", query_string=PAGE).text
    assert "Alice" in page
    assert 'value="Chrome on Linux"' in page
    assert "abcdefghijklmnop" * 2 in page


def test_declining_tells_the_extension_and_nothing_else(client: FlaskClient, alice: Member, session: Session) -> None:
    sign_in(client, alice)
    page = client.get("/extension/pairing", query_string=PAGE).text
    assert f'href="{REDIRECT}?error=access_denied&amp;state=its-own-state"' in page
    assert session.exec(select(PairingCode)).all() == []


def test_looking_at_the_page_makes_no_code(client: FlaskClient, alice: Member, session: Session) -> None:
    sign_in(client, alice)
    client.get("/extension/pairing", query_string=PAGE)
    assert session.exec(select(PairingCode)).all() == []


def test_confirming_leads_back_with_code_and_state(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    address = confirm(client)
    assert address.startswith(f"{REDIRECT}?code=")
    assert parse_qs(urlsplit(address).query)["state"] == ["its-own-state"]


def test_another_site_cannot_confirm_for_the_member(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    answer = client.post("/extension/pairing", data=PAGE, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "redirect",
    [
        "", "https://evil.example/", "https://chromiumapp.org/x", f"https://{'q' * 32}.chromiumapp.org/",
        f"https://{'a' * 31}.chromiumapp.org/", f"http://{'a' * 32}.chromiumapp.org/",
        f"https://{'a' * 32}.chromiumapp.org.evil.example/", f"https://{'a' * 32}.chromiumapp.org",
        f"https://{'a' * 32}.chromiumapp.org/?next=https://evil.example", f"https://{'a' * 32}.chromiumapp.org/#x",
        f"https://{'a' * 32}.chromiumapp.org/\r\nSet-Cookie: a=b", f"https://x@{'a' * 32}.chromiumapp.org/",
        f"chrome-extension://{'a' * 32}", f"chrome-extension://{'z' * 32}/", f"moz-extension://{'a' * 32}/",
        "javascript:alert(1)", f"\nhttps://{'a' * 32}.chromiumapp.org/", f"https://{'a' * 32}.chromiumapp.org/\n",
    ],
)  # fmt: skip
def test_no_other_address_gets_a_code(client: FlaskClient, alice: Member, redirect: str) -> None:
    sign_in(client, alice)
    asked = PAGE | {"redirect": redirect}
    for answer in (client.get("/extension/pairing", query_string=asked), client.post("/extension/pairing", data=asked)):
        assert answer.status_code == 400
        assert "Refresh" not in answer.headers
        assert "evil" not in answer.text


def test_an_extension_page_may_be_the_address(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    address = f"chrome-extension://{'abcdefghijklmnop' * 2}/options/paired.html"
    assert confirm(client, redirect=address).startswith(f"{address}?code=")


@pytest.mark.parametrize("changes", [{"challenge": "short"}, {"challenge": "+" * 43}, {"state": ""}, {"state": "a b"}])
def test_an_incomplete_request_is_refused_on_the_page(
    client: FlaskClient, alice: Member, changes: dict[str, str]
) -> None:
    sign_in(client, alice)
    assert client.get("/extension/pairing", query_string=PAGE | changes).status_code == 400


def test_a_device_needs_a_name(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    answer = client.post("/extension/pairing", data=PAGE | {"device": " "})
    assert answer.status_code == 422
    assert "A name has 1 to 100 characters." in answer.text


def test_a_code_gives_a_device_token_with_the_status(
    stranger: Device, app: Flask, code: str, alice: Member, session: Session
) -> None:
    answer = exchange(stranger, code)
    assert answer.status_code == 201
    told = answer.get_json()
    assert told["member"]["email"] == alice.email
    assert told["device"]["name"] == "Chrome on Linux"
    assert told["own_pixels"] == [f"http://127.0.0.1:8001/o/{alice.sender_key}/"]
    assert Device(app, told["token"]).get("/extension/status").get_json() == {
        key: value for key, value in told.items() if key != "token"
    }
    assert [token.kind for token in session.exec(select(AccessToken))] == [TokenKind.DEVICE]


def test_the_code_is_kept_as_a_hash_only(code: str, session: Session) -> None:
    kept = session.exec(select(PairingCode)).one()
    assert code not in repr(kept.model_dump())
    assert re.fullmatch(r"[0-9a-f]{64}", kept.code_hash)


def test_an_unknown_code_is_told_apart(stranger: Device) -> None:
    answer = exchange(stranger, "never-made")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "code_unknown")
    assert answer.get_json()["fix"] != ""


def test_a_code_is_good_for_a_minute(stranger: Device, code: str) -> None:
    with time_machine.travel(now() + timedelta(seconds=61), tick=True):
        answer = exchange(stranger, code)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "code_expired")


def test_a_second_use_is_refused_and_ends_what_the_first_opened(stranger: Device, app: Flask, code: str) -> None:
    device = Device(app, exchange(stranger, code).get_json()["token"])
    assert device.get("/extension/status").status_code == 200
    assert exchange(stranger, code).get_json()["error"] == "code_used"
    answer = device.get("/extension/status")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "revoked")


@pytest.mark.parametrize("verifier", ["", "b" * 43, VERIFIER + "x", VERIFIER[:42], CHALLENGE])
def test_only_who_knows_the_verifier_gets_the_token_and_a_wrong_one_ends_the_code(
    stranger: Device, code: str, verifier: str
) -> None:
    answer = exchange(stranger, code, verifier=verifier)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "wrong_verifier")
    assert exchange(stranger, code).get_json()["error"] == "code_used"


def test_the_code_is_bound_to_its_address(stranger: Device, code: str) -> None:
    answer = exchange(stranger, code, redirect=f"https://{'b' * 32}.chromiumapp.org/paired")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "wrong_redirect")


@pytest.mark.parametrize("version", ["", "0.9.9", "1", "0.9.99999", "nonsense", "1.0.0-beta"])
def test_an_extension_that_is_too_old_is_told_so_and_keeps_its_code(
    app: Flask, stranger: Device, code: str, version: str
) -> None:
    answer = exchange(stranger, code)
    assert answer.status_code == 201
    old = Device(app, answer.get_json()["token"])
    old.headers["X-Warmline-Extension"] = version
    refused = old.get("/extension/status")
    if version == "1":
        assert refused.status_code == 200
        return
    assert refused.status_code == 426
    assert refused.get_json()["error"] == "extension_too_old"
    assert refused.get_json()["minimum_extension"] == "1.0.0"


def test_a_newer_extension_is_welcome(device: Device) -> None:
    device.headers["X-Warmline-Extension"] = "1.10.0"
    assert device.get("/extension/status").status_code == 200


def test_a_member_who_was_deactivated_meanwhile_gets_no_token(
    stranger: Device, code: str, alice: Member, session: Session
) -> None:
    member = session.get_one(Member, alice.id)
    make_member(session, "Boss", role=Role.ADMIN)
    deactivate(session, member)
    session.commit()
    answer = exchange(stranger, code)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "deactivated")


def test_a_device_cannot_pair_another(device: Device) -> None:
    answer = device.get("/extension/pairing", query_string=PAGE)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "wrong_place")


def test_signing_the_extension_out_revokes_its_own_token_only(pair: Callable[[Member], Device], alice: Member) -> None:
    here, there = pair(alice), pair(alice)
    assert here.post("/extension/revocation").status_code == 204
    assert here.get("/extension/status").get_json()["error"] == "revoked"
    assert there.get("/extension/status").status_code == 200


def test_a_browser_session_cannot_end_all_devices_by_it(client: FlaskClient, device: Device, alice: Member) -> None:
    sign_in(client, alice)
    answer = client.post("/extension/revocation", headers={"X-Warmline-Extension": "1.0.0"})
    assert answer.status_code == 400
    assert device.get("/extension/status").status_code == 200


@pytest.mark.parametrize("path", ["/feed/panel", "/tasks/panel", "/target/panel", "/extension/status", "/people/menu"])
def test_every_shell_address_says_why_a_token_opens_nothing(
    app: Flask, pair: Callable[[Member], Device], alice: Member, session: Session, path: str
) -> None:
    device = pair(alice)
    program = Device(app, create_token(session, alice, "Script"))
    session.commit()
    assert Device(app, "wl_nonsense").get(path).get_json()["error"] == "unknown_token"
    assert Device(app, None).get(path).get_json()["error"] == "unknown_token"
    assert program.get(path).get_json()["error"] == "wrong_place"
    make_member(session, "Boss", role=Role.ADMIN)
    deactivate(session, session.get_one(Member, alice.id))
    session.commit()
    answer = device.get(path)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "deactivated")
    assert answer.get_json()["fix"] == "An admin of your workspace can reactivate it."


def test_a_body_that_is_no_object_is_refused_in_words(stranger: Device) -> None:
    answer = stranger.post("/extension/token", data="[1]", content_type="application/json")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "bad_request")


def test_errors_come_in_the_members_language(stranger: Device) -> None:
    stranger.headers["Accept-Language"] = "fr"
    assert exchange(stranger, "never-made").status_code == 400
