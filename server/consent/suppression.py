"""Addresses that a workspace does not write to: found by hash, so that also erased people are not mailed by mistake.

The rules are Marketo's and Adobe's (mission, R): a hard bounce or a complaint suppresses at once, five soft bounces in
a row do, and a success resets those.
"""

from collections.abc import Collection

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.clock import now
from server.consent.fingerprints import hash_address, hash_addresses
from server.consent.models import Reason, SoftBounces, Suppression
from server.errors import Refused

MOST_SOFT_BOUNCES = 5
NAMED = 3
SHOWN = 100
# A weightier reason takes the place of a lighter one, never the other way round.
WEIGHT = (Reason.SOFT_BOUNCES, Reason.HARD_BOUNCE, Reason.BY_MEMBER, Reason.UNSUBSCRIBED, Reason.COMPLAINED,
          Reason.ERASED)  # fmt: skip


def find_suppressed(session: Session, workspace_id: int, addresses: Collection[str]) -> dict[str, Reason]:
    """Return those of `addresses` (answered in lower case) that get no mail, each with the reason."""
    known = hash_addresses(addresses)
    chosen = select(Suppression.address_hash, Suppression.reason).where(
        Suppression.workspace_id == workspace_id, col(Suppression.address_hash).in_(known)
    )
    return {known[digest]: Reason(reason) for digest, reason in session.exec(chosen)} if known else {}


def find_suppression(session: Session, workspace_id: int, address: str) -> Suppression | None:
    """Return the row that keeps `address` from being mailed."""
    chosen = select(Suppression).where(
        Suppression.workspace_id == workspace_id, col(Suppression.address_hash).in_(hash_addresses([address]))
    )
    return session.exec(chosen).first()


def suppress(session: Session, workspace_id: int, address: str, reason: Reason, source: str = "") -> Suppression:
    """Write to `address` no more; a weightier reason than the known one takes its place. Of an erasure, only a hash."""
    row = find_suppression(session, workspace_id, address)
    if row is not None and WEIGHT.index(Reason(row.reason)) >= WEIGHT.index(reason):
        return row
    row = row or Suppression(workspace_id=workspace_id, address_hash=hash_address(address), reason=reason)
    row.address = None if reason == Reason.ERASED else address.strip().lower()
    row.reason, row.source, row.suppressed_at = reason, source, now()
    session.add(row)
    session.flush()
    return row


def lift(session: Session, workspace_id: int, address: str) -> bool:
    """Let `address` be mailed again, its soft bounces forgotten; return whether it was suppressed."""
    row = find_suppression(session, workspace_id, address)
    if row is not None:
        session.delete(row)
        session.flush()
    note_delivered(session, workspace_id, [address])
    return row is not None


def note_bounce(session: Session, workspace_id: int, address: str, category: str) -> None:
    """Count a bounce of the category hard, soft or ignored against `address`."""
    address = address.strip().lower()
    if category == "hard" and address:
        suppress(session, workspace_id, address, Reason.HARD_BOUNCE, "bounce")
    if category != "soft" or not address:
        return
    row = session.get(SoftBounces, (workspace_id, address)) or SoftBounces(workspace_id=workspace_id, address=address)
    row.count, row.last_at = row.count + 1, now()
    session.add(row)
    session.flush()
    if row.count >= MOST_SOFT_BOUNCES:
        suppress(session, workspace_id, address, Reason.SOFT_BOUNCES, "bounce")


def note_delivered(session: Session, workspace_id: int, addresses: Collection[str]) -> None:
    """Forget the soft bounces of addresses that mail has reached."""
    some = select(SoftBounces.count).where(SoftBounces.workspace_id == workspace_id).limit(1)
    if session.exec(some).first() is None:
        return  # as nearly always, and every view asks
    lower = {address.strip().lower() for address in addresses}
    session.execute(
        delete(SoftBounces).where(col(SoftBounces.workspace_id) == workspace_id, col(SoftBounces.address).in_(lower))
    )


def refuse_suppressed(session: Session, workspace_id: int, addresses: Collection[str], field: str = "to") -> None:
    """Refuse mail to addresses that are suppressed, naming them and the way out."""
    found = find_suppressed(session, workspace_id, addresses)
    if not found:
        return
    named = ", ".join(f"{address} ({say_reason(reason)})" for address, reason in sorted(found.items())[:NAMED])
    more = "…" if len(found) > NAMED else ""
    raise Refused(
        _("Not sent: %(who)s. Take them out, or lift that on their page.", who=named + more), status=409, field=field
    )


def say_reason(reason: str) -> str:
    """Return a reason in the reader's language; one that is not known, as it is."""
    words = {
        Reason.UNSUBSCRIBED: _("has unsubscribed"),
        Reason.COMPLAINED: _("reported mail as spam"),
        Reason.HARD_BOUNCE: _("the address does not exist"),
        Reason.SOFT_BOUNCES: _("mail came back five times in a row"),
        Reason.BY_MEMBER: _("on your list of those not to write to"),
        Reason.ERASED: _("asked to be erased"),
    }
    return words[Reason(reason)] if reason in set(Reason) else reason


def list_suppressions(session: Session, workspace_id: int, search: str = "", limit: int = SHOWN) -> list[Suppression]:
    """Return the newest suppressions; with `search`, that of exactly this address, also of one who was erased."""
    if search:
        row = find_suppression(session, workspace_id, search)
        return [row] if row is not None else []
    chosen = select(Suppression).where(Suppression.workspace_id == workspace_id)
    newest = (col(Suppression.suppressed_at).desc(), col(Suppression.id).desc())
    return list(session.exec(chosen.order_by(*newest).limit(limit)).all())


def get_suppression(session: Session, workspace_id: int, suppression_id: int) -> Suppression:
    """Return a suppression of this workspace; refuses any other as if there were none."""
    row = session.get(Suppression, suppression_id)
    if row is None or row.workspace_id != workspace_id:
        raise Refused(_("There is no such address on your list."), status=404)
    return row
