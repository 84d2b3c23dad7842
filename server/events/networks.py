"""What is known about networks: whose they are (scanners, mail services), and which say nothing about a place.

The list that comes with Warmline (`networks.csv`) is replaced by the operator's own in `WARMLINE_HOME` where there is
one (`warmline verdicts networks`); both have the same columns, each range with its source and date.
"""

import csv
import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SHIPPED = Path(__file__).with_name("networks.csv")
OWN_NAME: Final = "networks.csv"
COLUMNS = ("cidr", "name", "role", "certainty", "source", "taken_on")
ROLES = ("scanner", "mail_service")
CERTAINTIES = ("certain", "probable")
MAX_ROWS = 500_000
SHORTEST_PREFIX = {4: 8, 6: 16}  # a wider range would take in half the world by a slip of the pen
NEIGHBOURS = {4: 24, 6: 48}  # addresses that one household or office shares

# IANA's special-purpose registries; `ipaddress.is_private` misses several of these (facts.md, Storage and queue).
NO_PLACE = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
        "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a network is: a `scanner`'s, behind which people may browse too unless it is certain, or a mail service's.

    People read mail in a mail service's own programs and proxies, so its network alone never condemns.
    """

    name: str
    role: str
    is_certain: bool


class Networks:
    """A list of networks, asked by address: the narrowest range that holds it answers."""

    def __init__(self, owners: Iterable[tuple[Network, Owner]]) -> None:
        self._tables: dict[int, dict[int, dict[int, Owner]]] = {4: defaultdict(dict), 6: defaultdict(dict)}
        for network, owner in owners:
            shift = network.max_prefixlen - network.prefixlen
            self._tables[network.version][shift][int(network.network_address) >> shift] = owner
        self.find = lru_cache(maxsize=4096)(self._find)

    def _find(self, ip: str) -> Owner | None:
        """Return whose network `ip` lies in, None where nobody's, or where `ip` is no address."""
        address = parse_address(ip)
        if address is None:
            return None
        number = int(address)
        tables = self._tables[address.version]
        return next((owner for shift in sorted(tables) if (owner := tables[shift].get(number >> shift))), None)


class BadNetworks(ValueError):
    """The file is no list of networks; the message names the line and what is wrong with it."""


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return the address that `text` names, an IPv4 one where it is mapped into IPv6; None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def find_neighbourhood(ip: str) -> str:
    """Return the network around `ip` that one household or office shares; empty for what is no address."""
    address = parse_address(ip)
    if address is None:
        return ""
    return str(ipaddress.ip_network((address, NEIGHBOURS[address.version]), strict=False))


@lru_cache(maxsize=4096)
def has_place(address: Address) -> bool:
    """Return whether `address` can stand at a place: not private, shared, translated, tunnelled or multicast."""
    return not any(address in network for network in NO_PLACE if network.version == address.version)


@cache
def shipped_networks() -> Networks:
    """Return the networks of the list that comes with Warmline."""
    return read_networks(SHIPPED)


def load_networks(home: Path) -> Networks:
    """Return the operator's networks where `home` holds a list, else those that come with Warmline."""
    own = home / OWN_NAME
    try:
        changed_at = own.stat().st_mtime_ns
    except OSError:
        return shipped_networks()
    return _read_own(own, changed_at)


@lru_cache(maxsize=1)
def _read_own(path: Path, _changed_at: int) -> Networks:
    return read_networks(path)


def read_networks(path: Path) -> Networks:
    """Return the networks in the file; raises `BadNetworks` for the first line that is not as it should be."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadNetworks(f"the first line must be: {','.join(COLUMNS)}")
        owners = []
        for number, row in enumerate(reader, start=2):
            if number > MAX_ROWS + 1:
                raise BadNetworks(f"more than {MAX_ROWS} ranges")
            owners.append(_read_row(number, row))
    if not owners:
        raise BadNetworks("there is no range in it")
    return Networks(owners)


def _read_row(number: int, row: Mapping[str | None, str | None]) -> tuple[Network, Owner]:
    if None in row or None in row.values():
        raise BadNetworks(f"line {number}: {len(COLUMNS)} columns are wanted")
    cidr, name, role, certainty, source, taken_on = (str(row[column]).strip() for column in COLUMNS)
    try:
        network = ipaddress.ip_network(cidr)
        date.fromisoformat(taken_on)
    except ValueError as error:
        raise BadNetworks(f"line {number}: {error}") from error
    if network.prefixlen < SHORTEST_PREFIX[network.version]:
        raise BadNetworks(f"line {number}: {cidr} is wider than /{SHORTEST_PREFIX[network.version]}")
    if role not in ROLES or certainty not in CERTAINTIES:
        raise BadNetworks(f"line {number}: role is one of {', '.join(ROLES)}; certainty of {', '.join(CERTAINTIES)}")
    if not source or not name.isprintable() or not 0 < len(name) <= 60 or ":" in name:
        raise BadNetworks(f"line {number}: a name of up to 60 characters without “:”, and a source, are wanted")
    return network, Owner(name, role, certainty == "certain")
