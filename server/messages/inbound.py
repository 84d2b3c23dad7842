"""Receives what comes into a linked mailbox: finds the copy it answers and records the fact. Keeps headers, no body."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.errors import Unreadable
from server.events.record import record
from server.gmail.answers import RawMail
from server.gmail.models import Mailbox
from server.messages.addresses import Address
from server.messages.classify import Inbound, classify
from server.messages.facts import make_facts
from server.messages.models import Copy, InboundKind, InboundMail, Message, MessageSource, Recipient
from server.queue import announce

OUTGOING_LABELS = frozenset({"SENT", "DRAFT"})


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that came in, the copy that it answers, and when its sender is back where it says so."""

    mail: InboundMail
    copy: Copy
    returns_on: date | None = None


def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> Received | None:
    """Record `mail` where it answers one of our copies, once however often it comes, and return it; anything else
    leaves no trace.

    Raises `Unreadable` for what cannot be parsed.
    """
    if mail.label_ids & OUTGOING_LABELS:
        return None
    inbound = classify(mail.raw, mail.received_at)
    copy = find_answered(session, mailbox, mail, inbound.references) if inbound.kind else None
    if copy is None or inbound.kind is None or _is_sample(session, copy):
        return None
    if _is_known(session, mailbox, mail, inbound, copy):
        return None
    if inbound.sender is None:
        raise Unreadable("it answers one of our mails, but names no sender")
    if inbound.kind in (InboundKind.REPLY, InboundKind.AUTO_REPLY) and _is_own(session, mailbox, inbound.sender):
        return None
    row = InboundMail(
        mailbox_id=mailbox.id, copy_id=copy.id, gmail_id=mail.gmail_id, kind=inbound.kind,
        sender_address=inbound.sender.address, sender_name=inbound.sender.name, subject=inbound.subject,
        rfc822_message_id=inbound.message_id, received_at=mail.received_at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    recipients = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()
    record(session, make_facts(f"gmail:{mailbox.id}:{mail.gmail_id}", mail.received_at, inbound, copy, recipients))
    announce(session, "message", member_id=mailbox.member_id, id=copy.message_id)
    return Received(row, copy, inbound.returns_on)


def find_answered(session: Session, mailbox: Mailbox, mail: RawMail, references: list[str]) -> Copy | None:
    """Return the copy that `mail` answers: by the ids it refers to, the nearest first, else by its Gmail thread.

    Only copies of the mailbox's own member: what a colleague gets is not theirs to see.
    """
    mine = select(Copy).join(Mailbox, col(Mailbox.id) == Copy.mailbox_id).where(Mailbox.member_id == mailbox.member_id)
    found = session.exec(mine.where(col(Copy.rfc822_message_id).in_(references))).all() if references else []
    by_id = {copy.rfc822_message_id: copy for copy in found}
    for reference in references:
        if reference in by_id:
            return by_id[reference]
    same_thread = select(Copy).where(Copy.mailbox_id == mailbox.id, Copy.gmail_thread_id == mail.thread_id)
    return session.exec(same_thread.order_by(col(Copy.id).desc())).first()


def forget(session: Session, mailbox: Mailbox) -> None:
    """Delete what was copied from the mail of a disconnected mailbox."""
    session.execute(delete(InboundMail).where(col(InboundMail.mailbox_id) == mailbox.id))


def _is_sample(session: Session, copy: Copy) -> bool:
    """Return whether `copy` is a sample, of which nothing ever comes (R9)."""
    return session.get_one(Message, copy.message_id).source == MessageSource.SAMPLE


def _is_known(session: Session, mailbox: Mailbox, mail: RawMail, inbound: Inbound, copy: Copy) -> bool:
    """Return whether the mail was received before, here or in another mailbox of the same member."""
    known = select(InboundMail.id).where(InboundMail.mailbox_id == mailbox.id, InboundMail.gmail_id == mail.gmail_id)
    if session.exec(known).first() is not None:
        return True
    if inbound.message_id is None:
        return False
    twin = select(InboundMail.id).where(
        InboundMail.copy_id == copy.id, InboundMail.rfc822_message_id == inbound.message_id
    )
    return session.exec(twin).first() is not None


def _is_own(session: Session, mailbox: Mailbox, sender: Address) -> bool:
    own = set(session.exec(select(Mailbox.email).where(Mailbox.member_id == mailbox.member_id)))
    own |= set(session.exec(select(Member.email).where(Member.id == mailbox.member_id)))
    return _without_tag(sender.key) in {_without_tag(address.lower()) for address in own}


def _without_tag(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
