"""What a mail that came in says in the words of the event log: who, which recipient, and for a bounce why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from server.events.models import EventKind
from server.events.record import Fact
from server.messages.bounces import Failure
from server.messages.classify import Inbound
from server.messages.models import Copy, InboundKind, Recipient

EVENT_KINDS = {
    InboundKind.BOUNCE: EventKind.BOUNCED,
    InboundKind.AUTO_REPLY: EventKind.AUTO_REPLIED,
    InboundKind.REPLY: EventKind.REPLIED,
    InboundKind.COMPLAINT: EventKind.COMPLAINED,
}


def make_facts(hit_id: str, at: datetime, inbound: Inbound, copy: Copy, recipients: Sequence[Recipient]) -> list[Fact]:
    """Return one fact, or one for each failed recipient of a bounce; a sender is named as the mail names them (T2)."""
    kind = EVENT_KINDS[InboundKind(inbound.kind or "")]
    if inbound.kind == InboundKind.BOUNCE:
        return _make_bounces(hit_id, at, inbound.failures, copy, recipients)
    if inbound.kind == InboundKind.COMPLAINT:
        return _make_complaint(hit_id, at, inbound, copy, recipients)
    sender = inbound.sender
    if sender is None:
        return []
    recipient = _find_recipient(recipients, sender.address)
    name = sender.name or (recipient.name if recipient else "")
    details = {"returns_on": inbound.returns_on.isoformat()} if inbound.returns_on else {}
    recipient_id = recipient.id if recipient else None
    return [Fact(kind, at, hit_id, copy.id, name, sender.address, recipient_id, details=details)]


def _make_bounces(
    hit_id: str, at: datetime, failures: Sequence[Failure], copy: Copy, recipients: Sequence[Recipient]
) -> list[Fact]:
    facts = []
    for index, failure in enumerate(failures or [Failure("")]):
        only = recipients[0] if len(recipients) == 1 else None
        recipient = _find_recipient(recipients, failure.address) or only
        name, address = (recipient.name, recipient.address) if recipient else ("", failure.address)
        details = {
            "address": failure.address,
            "status": failure.status,
            "diagnostic": failure.diagnostic,
            "category": failure.category,
            "reason": failure.reason,
        }
        own_hit_id = f"{hit_id}:{index}" if index else hit_id
        fact = Fact(EventKind.BOUNCED, at, own_hit_id, copy.id, name, address, details=details)
        facts.append(replace(fact, recipient_id=recipient.id if recipient else None))
    return facts


def _make_complaint(
    hit_id: str, at: datetime, inbound: Inbound, copy: Copy, recipients: Sequence[Recipient]
) -> list[Fact]:
    """Return who complained; of several who share the mail only a report that names the address tells."""
    only = recipients[0] if len(recipients) == 1 else None
    recipient = _find_recipient(recipients, inbound.complainer) or only
    if recipient is None:
        return [Fact(EventKind.COMPLAINED, at, hit_id, copy.id, details={"type": inbound.complaint})]
    name, address = recipient.name, recipient.address
    details = {"type": inbound.complaint}
    return [Fact(EventKind.COMPLAINED, at, hit_id, copy.id, name, address, recipient.id, details=details)]


def _find_recipient(recipients: Sequence[Recipient], address: str) -> Recipient | None:
    return next((one for one in recipients if one.address.lower() == address.lower()), None)
