"""The push endpoint and every token that must not pass: forged, misdirected, out of date."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from flask.testing import FlaskClient
from google.auth import crypt, jwt
from pytest_httpserver import HTTPServer
from sqlmodel import Session, select

from server.clock import now
from server.config import Settings
from server.gmail import id_tokens
from server.gmail.models import Mailbox, MailboxState, PubsubNotification
from server.queue import get_wakeups, wake_key
from tests.factories import make_mailbox, make_member

ACCOUNT = "push@acme.iam.gserviceaccount.com"
KEY_ID = "key-1"


class Signer:
    """A key pair with its certificate, as Google has them."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2046, 1, 1, tzinfo=UTC))
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self._signer = crypt.RSASigner.from_string(private, KEY_ID)

    def sign(self, claims: dict[str, Any], key_id: str = KEY_ID) -> str:
        token: bytes = jwt.encode(self._signer, claims, key_id=key_id)
        return token.decode()


GOOGLE, STRANGER = Signer(), Signer()


@pytest.fixture
def settings(settings: Settings, httpserver: HTTPServer) -> Settings:
    """An installation whose certificates come from a server of this test."""
    settings.google_certs_url = httpserver.url_for("/certs")
    settings.pubsub_service_account = ACCOUNT
    settings.pubsub_audience = f"{settings.base_url}/gmail/push"
    return settings


@pytest.fixture
def certs(httpserver: HTTPServer) -> HTTPServer:
    """Google's certificates, served."""
    id_tokens._certs.clear()
    httpserver.expect_request("/certs").respond_with_json({KEY_ID: GOOGLE.pem})
    return httpserver


@pytest.fixture
def box(session: Session) -> Mailbox:
    """A linked mailbox, committed."""
    mailbox = make_mailbox(session, make_member(session), email="riley@acme.example")
    session.commit()
    return mailbox


def make_claims(settings: Settings, **claims: Any) -> dict[str, Any]:
    usual = {"iss": "https://accounts.google.com", "aud": settings.pubsub_audience, "email": ACCOUNT, "sub": "1",
             "email_verified": True, "iat": int(time.time()), "exp": int(time.time()) + 3600}  # fmt: skip
    return {key: value for key, value in (usual | claims).items() if value is not None}


def make_envelope(email: str = "riley@acme.example", message_id: str = "m1", data: object = None) -> dict[str, Any]:
    payload = {"emailAddress": email, "historyId": 99} if data is None else data
    encoded = base64.b64encode(json.dumps(payload).encode()).decode()
    return {"message": {"data": encoded, "messageId": message_id}, "subscription": "projects/p/subscriptions/s"}


