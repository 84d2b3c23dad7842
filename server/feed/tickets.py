"""Tickets: what opens a live stream, signed, for a minute, and for nothing else."""

import json
from dataclasses import asdict, dataclass

from server.clock import now
from server.keys import Keyring
from server.tracking.tokens import from_text, to_text

PURPOSE = "stream-ticket"
LIFETIME_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who listens, by which session or token, and what they asked to hear; `is_team` widens it to the workspace."""

    member_id: int
    workspace_id: int
    session_id: int | None
    token_id: int | None
    is_team: bool
    show_machine: bool
    wants_rows: bool
    locale: str
    search: str = ""


def make_ticket(keys: Keyring, ticket: Ticket) -> str:
    """Return `ticket` as text for a URL, good for a minute."""
    payload = asdict(ticket) | {"expires": int(now().timestamp()) + LIFETIME_SECONDS}
    return to_text(keys.sign(PURPOSE, json.dumps(payload, separators=(",", ":")).encode()))


def read_ticket(keys: Keyring, text: str) -> Ticket | None:
    """Return the ticket that `make_ticket` wrote, or None when it is forged, for another purpose, or too old."""
    payload = keys.verify(PURPOSE, from_text(text) or b"")
    if payload is None:
        return None
    fields = json.loads(payload)
    return Ticket(**fields) if fields.pop("expires") >= now().timestamp() else None
