"""A claimed address counts only with our own signature."""

from pathlib import Path
from typing import Any

import pytest

from server.config import Settings
from server.edge import create_edge
from server.keys import Keyring
from server.tracking.frames import read_frames
from server.tracking.hits import Hit, read_record
from server.tracking.simulation import ENVIRON_KEY, sign_address
from server.tracking.tokens import pixel_url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, warmline_home=tmp_path)  # type: ignore[call-arg]


def fetch_hit(settings: Settings, **environ: Any) -> Hit:
    """Fetch a pixel through the edge and return its hit."""
    keys = Keyring.load(settings)
    url = pixel_url(settings, keys, "sender", "ab" * 16)
    path = url.removeprefix(settings.edge_base_url)
    edge = create_edge(settings)
    list(edge({"PATH_INFO": path, "REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1", **environ}, lambda *_: None))
    edge.journal.close()
    (segment,) = settings.journal_dir.glob("*.journal")
    *_, frame = read_frames(segment.read_bytes())
    return read_record(frame.payload)


def fetch_pixel(settings: Settings, **environ: Any) -> str:
    """Fetch a pixel through the edge and return the address that its hit keeps."""
    return fetch_hit(settings, **environ).ip


def test_signed_address_is_taken_for_the_clients(settings: Settings) -> None:
    signed = sign_address(Keyring.load(settings), "91.64.20.14")
    assert fetch_pixel(settings, **{ENVIRON_KEY: signed, "HTTP_X_FORWARDED_FOR": "8.8.8.8"}) == "91.64.20.14"


@pytest.mark.parametrize("claim", ["", "91.64.20.14", "AUfsWh0xr31NPo7voZQL3t5C", "é"])
def test_unsigned_address_is_nobodys(settings: Settings, claim: str) -> None:
    assert fetch_pixel(settings, **{ENVIRON_KEY: claim}) == "127.0.0.1"


def test_signature_of_another_installation_is_nothing_here(settings: Settings, tmp_path: Path) -> None:
    other = Keyring.load(Settings(_env_file=None, warmline_home=tmp_path / "other"))  # type: ignore[call-arg]
    assert fetch_pixel(settings, **{ENVIRON_KEY: sign_address(other, "91.64.20.14")}) == "127.0.0.1"


def test_signed_moment_is_taken_for_the_time(settings: Settings) -> None:
    hit = fetch_hit(settings, **{ENVIRON_KEY: sign_address(Keyring.load(settings), "91.64.20.14", 1_700_000_000_123)})
    assert (hit.ip, hit.at_ms) == ("91.64.20.14", 1_700_000_000_123)


def test_moment_that_nobody_signed_is_ignored(settings: Settings) -> None:
    hit = fetch_hit(settings, **{ENVIRON_KEY: "91.64.20.14 1700000000123", "HTTP_WARMLINE_SIMULATED_AT_MS": "1"})
    assert (hit.ip, hit.at_ms > 1_700_000_000_123) == ("127.0.0.1", True)
