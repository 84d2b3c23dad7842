"""Places: a city for a person's address, never one for a proxy or a network that is nowhere."""

from pathlib import Path

import pytest

from server.config import Settings
from server.events import place
from server.events.place import PACKAGE, Place, find_place

GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, warmline_home=tmp_path)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "ip",
    ["10.1.2.3", "127.0.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0",
     "203.0.113.9", "::1", "fe80::1", "fd00::1", "ff02::1", "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:10.0.0.1",
     "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
)  # fmt: skip
def test_addresses_that_are_nowhere_have_no_place(settings: Settings, ip: str) -> None:
    assert find_place(settings, ip, "") == Place(source="private")


@pytest.mark.parametrize("ip", ["", "unknown", "8.8.8", "_hidden", "8.8.8.8:443"])
def test_what_is_no_address_has_no_place(settings: Settings, ip: str) -> None:
    assert find_place(settings, ip, "") == Place()


@pytest.mark.parametrize("agent", [GMAIL, "YahooMailProxy; x", "Mozilla/5.0"])
def test_a_proxys_city_is_never_shown(settings: Settings, agent: str) -> None:
    assert find_place(settings, "66.249.84.1", agent) == Place(source="proxy")


def test_a_file_that_is_no_database_costs_the_place_only(settings: Settings, tmp_path: Path) -> None:
    settings.geo_database = tmp_path / "broken.mmdb"
    settings.geo_database.write_bytes(b"nonsense")
    assert find_place(settings, "81.2.69.142", "") == Place()
    settings.geo_database = tmp_path / "missing.mmdb"
    assert find_place(settings, "81.2.69.142", "") == Place()


def test_a_public_address_has_the_city_that_the_database_knows(settings: Settings) -> None:
    """DB-IP's file comes with `npm ci`; where that has not run, every address is simply nowhere."""
    wanted = Place("London", "GB", "ip") if PACKAGE.exists() else Place()
    assert find_place(settings, "81.2.69.142", "") == wanted
    if PACKAGE.exists():
        assert find_place(settings, "2a02:8108::1", "").country


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"city": "Paris", "country_code": "FR"}, Place("Paris", "FR", "ip")),
        ({"city": "", "country_code": "FR"}, Place(None, "FR", "ip")),
        ({"city": {"names": {"en": "Lyon"}}, "country": {"iso_code": "FR"}}, Place("Lyon", "FR", "ip")),
        ({"country": {"iso_code": "FR"}}, Place(None, "FR", "ip")),
        ({}, Place()),
    ],
)
def test_both_forms_of_database_are_read(row: dict[str, object], wanted: Place) -> None:
    assert place._make_place(row) == wanted
