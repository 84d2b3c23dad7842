"""What events say of an address: it cannot be reached, it was reached, its owner wants no more mail."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from server.consent.models import Reason
from server.consent.suppression import note_bounce, note_delivered, suppress
from server.events.models import COUNTED_VERDICTS, EventKind

REACHED = (EventKind.REPLIED, EventKind.AUTO_REPLIED)
SEEN = (EventKind.VIEWED, EventKind.CLICKED)
OBJECTIONS = {EventKind.UNSUBSCRIBED: Reason.UNSUBSCRIBED, EventKind.COMPLAINED: Reason.COMPLAINED}


def note_outcomes(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Suppress who bounced, complained or unsubscribed in newly inserted events, and forgive who was reached."""
    reached: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows:
        workspace_id, address, kind = row["workspace_id"], row["person_address"], row["kind"]
        if not address:
            continue
        if kind in OBJECTIONS:
            suppress(session, workspace_id, address, OBJECTIONS[kind], "event")
        elif kind == EventKind.BOUNCED:
            note_bounce(session, workspace_id, address, _read_category(row["details"]))
        elif kind in REACHED or (kind in SEEN and row["verdict"] in COUNTED_VERDICTS):
            reached[workspace_id].add(address.lower())
    for workspace_id, addresses in sorted(reached.items()):
        note_delivered(session, workspace_id, addresses)


def _read_category(details: dict[str, Any]) -> str:
    return str(details.get("category") or "")
