"""What is known about networks: those of mail scanners (`scanners.csv`), and those that say nothing about a place."""

import csv
import ipaddress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SCANNERS = Path(__file__).with_name("scanners.csv")

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
class Scanner:
    """A network of a mail scanner; where it is not certain, browser isolation puts a person behind it as well."""

    network: Network
    name: str
    is_certain: bool


def parse_address(text: str) -> Address | None:
    """Return the address that `text` names, an IPv4 one where it is mapped into IPv6; None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def has_place(address: Address) -> bool:
    """Return whether `address` can stand at a place: not private, shared, translated, tunnelled or multicast."""
    return not any(address in network for network in NO_PLACE if network.version == address.version)


@lru_cache(maxsize=4096)
def find_scanner(ip: str) -> Scanner | None:
    """Return the mail scanner in whose network `ip` lies."""
    address = parse_address(ip)
    if address is None:
        return None
    same_version = (scanner for scanner in _read_scanners() if scanner.network.version == address.version)
    return next((scanner for scanner in same_version if address in scanner.network), None)


@cache
def _read_scanners() -> tuple[Scanner, ...]:
    with SCANNERS.open(newline="", encoding="utf-8") as file:
        return tuple(
            Scanner(ipaddress.ip_network(row["cidr"]), row["name"], row["certainty"] == "certain")
            for row in csv.DictReader(file)
        )
