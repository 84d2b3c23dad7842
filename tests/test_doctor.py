"""The doctor: every step that is wrong is named with its way out, and a well installation exits with 0."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from pytest_httpserver import HTTPServer
from sqlmodel import Session
from werkzeug import Request, Response

from server.clock import now
from server.config import Settings
from server.doctor import doctor, examine, examine_addresses, examine_database, examine_keys, examine_redis
from server.findings import Finding
from server.gmail.access import seal_refresh_token
from server.gmail.models import Mailbox, MailboxState
from tests.factories import make_mailbox, make_member

CLIENT_ID = "1234-abc.apps.googleusercontent.com"
KNOWN = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": "known"}


@pytest.fixture
def google(httpserver: HTTPServer) -> HTTPServer:
    """A server with Google's addresses that knows one client and one refresh token."""

    def give_token(request: Request) -> Response:
        if request.form["client_secret"] != "known":
            return Response('{"error": "invalid_client"}', 401)
        if request.form["refresh_token"] != "1//good":
            return Response('{"error": "invalid_grant"}', 400)
        return Response('{"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"}', 200)

    httpserver.expect_request("/auth").respond_with_data("consent")
    httpserver.expect_request("/token").respond_with_handler(give_token)
    httpserver.expect_request("/certs").respond_with_json({"key-1": "certificate"})
    httpserver.expect_request("/gmail/push").respond_with_data("", status=401)
    profile = {"emailAddress": "riley@acme.example", "historyId": "7"}
    httpserver.expect_request("/gmail/v1/users/me/profile").respond_with_json(profile)
    return httpserver


@pytest.fixture
def settings(settings: Settings, google: HTTPServer) -> Settings:
    """A well installation with a Google client of its own."""
    root = google.url_for("").rstrip("/")
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        warmline_home=settings.warmline_home,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        base_url=root,
        google_client_id=CLIENT_ID,
        google_client_secret="known",
        google_auth_uri=f"{root}/auth",
        google_token_uri=f"{root}/token",
        google_certs_url=f"{root}/certs",
        gmail_api_endpoint=root,
        pubsub_topic="projects/acme/topics/gmail",
        pubsub_service_account="push@acme.iam.gserviceaccount.com",
        gmail_notifications="poll",
    )


def problems(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings) if not finding.is_well}


def test_well_installation_has_no_problem(app: Flask, settings: Settings) -> None:
    assert problems(settings) == {}


def test_unknown_client_is_a_problem(app: Flask, settings: Settings) -> None:
    settings.google_client_id, settings.google_client_secret = "my-client", "other"
    found = problems(settings)
    assert set(found) == {"OAuth client", "Token endpoint"}
    assert "invalid_client" in found["Token endpoint"].message


def test_google_that_cannot_be_reached_is_a_problem(app: Flask, settings: Settings) -> None:
    settings.google_auth_uri = settings.google_token_uri = settings.google_certs_url = "http://127.0.0.1:9/"
    assert set(problems(settings)) == {"Token endpoint", "Consent page", "Certificates"}


