"""The consent ledger: who said what to being written to and to being noticed, when, how, and the proof. Append-only."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from server.clock import now
from server.consent.fingerprints import hash_address, hash_addresses, hash_proof
from server.consent.models import Answer, ConsentEntry, Purpose, Reason, Way
from server.consent.silence import choose, find_choices, list_addresses
from server.consent.suppression import WEIGHT, find_suppressed, find_suppression, lift, suppress
from server.queue import announce

SHOWN = 50
# A bounce says that an address cannot be reached; agreeing to be written to does not mend that.
LIFTED = (Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.BY_MEMBER, Reason.ERASED)


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that somebody said so; of `ip` and `agent` only keyed hashes are kept."""

    text_shown: str = ""
    text_version: str = ""
    note: str = ""
    ip: str = ""
    agent: str = ""


def note_answer(
    session: Session,
    workspace_id: int,
    address: str,
    purpose: Purpose,
    answer: Answer,
    way: Way,
    *,
    said_at: datetime | None = None,
    member_id: int | None = None,
    proof: Proof | None = None,
) -> ConsentEntry:
    """Write down what the owner of `address` said, and let it hold for all addresses of that person."""
    proof = proof or Proof()
    entry = ConsentEntry(
        workspace_id=workspace_id, address_hash=hash_address(address), address=address.strip().lower(),
        purpose=purpose, answer=answer, way=way, said_at=said_at or now(), member_id=member_id,
        text_shown=proof.text_shown, text_version=proof.text_version, note=proof.note,
        ip_hash=hash_proof(proof.ip), agent_hash=hash_proof(proof.agent),
    )  # fmt: skip
    session.add(entry)
    session.flush()
    for one in list_addresses(session, workspace_id, address):
        _apply(session, workspace_id, one, purpose, answer, way)
    announce(session, "person", workspace_id=workspace_id, id=0)
    return entry


def _apply(session: Session, workspace_id: int, address: str, purpose: Purpose, answer: Answer, way: Way) -> None:
    if purpose == Purpose.TRACKING:
        choose(session, workspace_id, address, answer)
    elif answer == Answer.WITHDRAWN:
        suppress(session, workspace_id, address, Reason.UNSUBSCRIBED, way)
    elif (row := find_suppression(session, workspace_id, address)) is not None and row.reason in LIFTED:
        lift(session, workspace_id, address)


def spread(session: Session, workspace_id: int, addresses: list[str]) -> None:
    """Let what somebody objected to under one of their addresses hold for all: called when a person gets another."""
    if Answer.WITHDRAWN in find_choices(session, workspace_id, addresses).values():
        for address in addresses:
            choose(session, workspace_id, address, Answer.WITHDRAWN)
    reasons = [reason for reason in find_suppressed(session, workspace_id, addresses).values() if reason in LIFTED]
    if reasons:
        weightiest = max(reasons, key=WEIGHT.index)
        for address in addresses:
            suppress(session, workspace_id, address, weightiest, "another address")


def list_entries(session: Session, workspace_id: int, addresses: list[str], limit: int = SHOWN) -> list[ConsentEntry]:
    """Return what was said of these addresses, the newest first."""
    chosen = select(ConsentEntry).where(
        ConsentEntry.workspace_id == workspace_id, col(ConsentEntry.address_hash).in_(hash_addresses(addresses))
    )
    return list(session.exec(chosen.order_by(col(ConsentEntry.id).desc()).limit(limit)).all()) if addresses else []
