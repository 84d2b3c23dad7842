"""The address, and the moment, that a simulated recipient claims: believed only when signed with our own keys.

Simulated recipients and the tests of places run on this machine, but play people and scanners elsewhere; the tracking
lab plays in an instant what takes them hours.
"""

from server.keys import Keyring
from server.tracking.tokens import from_text, to_text

HEADER = "X-Warmline-Simulated-Address"
MOMENT_KEY = "warmline.simulated_at_ms"  # of the WSGI environ; no header can set it
ENVIRON_KEY = "HTTP_X_WARMLINE_SIMULATED_ADDRESS"
PURPOSE = "simulated-address"


def sign_address(keys: Keyring, address: str, at_ms: int | None = None) -> str:
    """Return the value of `HEADER` that makes the edge take `address` for the client's, and `at_ms` for the time."""
    claim = address if at_ms is None else f"{address} {at_ms}"
    return to_text(keys.sign(PURPOSE, claim.encode()))


def read_address(keys: Keyring, value: str) -> str | None:
    """Return the address that `sign_address` signed, or None for anything else."""
    claim = read_claim(keys, value)
    return claim[0] if claim is not None else None


def read_claim(keys: Keyring, value: str) -> tuple[str, int | None] | None:
    """Return the address and the moment (milliseconds since the epoch) that were signed, or None for anything else."""
    raw = from_text(value)
    claim = keys.verify(PURPOSE, raw) if raw else None
    if claim is None:
        return None
    address, _space, at_ms = claim.decode().partition(" ")
    return address, int(at_ms) if at_ms else None
