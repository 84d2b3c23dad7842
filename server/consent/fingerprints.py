"""Keyed hashes: an address, an IP or an agent is known again, by this installation alone, without being kept."""

from collections.abc import Collection

from server.keys import Keyring, get_keys

ADDRESS = "address-hash"
PROOF = "proof-hash"


def hash_address(address: str, keys: Keyring | None = None) -> str:
    """Return the hash under which an address, in any case of letters, is stored."""
    return (keys or get_keys()).digests(ADDRESS, address.strip().lower())[0]


def hash_addresses(addresses: Collection[str], keys: Keyring | None = None) -> dict[str, str]:
    """Return which address, in lower case, each hash stands for: those of today's key and of all keys before it."""
    keys = keys or get_keys()
    lower = {address.strip().lower() for address in addresses}
    return {digest: address for address in lower for digest in keys.digests(ADDRESS, address)}


def hash_proof(text: str, keys: Keyring | None = None) -> str:
    """Return the hash of an IP address or an agent; "" for none."""
    return (keys or get_keys()).digests(PROOF, text)[0] if text else ""
