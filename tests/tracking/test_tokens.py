"""Pixel and link tokens: what went in comes out, and nothing else gets in."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import Settings
from server.keys import Keyring
from server.tracking import devices
from server.tracking.tokens import (
    MAX_TARGET_BYTES,
    find_target,
    is_own_url,
    link_url,
    pixel_url,
    read_link,
    read_pixel,
)

SETTINGS = Settings(_env_file=None, edge_base_url="https://t.acme.example")  # type: ignore[call-arg]
KEYS = Keyring({1: b"a" * 32})
SENDER, COPY = "0123456789ab", "0f" * 16

tracking_ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
characters = st.characters(exclude_categories=("Cc", "Cs"))
targets = st.builds(lambda start, rest: start + rest, st.sampled_from(["http://", "HTTPS://"]), st.text(characters))


def read(url: str) -> tuple[str, str, str]:
    kind, sender, token = url.removeprefix("https://t.acme.example/").split("/")
    return kind, sender, token.removesuffix(".gif")


@given(tracking_ids)
def test_pixel_names_its_copy(tracking_id: str) -> None:
    kind, sender, token = read(pixel_url(SETTINGS, KEYS, SENDER, tracking_id))
    assert (kind, sender) == ("o", SENDER)
    assert read_pixel(KEYS, SENDER, token) == tracking_id


@given(tracking_ids, st.integers(0, 65535), targets)
def test_link_leads_to_the_identical_target(tracking_id: str, position: int, target: str) -> None:
    _kind, sender, token = read(link_url(SETTINGS, KEYS, SENDER, tracking_id, position, target))
    link = read_link(KEYS, sender, token)
    assert link is not None
    assert (link.tracking_id, link.position, link.target) == (tracking_id, position, target)


@pytest.mark.parametrize(
    "target",
    [
        "https://flynn.example/a?b=1&b=2&c=%2F%zz#frag?ment#two",
        "http://flynn.example:8080/ümlaut/日本?q=é%C3%A9#ß",
        "https://user:pass@flynn.example/;a=b;c//double//../dots",
        "https://flynn.example/?" + "utm_source=newsletter&" * 300,
    ],
)
def test_targets_with_odd_bytes_come_back_identical(target: str) -> None:
    url = link_url(SETTINGS, KEYS, SENDER, COPY, 3, target)
    assert url.isascii()
    assert find_target(SETTINGS, KEYS, url) == target


@given(st.integers(0), st.integers(1, 255))
def test_no_altered_byte_is_accepted(place: int, change: int) -> None:
    token = read(pixel_url(SETTINGS, KEYS, SENDER, COPY))[2]
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    raw[place % len(raw)] ^= change
    assert read_pixel(KEYS, SENDER, base64.urlsafe_b64encode(raw).decode().rstrip("=")) is None


def test_a_token_that_only_decodes_to_the_same_bytes_is_refused() -> None:
    token = read(link_url(SETTINGS, KEYS, SENDER, COPY, 0, "https://flynn.example/"))[2]
    for other in (token + "=", token + "\n", token[:4] + "!" + token[4:], token + "é", ""):
        assert read_link(KEYS, SENDER, other) is None


@given(st.text(), st.text())
def test_any_other_text_is_refused_without_an_error(sender: str, token: str) -> None:
    assert read_pixel(KEYS, sender, token) is None
    assert read_link(KEYS, sender, token) is None


def test_a_token_cannot_move_under_another_sender() -> None:
    assert read_pixel(KEYS, "ffffffffffff", read(pixel_url(SETTINGS, KEYS, SENDER, COPY))[2]) is None


def test_a_pixel_is_no_link_and_the_other_way_round() -> None:
    pixel = read(pixel_url(SETTINGS, KEYS, SENDER, COPY))[2]
    link = read(link_url(SETTINGS, KEYS, SENDER, COPY, 0, "https://flynn.example/"))[2]
    assert read_link(KEYS, SENDER, pixel) is None
    assert read_pixel(KEYS, SENDER, link) is None


def test_an_older_key_still_reads_and_a_foreign_one_does_not() -> None:
    token = read(pixel_url(SETTINGS, KEYS, SENDER, COPY))[2]
    assert read_pixel(Keyring({1: b"a" * 32, 2: b"b" * 32}), SENDER, token) == COPY
    assert read_pixel(Keyring({1: b"c" * 32}), SENDER, token) is None


@pytest.mark.parametrize(
    "target",
    ["mailto:flynn@flynnsarcade.example", "javascript:alert(1)", "", "#top", "https://a.example/\r\nSet-Cookie: a=b",
     "https://a.example/\ud800",
     "https://a.example/" + "x" * MAX_TARGET_BYTES],
)  # fmt: skip
def test_what_cannot_be_wrapped_stays_as_it_is(target: str) -> None:
    assert link_url(SETTINGS, KEYS, SENDER, COPY, 0, target) == target


def test_our_own_addresses_are_recognised_also_behind_gmails_proxy() -> None:
    pixel = pixel_url(SETTINGS, KEYS, SENDER, COPY)
    assert is_own_url(SETTINGS, pixel)
    assert is_own_url(SETTINGS, f"https://ci3.googleusercontent.com/meips/abc=s0-d-e1-ft#{pixel}")
    assert is_own_url(SETTINGS, pixel.replace("t.acme", "T.ACME"))
    for other in ("https://t.acme.example/", "https://other.example/o/a/b.gif", f"https://other.example/#{pixel}",
                  "http://[::1", "https://t.acme.example.evil.example/o/a/b.gif"):  # fmt: skip
        assert not is_own_url(SETTINGS, other)
        assert find_target(SETTINGS, KEYS, other) is None


def test_a_device_is_known_by_its_cookie_and_not_by_its_ticket() -> None:
    ticket, cookie = devices.device_ticket(KEYS, "d1"), devices.device_cookie(KEYS, "d1")
    assert devices.read_ticket(KEYS, ticket) == "d1"
    assert devices.read_device(KEYS, cookie) == "d1"
    assert devices.read_device(KEYS, ticket) is None
    assert devices.read_ticket(KEYS, cookie) is None
    assert devices.read_device(KEYS, "nonsense") is None
