"""From what recipients said on our pages, kept in the edge's journal, to what holds: opt-out, unsubscribing, erasing.

A copy with one recipient speaks for them. In one that several share, whoever speaks has typed their address; without
it only that copy falls silent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from server.clock import from_epoch_ms
from server.consent.erasure import ask
from server.consent.ledger import LIFTED, Proof, note_answer
from server.consent.models import Answer, Purpose, Way
from server.consent.silence import silence_copies
from server.consent.suppression import find_suppressed
from server.events.models import EventKind
from server.events.record import Fact
from server.keys import Keyring
from server.messages.models import Copy, Message, Recipient
from server.tracking.hits import Hit

NOTE_LENGTH = 500
ANSWERS = {
    "unsubscribe": (Purpose.MAIL, Answer.WITHDRAWN),
    "silence": (Purpose.TRACKING, Answer.WITHDRAWN),
    "agree": (Purpose.TRACKING, Answer.GIVEN),
}
Seen = Sequence[tuple[Hit, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What was said: by whom, where that is known, about which copy."""

    hit: Hit
    message: Message
    copy_id: int
    recipient: Recipient | None
    is_shared: bool

    @property
    def want(self) -> str:
        return _read(self.hit, "want")


def make_sayings(session: Session, _keys: Keyring, seen: Seen) -> list[Fact]:
    """Let hold what was said, and return the facts that the feed tells: who unsubscribed."""
    facts: list[Fact] = []
    copies = _load(session, {hit.tracking_id for hit, _evidence in seen})
    for hit, _evidence in seen:
        if hit.tracking_id in copies:
            facts += _take(session, _find_speaker(hit, *copies[hit.tracking_id]))
    return facts


def _load(session: Session, tracking_ids: set[str]) -> dict[str, tuple[Message, int, list[Recipient]]]:
    query = (
        select(Copy, Message, Recipient)
        .join(Message, col(Message.id) == Copy.message_id)
        .join(Recipient, col(Recipient.copy_id) == Copy.id)
        .where(col(Copy.tracking_id).in_(tracking_ids))
    )
    copies: dict[str, tuple[Message, int, list[Recipient]]] = {}
    for copy, message, recipient in session.exec(query):
        copies.setdefault(copy.tracking_id, (message, copy.id, []))[2].append(recipient)
    return copies


def _find_speaker(hit: Hit, message: Message, copy_id: int, recipients: list[Recipient]) -> _Spoken:
    typed = _read(hit, "address").strip().lower()
    is_shared = len(recipients) > 1
    speaker = next((one for one in recipients if one.address.lower() == typed), None) if is_shared else recipients[0]
    if speaker is not None and not speaker.address:  # erased
        speaker = None
    return _Spoken(hit, message, copy_id, speaker, is_shared)


def _take(session: Session, spoken: _Spoken) -> list[Fact]:
    if spoken.want == "silence":
        silence_copies(session, [spoken.copy_id])
    if spoken.recipient is None:
        return []
    if spoken.want == "erase":
        ask(session, spoken.message, spoken.recipient, is_certain=not spoken.is_shared)
    if spoken.want not in ANSWERS:
        return []
    purpose, answer = ANSWERS[spoken.want]
    hit = spoken.hit
    proof = Proof(
        text_shown=_read(hit, "text"), text_version=_read(hit, "version"), ip=hit.ip, agent=hit.agent,
        note=_read(hit, "note"),
    )  # fmt: skip
    is_news = purpose == Purpose.MAIL and not _has_unsubscribed(session, spoken)
    way = Way.ONE_CLICK if _read(hit, "how") == Way.ONE_CLICK else Way.PAGE
    note_answer(
        session, spoken.message.workspace_id, spoken.recipient.address, purpose, answer, way,
        said_at=from_epoch_ms(hit.at_ms), proof=proof,
    )  # fmt: skip
    return [_make_fact(spoken)] if is_news else []


def _has_unsubscribed(session: Session, spoken: _Spoken) -> bool:
    address = spoken.recipient.address.lower() if spoken.recipient else ""
    return find_suppressed(session, spoken.message.workspace_id, {address}).get(address) in LIFTED


def _make_fact(spoken: _Spoken) -> Fact:
    recipient = spoken.recipient
    return Fact(
        kind=EventKind.UNSUBSCRIBED,
        at=from_epoch_ms(spoken.hit.at_ms),
        hit_id=spoken.hit.id,
        copy_id=spoken.copy_id,
        recipient_id=recipient.id if recipient else None,
        person_name=recipient.name if recipient else "",
        person_address=recipient.address if recipient else "",
    )


def _read(hit: Hit, name: str) -> str:
    value = (hit.data or {}).get(name)
    return value[:NOTE_LENGTH] if isinstance(value, str) else ""
