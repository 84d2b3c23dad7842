"""The address that a simulated recipient claims: believed only when signed with this installation's own keys.

Simulated recipients and the tests of places run on this machine, but play people and scanners elsewhere.
"""

from server.keys import Keyring
from server.tracking.tokens import from_text, to_text

HEADER = "X-Warmline-Simulated-Address"
ENVIRON_KEY = "HTTP_X_WARMLINE_SIMULATED_ADDRESS"
PURPOSE = "simulated-address"


def sign_address(keys: Keyring, address: str) -> str:
    """Return the value of `HEADER` that makes the edge take `address` for the client's."""
    return to_text(keys.sign(PURPOSE, address.encode()))


def read_address(keys: Keyring, value: str) -> str | None:
    """Return the address that `sign_address` signed, or None for anything else."""
    raw = from_text(value)
    address = keys.verify(PURPOSE, raw) if raw else None
    return address.decode() if address is not None else None
