"""The device cookie: how a browser in which a member has signed in is known again on the recipients' edge (T12).

The members' page embeds an image of the edge whose address carries a signed ticket; the edge answers with a long-lived
cookie on its own origin. Ticket and cookie are signed for different uses: a ticket seen in a page is no cookie.
"""

from server.keys import Keyring
from server.tracking.tokens import from_text, to_text

COOKIE_NAME = "warmline_device"
COOKIE_DAYS = 400  # the longest that browsers keep one (RFC 6265bis §5.5)


def device_ticket(keys: Keyring, device_id: str) -> str:
    """Return the ticket that stands in `/device/<ticket>.gif`."""
    return to_text(keys.sign("device-ticket", device_id.encode()))


def read_ticket(keys: Keyring, ticket: str) -> str | None:
    """Return the device id in a ticket, or None where it was altered."""
    return _read(keys, "device-ticket", ticket)


def device_cookie(keys: Keyring, device_id: str) -> str:
    """Return the value of the device cookie."""
    return to_text(keys.sign("device-cookie", device_id.encode()))


def read_device(keys: Keyring, cookie_value: str) -> str | None:
    """Return the device id in a device cookie's value, or None where it was altered."""
    return _read(keys, "device-cookie", cookie_value)


def _read(keys: Keyring, purpose: str, text: str) -> str | None:
    payload = keys.verify(purpose, from_text(text) or b"")
    return None if payload is None else payload.decode()
