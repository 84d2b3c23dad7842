"""From an IP address to a city and a country; never the city of a proxy or of a network that is nowhere.

The data is DB-IP's (CC BY 4.0): where a place shows, a link to db-ip.com stands.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import maxminddb
import structlog

from server.config import Settings
from server.events.agents import find_image_proxy
from server.events.networks import Address, Networks, has_place, load_networks, parse_address

log = structlog.get_logger()

PACKAGE = Path(__file__).parents[2] / "node_modules" / "@ip-location-db" / "dbip-city-mmdb"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event came from; `source` is `ip`, `proxy` (of a mail service), `private` or empty where not known."""

    city: str | None = None
    country: str | None = None
    source: str = ""


def find_place(settings: Settings, ip: str, agent: str, networks: Networks | None = None) -> Place:
    """Return the place of `ip`; unknown for image proxies, private networks, and without a database."""
    address = parse_address(ip)
    if address is None:
        return Place()
    owner = (networks or load_networks(settings.warmline_home)).find(ip)
    if find_image_proxy(agent) or (owner is not None and owner.role == "mail_service"):
        return Place(source="proxy")
    if not has_place(address):
        return Place(source="private")
    path = find_database(settings, address.version)
    return _look_up(path, address) if path is not None else Place()


def find_database(settings: Settings, version: int) -> Path | None:
    """Return the MMDB file for IP `version`: the operator's, else the one that npm installed, else None."""
    if settings.geo_database is not None:
        return settings.geo_database
    return _find_installed(version)


@cache
def _find_installed(version: int) -> Path | None:
    installed = PACKAGE / f"dbip-city-ipv{version}.mmdb"
    return installed if installed.exists() else None


@lru_cache(maxsize=4096)
def _look_up(path: Path, address: Address) -> Place:
    reader = _open(path)
    try:
        record = reader.get(address) if reader is not None else None
    except ValueError:  # an IPv6 address, and the operator's file has IPv4 only
        record = None
    return _make_place(record) if isinstance(record, dict) else Place()


@cache
def _open(path: Path) -> maxminddb.Reader | None:
    try:
        return maxminddb.open_database(path)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        log.warning("no places: the geo database cannot be read", path=str(path), error=str(error))
        return None


def _make_place(record: dict[str, object]) -> Place:
    """Return the place in `record`, in DB-IP's flat form or MaxMind's nested one."""
    city, country = _name(record.get("city")), record.get("country_code") or _code(record.get("country"))
    if not isinstance(country, str):
        return Place()
    return Place(city or None, country, "ip")


def _name(city: object) -> str:
    if isinstance(city, dict):
        city = (city.get("names") or {}).get("en")
    return city if isinstance(city, str) else ""


def _code(country: object) -> object:
    return country.get("iso_code") if isinstance(country, dict) else None
