"""Erasing a person everywhere. What is left are sums, and a keyed hash that keeps them from being mailed again."""

from collections.abc import Iterator, Sequence

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.consent import traces
from server.consent.models import Answer, Erasure, Reason
from server.consent.silence import choose, list_addresses
from server.consent.suppression import suppress
from server.events.record import hold_clock
from server.messages.models import Message, Recipient
from server.people.models import Person
from server.people.people import find_person
from server.people.projections import announce
from server.queue import announce as announce_topic
from server.queue import wake
from server.tasks.days import day_of, zone_of
from server.tasks.models import Priority
from server.tasks.tasks import Draft, add_task


def ask(session: Session, message: Message, recipient: Recipient, is_certain: bool) -> None:
    """Take a recipient's wish to be erased: done at once, or, where several share the mail, put to its sender."""
    if is_certain:
        want(session, message.workspace_id, recipient.address)
        return
    sender = session.get_one(Member, message.member_id)
    with force_locale(sender.locale or "en"):
        name = _("%(address)s asks to be erased", address=recipient.address)
        details = _(
            "They said so on the page of a mail that several people share, so make sure that it was they. Then open "
            "their page and choose “Erase”. The law gives you one month."
        )
    person = session.get(Person, recipient.person_id) if recipient.person_id else None
    due = day_of(now(), zone_of(session, sender))
    add_task(session, sender, Draft(name[:200], due, priority=Priority.HIGH, details=details, person=person))


def want(session: Session, workspace_id: int, address: str) -> None:
    """Silence and suppress whoever holds `address` at once, and wake the worker that erases them."""
    known = select(Erasure.id).where(Erasure.workspace_id == workspace_id, Erasure.address == address.lower())
    if session.exec(known).first() is not None:
        return
    _close(session, workspace_id, list_addresses(session, workspace_id, address))
    row = Erasure(workspace_id=workspace_id, address=address.lower())
    session.add(row)
    session.flush()
    wake(session, "erase_person", row.id)


def run(session: Session, erasure_id: int) -> Iterator[None]:
    """Erase whom a row names; yields where the caller commits."""
    row = session.get(Erasure, erasure_id)
    if row is None:
        return
    erase(session, row.workspace_id, row.address)
    session.delete(row)
    session.flush()
    yield


def find_wanted(session: Session, limit: int = 100) -> list[int]:
    """Return the erasures that are still to be done, the oldest first."""
    return list(session.exec(select(Erasure.id).order_by(col(Erasure.id)).limit(limit)))


def erase(session: Session, workspace_id: int, address: str) -> bool:
    """Erase whoever holds `address` from the workspace; return whether anything was known of them.

    Once done it cannot be undone, and doing it again changes nothing.
    """
    hold_clock(session)
    person = find_person(session, workspace_id, address)
    addresses = list_addresses(session, workspace_id, address)
    _close(session, workspace_id, addresses)
    person_id = person.id if person else None
    was_known = traces.remove(session, workspace_id, person_id, addresses)
    announce(session, workspace_id, person_id or 0)
    announce_topic(session, "event")
    return was_known


def _close(session: Session, workspace_id: int, addresses: Sequence[str]) -> None:
    for address in addresses:
        suppress(session, workspace_id, address, Reason.ERASED, "erasure")
        choose(session, workspace_id, address, Answer.WITHDRAWN)
