"""Settings: nonsense stops the start and names the variable; `.env.example` lists each in order."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from server.config import STAND_IN_CLIENT_ID, Settings, load_settings

EXAMPLE = Path(__file__).parent.parent / ".env.example"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_all_runs_on_loopback_beside_the_stand_in(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.is_loopback
    assert settings.warmline_home == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path / 'var' / 'warmline.sqlite'}"
    assert (settings.base_url, settings.edge_base_url, settings.stream_base_url) == (
        "http://127.0.0.1:8000", "http://127.0.0.1:8001", "http://127.0.0.1:8002",
    )  # fmt: skip
    assert settings.uses_stand_in
    assert settings.gmail_api_endpoint == settings.stand_in_url == "http://127.0.0.1:8003"


def test_one_port_moves_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    settings = load_settings()
    assert (settings.edge_port, settings.stream_port, settings.stand_in_port) == (9001, 9002, 9003)
    assert settings.base_url == "http://127.0.0.1:9000"


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nWEB_THREADS=3\nUNKNOWN=1\n")
    monkeypatch.setenv("PORT", "9100")
    monkeypatch.setenv("WEB_WORKERS", "")  # empty is as good as absent
    settings = load_settings()
    assert (settings.port, settings.web_threads, settings.web_workers) == (9100, 3, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("EDGE_PORT", "65536"),
        ("WEB_THREADS", "0"),
        ("WEB_WORKERS", "many"),
        ("MAIL_WORKERS", "0"),
        ("TRUSTED_PROXIES", "-1"),
        ("LOG_LEVEL", "loud"),
        ("BASE_URL", "warmline.example"),
        ("BASE_URL", "ftp://warmline.example"),
        ("EDGE_BASE_URL", "https://"),
        ("SHIP_TO", "http://warmline.example"),
        ("SHIP_TO", "warmline.example"),
        ("GMAIL_API_ENDPOINT", "javascript:alert(1)"),
        ("GMAIL_NOTIFICATIONS", "telepathy"),
        ("GMAIL_POLL_SECONDS", "0"),
        ("SIMULATED_RECIPIENTS", "perhaps"),
    ],
)
def test_nonsense_is_refused_and_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refusal:
        load_settings()
    assert [".".join(map(str, error["loc"])).upper() for error in refusal.value.errors()] == [name]


def test_a_google_client_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "1.apps.example")
    with pytest.raises(ValidationError, match="GOOGLE_CLIENT_SECRET"):
        load_settings()


def test_a_google_client_ends_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "1.apps.example")
    monkeypatch.setenv("GOOGLE_CLIENT_SECRET", "secret")
    settings = load_settings()
    assert not settings.uses_stand_in
    assert settings.gmail_api_endpoint == ""
    assert settings.google_token_uri.startswith("https://")


def test_the_stand_in_takes_the_place_of_every_google_address() -> None:
    settings = load_settings()
    assert settings.google_client_id == STAND_IN_CLIENT_ID
    named: dict[str, Any] = settings.model_dump()
    for name in ("google_auth_uri", "google_token_uri", "google_revoke_uri", "google_certs_url", "pubsub_api_endpoint"):
        assert named[name].startswith(settings.stand_in_url)


def test_the_example_lists_every_setting_in_order_each_with_a_comment() -> None:
    lines = EXAMPLE.read_text().splitlines()
    named = [(number, match[1]) for number, line in enumerate(lines) if (match := re.match(r"#?([A-Z_]+)=", line))]
    assert [name for _number, name in named] == [name.upper() for name in Settings.model_fields]
    for number, name in named:
        assert re.match(r"# \S.*\.$", lines[number - 1]), f"{name} needs a comment of one sentence before it"


def test_the_values_of_the_example_are_the_defaults() -> None:
    shown = dict(line[1:].split("=", 1) for line in EXAMPLE.read_text().splitlines() if re.match(r"#[A-Z_]+=.", line))
    for name, field in Settings.model_fields.items():
        default = str(field.default) if field.default not in ("", None, 0) else shown.get(name.upper(), "")
        assert shown.get(name.upper(), default).lower().removeprefix("./") == default.lower().removeprefix("./")
