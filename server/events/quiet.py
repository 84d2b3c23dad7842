"""What is left of an event under its mail's policy: nothing of who objected, nobody where only sums are kept.

An event that names a mail of one recipient names its reader, so an aggregate one names the mail only where enough
people got it (`attribution.SMALLEST_AUDIENCE`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from server.events.attribution import SentCopy
from server.events.models import EventKind
from server.events.verdict import FORGOTTEN
from server.messages.models import Silence

if TYPE_CHECKING:
    from server.events.record import Fact

TRACKED_KINDS = (
    EventKind.VIEWED, EventKind.CLICKED, EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED,
)  # fmt: skip
AGGREGATE = "aggregate"
NOBODY: dict[str, Any] = {
    "copy_id": None, "recipient_id": None, "person_id": None, "person_name": "", "person_address": "",
    "person_candidates": [], "place_city": None, "place_country": None, "place_source": "",
}  # fmt: skip


def drop_silent(facts: Iterable["Fact"], copies: Mapping[int, SentCopy]) -> list["Fact"]:
    """Return `facts` without what readers of silent copies did."""
    return [fact for fact in facts if fact.copy_id is None or not _is_silent(fact.kind, copies[fact.copy_id])]


def _is_silent(kind: str, copy: SentCopy) -> bool:
    if copy.silence == Silence.VIEWS:
        return kind == EventKind.VIEWED
    return copy.silence == Silence.ALL and kind in TRACKED_KINDS


def keep_sums(rows: Sequence[dict[str, Any]], copies: Mapping[int, SentCopy]) -> list[dict[str, Any]]:
    """Return the judged `rows` of events, those of mail under an aggregate policy without anybody in them."""
    return [_keep_sum(row, copies[row["copy_id"]]) if _is_sum(row, copies) else row for row in rows]


def _is_sum(row: Mapping[str, Any], copies: Mapping[int, SentCopy]) -> bool:
    copy = copies.get(row["copy_id"])
    return copy is not None and copy.policy == AGGREGATE and row["kind"] in TRACKED_KINDS


def _keep_sum(row: Mapping[str, Any], copy: SentCopy) -> dict[str, Any]:
    kept = {**row, **NOBODY, "details": {}, "evidence": {"kind": row["kind"], FORGOTTEN: True}}
    kept["reasons"] = [reason.partition(":")[0] for reason in row["reasons"] if not reason.startswith("browser")]
    if not copy.is_large:
        kept |= {"message_id": None, "subject": "", "link_target": None}
    elif copy.is_merged:
        kept |= {"subject": "", "link_target": None}
    return kept