def push(client: FlaskClient, token: str | None, envelope: object = None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = client.post("/gmail/push", json=make_envelope() if envelope is None else envelope, headers=headers)
    assert answer.data == b""
    return answer.status_code


def push_well(client: FlaskClient, settings: Settings, envelope: object = None) -> int:
    return push(client, GOOGLE.sign(make_claims(settings)), envelope)


def is_wanted(session: Session, mailbox: Mailbox) -> bool:
    session.refresh(mailbox)
    session.commit()
    return mailbox.sync_wanted_at is not None


def test_push_asks_for_a_sync_and_wakes_it(
    app: Flask, client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push_well(client, settings) == 204
    assert is_wanted(session, box) and box.last_push_at is not None
    assert get_wakeups().redis.exists(wake_key("sync_mailbox", box.id or 0))
    assert box.history_id == 1


def test_push_that_was_seen_changes_nothing(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push_well(client, settings) == 204
    assert is_wanted(session, box)
    box.sync_wanted_at = None
    session.commit()
    assert push_well(client, settings) == 200
    assert not is_wanted(session, box)
    assert len(session.exec(select(PubsubNotification)).all()) == 1


def test_push_for_a_mailbox_that_is_not_linked_is_acknowledged(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push_well(client, settings, make_envelope("nobody@acme.example")) == 204
    box.state = MailboxState.REVOKED
    session.add(box)
    session.commit()
    assert push_well(client, settings) == 204
    assert not is_wanted(session, box)


def test_push_does_not_break_into_a_back_off(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    box.sync_failures, box.sync_wanted_at = 3, now() + timedelta(minutes=5)
    session.add(box)
    session.commit()
    assert push_well(client, settings) == 204
    session.refresh(box)
    assert box.sync_wanted_at is not None and box.sync_wanted_at > now() + timedelta(minutes=4)


def test_push_is_for_every_workspace_that_linked_the_address(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    other = make_mailbox(session, make_member(session, "Mallory"), email=box.email)
    session.commit()
    assert push_well(client, settings, make_envelope("Riley@ACME.example")) == 204
    assert is_wanted(session, box) and is_wanted(session, other)


CLAIMS: list[tuple[dict[str, Any], int]] = [
    ({"iss": "https://accounts.evil.example"}, 403),
    ({"iss": None}, 403),
    ({"aud": "https://other.example/gmail/push"}, 403),
    ({"aud": None}, 403),
    ({"email": "stranger@acme.iam.gserviceaccount.com"}, 403),
    ({"email": None}, 403),
    ({"email_verified": False}, 403),
    ({"email_verified": "true"}, 403),
    ({"email_verified": None}, 403),
    ({"exp": 1_000_000_000}, 401),
    ({"exp": None}, 401),
    ({"exp": "never"}, 401),
    ({"iat": 9_000_000_000}, 401),
    ({"iat": None}, 401),
    ({"iat": [1]}, 401),
]


@pytest.mark.parametrize(("claims", "status"), CLAIMS)
def test_token_with_a_wrong_claim_is_refused(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox,
    claims: dict[str, Any], status: int,
) -> None:  # fmt: skip
    assert push(client, GOOGLE.sign(make_claims(settings, **claims))) == status
    assert not is_wanted(session, box)


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def forge(settings: Settings, header: dict[str, Any], signature: bytes = b"") -> str:
    signed = f"{encode(header)}.{encode(make_claims(settings))}"
    if header.get("alg") == "HS256":
        signature = hmac.digest(GOOGLE.pem.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


FORGERIES: dict[str, Callable[[Settings], str | None]] = {
    "another key": lambda settings: STRANGER.sign(make_claims(settings)),
    "unknown key id": lambda settings: GOOGLE.sign(make_claims(settings), key_id="key-2"),
    "alg none": lambda settings: forge(settings, {"alg": "none", "kid": KEY_ID}),
    "alg none without key id": lambda settings: forge(settings, {"alg": "none"}),
    "alg None with a signature": lambda settings: forge(settings, {"alg": "None", "kid": KEY_ID}, b"x" * 256),
    "HS256 with the public key": lambda settings: forge(settings, {"alg": "HS256", "kid": KEY_ID}),
    "ES256": lambda settings: forge(settings, {"alg": "ES256", "kid": KEY_ID}, b"x" * 64),
    "no alg": lambda settings: forge(settings, {"kid": KEY_ID}, b"x" * 256),
    "alg is a list": lambda settings: forge(settings, {"alg": ["RS256"], "kid": KEY_ID}, b"x" * 256),
    "kid is a map": lambda settings: forge(settings, {"alg": "RS256", "kid": {}}, b"x" * 256),
    "own certificate in the header": lambda settings: forge(
        settings, {"alg": "RS256", "kid": "x", "x5c": [STRANGER.pem], "jku": "https://evil.example"}, b"x" * 256
    ),
    "header is a list": lambda settings: f"{encode([1])}.{encode({})}.x",
    "claims are a list": lambda settings: f"{encode({'alg': 'RS256', 'kid': KEY_ID})}.{encode([1])}.x",
    "cut signature": lambda settings: GOOGLE.sign(make_claims(settings))[:-8],
    "changed claims": lambda settings: ".".join(
        [*GOOGLE.sign(make_claims(settings)).split(".")[:1], encode(make_claims(settings, sub="2")),
         GOOGLE.sign(make_claims(settings)).split(".")[2]]
    ),
    "two parts": lambda settings: ".".join(GOOGLE.sign(make_claims(settings)).split(".")[:2]),
    "garbage": lambda settings: "garbage",
    "not ASCII": lambda settings: "é.é.é",
    "deeply nested": lambda settings: f"{base64.urlsafe_b64encode(b'[' * 9000).decode()}.e30.x",
    "empty": lambda settings: "",
    "none": lambda settings: None,
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_token_is_refused_without_a_word(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, box: Mailbox, forgery: str
) -> None:
    assert push(client, FORGERIES[forgery](settings)) == 401
    assert not is_wanted(session, box)


def test_basic_credentials_are_refused(client: FlaskClient, settings: Settings, certs: HTTPServer) -> None:
    token = GOOGLE.sign(make_claims(settings))
    answer = client.post("/gmail/push", json=make_envelope(), headers={"Authorization": f"Basic {token}"})
    assert answer.status_code == 401


def test_installation_without_a_service_account_trusts_nobody(
    client: FlaskClient, settings: Settings, certs: HTTPServer
) -> None:
    settings.pubsub_service_account = ""
    assert push(client, GOOGLE.sign(make_claims(settings, email=""))) == 403


def test_token_that_is_a_few_seconds_early_passes(
    client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push(client, GOOGLE.sign(make_claims(settings, iat=int(time.time()) + 5))) == 204


def test_certificates_that_cannot_be_had_answer_503(
    client: FlaskClient, session: Session, settings: Settings, httpserver: HTTPServer, box: Mailbox
) -> None:
    id_tokens._certs.clear()
    httpserver.expect_request("/certs").respond_with_data("down", status=500)
    assert push_well(client, settings) == 503
    settings.google_certs_url = "http://127.0.0.1:9/certs"
    assert push_well(client, settings) == 503
    assert not is_wanted(session, box)


def test_certificates_are_asked_for_once(
    client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    for number in range(5):
        assert push_well(client, settings, make_envelope(message_id=f"m{number}")) == 204
    assert len(certs.log) == 1


def test_certificates_once_had_outlive_an_outage(
    client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push_well(client, settings) == 204
    certs.clear()
    certs.expect_request("/certs").respond_with_data("down", status=500)
    id_tokens.find_certs(settings.google_certs_url)._fresh_until = float("-inf")
    assert push_well(client, settings, make_envelope(message_id="m2")) == 204


def test_unknown_key_id_makes_us_look_once_a_minute_at_most(
    client: FlaskClient, settings: Settings, certs: HTTPServer
) -> None:
    for _ in range(5):
        assert push(client, GOOGLE.sign(make_claims(settings), key_id="key-2")) == 401
    assert len(certs.log) == 1


def test_new_key_is_fetched_when_google_signs_with_it(
    client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    assert push_well(client, settings) == 204
    certs.clear()
    certs.expect_request("/certs").respond_with_json({"key-2": GOOGLE.pem})
    id_tokens.find_certs(settings.google_certs_url)._fetched -= 61
    rotated = GOOGLE.sign(make_claims(settings), key_id="key-2")
    assert push(client, rotated, make_envelope(message_id="m2")) == 204


@pytest.mark.parametrize("envelope", [[], "x", 7, {}, {"message": []}, {"message": {"data": "e30="}},
                                      {"message": {"messageId": 7}}, {"message": {"messageId": ""}}])  # fmt: skip
def test_body_that_is_no_pubsub_message_is_refused(
    client: FlaskClient, settings: Settings, certs: HTTPServer, envelope: object
) -> None:
    assert push_well(client, settings, envelope) == 400


def test_body_that_is_no_json_is_refused(client: FlaskClient, settings: Settings, certs: HTTPServer) -> None:
    headers = {"Authorization": f"Bearer {GOOGLE.sign(make_claims(settings))}"}
    for body in (b"{", b"\xff\xfe", b"[" * 60_000):
        assert client.post("/gmail/push", data=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "data",
    [
        [],
        7,
        {"emailAddress": 7, "historyId": 1},
        {"emailAddress": "a@b.example"},
        {"emailAddress": "", "historyId": 1},
        {"emailAddress": "a" * 999, "historyId": 1},
    ],
)
def test_message_that_is_no_gmail_notification_is_acknowledged_for_nothing_can_cure_it(
    client: FlaskClient, session: Session, settings: Settings, certs: HTTPServer, data: object
) -> None:
    assert push_well(client, settings, make_envelope(data=data)) == 204
    assert session.exec(select(PubsubNotification)).all() == []


def test_large_body_is_refused_before_its_token_is_looked_at(
    client: FlaskClient, settings: Settings, certs: HTTPServer
) -> None:
    assert push_well(client, settings, {"message": "x" * 70_000}) == 413
    assert len(certs.log) == 0


def test_forger_learns_nothing_about_the_envelope(client: FlaskClient, settings: Settings, certs: HTTPServer) -> None:
    assert push(client, STRANGER.sign(make_claims(settings)), {"nonsense": 1}) == 401


def test_token_with_the_right_audience_by_default_is_the_endpoint(
    client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox
) -> None:
    claims = make_claims(settings)
    settings.pubsub_audience = ""
    assert push(client, GOOGLE.sign(claims)) == 204


def test_push_needs_no_origin_of_ours(client: FlaskClient, settings: Settings, certs: HTTPServer, box: Mailbox) -> None:
    headers = {"Authorization": f"Bearer {GOOGLE.sign(make_claims(settings))}", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/gmail/push", json=make_envelope(), headers=headers).status_code == 204
