"""Persons: who is meant by an address."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from server.people.models import Person, PersonAddress


def find_person(session: Session, workspace_id: int, address: str) -> Person | None:
    """Return the person of the workspace who holds `address`, in any case of letters."""
    return session.exec(
        select(Person)
        .join(PersonAddress, PersonAddress.person_id == Person.id)  # type: ignore[arg-type]
        .where(PersonAddress.workspace_id == workspace_id, PersonAddress.email == address.lower())
    ).first()


def ensure_person(session: Session, workspace_id: int, owner_id: int | None, address: str, name: str = "") -> Person:
    """Return the person who holds `address`, added for `owner_id` where nobody does; a missing name is filled in."""
    person = find_person(session, workspace_id, address) or _add_person(session, workspace_id, owner_id, address, name)
    if name and not person.name:
        person.name = name
        session.add(person)
        session.flush()
    return person


def _add_person(session: Session, workspace_id: int, owner_id: int | None, address: str, name: str) -> Person:
    try:
        with session.begin_nested():
            person = Person(workspace_id=workspace_id, owner_id=owner_id, name=name)
            session.add(person)
            session.flush()
            session.add(PersonAddress(workspace_id=workspace_id, person_id=person.id or 0, email=address.lower()))
            session.flush()
            return person
    except IntegrityError:
        other = find_person(session, workspace_id, address)
        if other is None:
            raise
        return other