def test_clock_that_differs_is_a_problem(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.gmail.doctor.now", lambda: now() + timedelta(minutes=2))
    assert "NTP" in problems(settings)["Clock"].advice


def test_push_needs_https_topic_and_account(app: Flask, settings: Settings) -> None:
    settings.gmail_notifications = "push"
    settings.pubsub_topic, settings.pubsub_service_account = "gmail", ""
    assert set(problems(settings)) == {"Pub/Sub topic", "Push endpoint", "Push account"}


def test_pull_needs_a_subscription_and_credentials(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no-such-file.json"))
    settings.gmail_notifications = "pull"
    assert set(problems(settings)) == {"Pull subscription", "Google credentials"}


def test_mailboxes_are_examined_one_by_one(app: Flask, session: Session, settings: Settings) -> None:
    alice = make_member(session)
    add_mailbox(session, make_mailbox(session, alice, email="riley@acme.example"), "1//good")
    add_mailbox(session, make_mailbox(session, alice, email="other@acme.example"), "1//good")
    add_mailbox(session, make_mailbox(session, alice, email="gone@acme.example"), "1//withdrawn")
    make_mailbox(session, alice, email="revoked@acme.example", state=MailboxState.REVOKED)
    make_mailbox(session, alice, email="left@acme.example", state=MailboxState.DISCONNECTED)
    failed = make_mailbox(session, alice, email="riley@acme.example".replace("r", "t", 1), sync_error="it rained")
    add_mailbox(session, failed, "1//good")
    session.commit()
    found = problems(settings)
    assert set(found) == {f"Mailbox {name}@acme.example" for name in ("other", "gone", "revoked", "tiley")}
    assert "opens riley@acme.example" in found["Mailbox other@acme.example"].message


def test_mailbox_that_gmail_does_not_push_is_a_problem(app: Flask, session: Session, settings: Settings) -> None:
    settings.gmail_notifications = "push"
    mailbox = make_mailbox(session, make_member(session), email="riley@acme.example", watched_at=now())
    add_mailbox(session, mailbox, "1//good")
    session.commit()
    assert "no watch is running" in problems(settings)["Mailbox riley@acme.example"].message


def add_mailbox(session: Session, mailbox: Mailbox, refresh_token: str) -> None:
    seal_refresh_token(mailbox, refresh_token)
    session.add(mailbox)


def test_keys_that_others_can_read_are_a_problem(app: Flask, settings: Settings) -> None:
    (settings.warmline_home / "keys.json").chmod(0o644)
    assert "chmod 600" in next(examine_keys(settings)).advice


def test_damaged_keys_are_a_problem(settings: Settings) -> None:
    settings.warmline_home.mkdir(exist_ok=True)
    (settings.warmline_home / "keys.json").write_text("{}")
    assert not next(examine_keys(settings)).is_well


def test_database_that_is_away_or_not_migrated_is_a_problem(settings: Settings, tmp_path: Path) -> None:
    settings.database_url = f"sqlite:///{tmp_path}/none.sqlite"
    assert "migrate" in examine_database(settings).advice
    (tmp_path / "none.sqlite").touch()
    assert "newest schema" in examine_database(settings).message
    settings.database_url = "postgresql://nobody:secret@127.0.0.1:9/none"
    finding = examine_database(settings)
    assert not finding.is_well and "secret" not in str(finding)


def test_redis_that_is_away_is_a_problem(settings: Settings) -> None:
    assert examine_redis(settings).is_well
    settings.redis_url = "redis://127.0.0.1:9"
    assert "REDIS_URL" in examine_redis(settings).advice


@pytest.mark.parametrize(
    ("base", "edge", "is_well"),
    [
        ("https://warmline.example", "https://t.warmline.example", True),
        ("https://warmline.example", "https://warmline.example", False),
        ("https://warmline.example", "https://warmline.example:8443", False),
        ("http://warmline.example", "https://t.warmline.example", False),
        ("https://warmline.example", "http://t.warmline.example", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001", True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", False),
    ],
)
def test_members_and_recipients_need_origins_of_their_own(
    settings: Settings, base: str, edge: str, is_well: bool
) -> None:
    settings.base_url, settings.edge_base_url = base, edge
    assert next(examine_addresses(settings)).is_well is is_well


def test_command_prints_each_finding_and_exits_with_1_for_a_problem(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.doctor.load_settings", lambda: settings)
    answer = CliRunner().invoke(doctor)
    assert answer.exit_code == 0, answer.output
    assert "ok       Database:" in answer.output
    settings.google_client_secret = "other"
    answer = CliRunner().invoke(doctor)
    assert answer.exit_code == 1 and "problem  Token endpoint:" in answer.output and "→" in answer.output


def test_command_names_the_setting_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMAIL_NOTIFICATIONS", "pigeon")
    answer = CliRunner().invoke(doctor)
    assert answer.exit_code == 1 and "GMAIL_NOTIFICATIONS" in answer.output
