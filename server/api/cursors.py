"""Cursors of lists: where a page ended, signed, so that a caller can neither read nor make one."""

import base64
import binascii
import json
from collections.abc import Sequence

from server.errors import Refused
from server.keys import Keyring

PURPOSE = "api-cursor"


def make_cursor(keys: Keyring, member_id: int, name: str, place: Sequence[int]) -> str:
    """Return the cursor of `place` in the list `name`, good for this member only."""
    signed = keys.sign(PURPOSE, json.dumps([name, member_id, *place]).encode())
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


def read_cursor(keys: Keyring, member_id: int, name: str, cursor: str | None) -> list[int] | None:
    """Return the place that `make_cursor` closed, None without a cursor; raises `Refused` for any other text."""
    if cursor is None:
        return None
    try:
        signed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (binascii.Error, UnicodeEncodeError):
        signed = b""
    payload = keys.verify(PURPOSE, signed)
    found = json.loads(payload) if payload is not None else []
    if found[:2] != [name, member_id]:
        raise Refused("is not a cursor of this list; take `next` of the page before, unchanged", field="cursor")
    place: list[int] = found[2:]
    return place
