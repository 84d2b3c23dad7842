"""Who reads under a share: the recipient of the copy, who said so by email, or whom the link is named after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from server.consent.models import Answer, Mode
from server.consent.silence import find_choices
from server.documents.models import Share
from server.events.models import EventKind
from server.events.record import Fact
from server.messages.models import Copy, Message, Recipient, Silence


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader as far as the share knows them; several `candidates` mean one of those, and no guess (F8).

    `known` are the addresses of the copy's recipients. `is_claimed` says that the reader gave the address.
    """

    name: str = ""
    address: str = ""
    candidates: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    names: tuple[tuple[str, str], ...] = ()
    is_claimed: bool = False

    def who_says(self, email: str) -> "Reader":
        """Return this reader, or who gave `email`; only a name of the copy's own recipients is kept with it."""
        if not email:
            return self
        address = email.lower()
        return replace(self, name=dict(self.names).get(address, ""), address=address, candidates=(), is_claimed=True)


def find_readers(session: Session, shares: Sequence[Share]) -> dict[int, Reader]:
    """Return the readers of these shares by the share's id, in one query."""
    copies = {share.copy_id for share in shares if share.copy_id is not None}
    recipients: dict[int, list[Recipient]] = {}
    for row in session.exec(select(Recipient).where(col(Recipient.copy_id).in_(copies)).order_by(col(Recipient.id))):
        recipients.setdefault(row.copy_id, []).append(row)
    return {share.id: _make_reader(share, recipients.get(share.copy_id or 0, [])) for share in shares}


def find_silent(session: Session, shares: Sequence[Share]) -> set[int]:
    """Return the ids of those `shares` of whose readers nothing is kept: samples, and mail that must not tell.

    Time per page is about one reader, so there is nothing of it under a policy that keeps sums only.
    """
    copies = {share.copy_id for share in shares if share.copy_id is not None}
    is_told = (col(Copy.silence) != Silence.ALL) & (col(Message.policy) == Mode.INDIVIDUAL)
    query = select(Copy.id).join(Message, col(Message.id) == col(Copy.message_id))
    query = query.where(col(Copy.id).in_(copies), is_told)
    telling = {None, *session.exec(query)}
    return {share.id for share in shares if not share.is_counted or share.copy_id not in telling}


def tells(session: Session, share: Share, email: str) -> bool:
    """Return whether anything is kept of one who reads under `share` and gave `email`, or "" where none was asked."""
    return not find_silent(session, [share]) and not has_objected(session, share.workspace_id, email)


def has_objected(session: Session, workspace_id: int, address: str) -> bool:
    """Return whether whoever holds `address` wants nothing to be known of their reading."""
    choices = find_choices(session, workspace_id, {address}) if address else {}
    return Answer.WITHDRAWN in choices.values()


def _make_reader(share: Share, recipients: list[Recipient]) -> Reader:
    names = tuple((one.address.lower(), one.name) for one in recipients)
    known = frozenset(address for address, _name in names)
    only = next((one for one in recipients if one.id == share.recipient_id), None)
    if only is None and len(recipients) == 1:
        only = recipients[0]
    if only is not None:
        return Reader(only.name, only.address.lower(), (), known, names)
    return Reader(share.name, "", tuple(one.name or one.address for one in recipients), known, names)


def make_fact(
    share: Share, reader: Reader, kind: EventKind, at: datetime, hit_id: str, details: dict[str, Any],
    evidence: dict[str, Any],
) -> Fact:  # fmt: skip
    """Return the fact that `reader` did something under `share`.

    It is about the copy as long as the reader may be one of its recipients; whoever else gave an address is a person
    of their own.
    """
    is_of_copy = share.copy_id is not None and (not reader.is_claimed or reader.address in reader.known)
    if is_of_copy:
        address = reader.address if reader.is_claimed else ""
        recipient_id = None if address else share.recipient_id
        return Fact(
            kind=kind, at=at, hit_id=hit_id, copy_id=share.copy_id, recipient_id=recipient_id, person_address=address,
            details=details, evidence=evidence,
        )  # fmt: skip
    return Fact(
        kind=kind, at=at, hit_id=hit_id, workspace_id=share.workspace_id, member_id=share.member_id,
        person_name=reader.name, person_address=reader.address, subject=details["file"], details=details,
        evidence=evidence,
    )  # fmt: skip
