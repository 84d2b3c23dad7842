"""A person's addresses: add one, remove one, make one the main one."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.fields import read_email
from server.consent.ledger import spread
from server.errors import Refused
from server.events.record import hold_clock
from server.people.models import Person, PersonAddress
from server.people.people import find_person, link_events
from server.people.projections import follow, read_emails

MOST = 20


def add_address(session: Session, person: Person, address: str) -> None:
    """Add an address, and with it what was done from it before; refuses one that somebody has."""
    email = read_email(address)
    hold_clock(session)
    other = find_person(session, person.workspace_id, email)
    if other is not None and other.id == person.id:
        raise Refused(_("%(email)s is an address of this person already.", email=email), field="email", status=409)
    if other is not None:
        raise Refused(
            _("%(email)s is the address of another person. Merge the two instead.", email=email),
            field="email", status=409,
        )  # fmt: skip
    if len(read_emails(session, person.id or 0)) >= MOST:
        raise Refused(_("A person has at most %(most)s addresses.", most=MOST), field="email", status=409)
    session.add(PersonAddress(workspace_id=person.workspace_id, person_id=person.id or 0, email=email))
    session.flush()
    link_events(session, person)
    follow(session, person)
    spread(session, person.workspace_id, read_emails(session, person.id or 0))


def remove_address(session: Session, person: Person, address_id: int) -> str:
    """Remove an address and return it; refuses the last one. What was done from it stays in the timeline."""
    row = _get(session, person, address_id)
    if read_emails(session, person.id or 0) == [row.email]:
        raise Refused(_("A person keeps at least one address. Add another one first."), status=409)
    session.delete(row)
    follow(session, person)
    return row.email


def make_main(session: Session, person: Person, address_id: int) -> str:
    """Let an address be the first one, and return it."""
    email = _get(session, person, address_id).email
    write_addresses(session, person, [email, *(one for one in read_emails(session, person.id or 0) if one != email)])
    follow(session, person)
    return email


def write_addresses(session: Session, person: Person, emails: list[str]) -> None:
    """Let these be a person's addresses, in this order."""
    session.execute(delete(PersonAddress).where(col(PersonAddress.person_id) == person.id))
    for email in emails:
        session.add(PersonAddress(workspace_id=person.workspace_id, person_id=person.id or 0, email=email))
        session.flush()


def set_addresses(session: Session, person: Person, addresses: Sequence[str]) -> None:
    """Let these be all of a person's addresses, the main one first; refuses one that somebody else has."""
    emails = list(dict.fromkeys(read_email(address) for address in addresses))
    hold_clock(session)
    for email in emails:
        other = find_person(session, person.workspace_id, email)
        if other is not None and other.id != person.id:
            raise Refused(
                _("%(email)s is the address of another person. Merge the two instead.", email=email),
                field="emails", status=409,
            )  # fmt: skip
    write_addresses(session, person, emails)
    link_events(session, person)
    follow(session, person)
    spread(session, person.workspace_id, emails)


def list_addresses(session: Session, person_id: int) -> list[PersonAddress]:
    """Return a person's addresses as rows, the main one first."""
    chosen = select(PersonAddress).where(PersonAddress.person_id == person_id).order_by(col(PersonAddress.id))
    return list(session.exec(chosen).all())


def _get(session: Session, person: Person, address_id: int) -> PersonAddress:
    row = session.get(PersonAddress, address_id)
    if row is None or row.person_id != person.id:
        raise Refused(_("This person has no such address."), status=404)
    return row
