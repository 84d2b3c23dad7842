"""What copies a person's name, owner or addresses, kept up by one verb: the order of lists, the search, the ranking."""

from collections.abc import Collection

from sqlalchemy import Table, update
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.people.models import Person, PersonActivity, PersonAddress
from server.people.terms import normalise, write_terms
from server.scoring.ranking import follow_person

ACTIVITY: Table = PersonActivity.__table__  # type: ignore[attr-defined]


def read_emails(session: Session, person_id: int) -> list[str]:
    """Return a person's addresses, the main one first."""
    chosen = select(PersonAddress.email).where(PersonAddress.person_id == person_id).order_by(col(PersonAddress.id))
    return list(session.exec(chosen).all())


def read_emails_of(session: Session, person_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the addresses of several people by their id, each with the main one first."""
    emails: dict[int, list[str]] = {}
    chosen = select(PersonAddress.person_id, PersonAddress.email).where(col(PersonAddress.person_id).in_(person_ids))
    for person_id, email in session.exec(chosen.order_by(col(PersonAddress.id))):
        emails.setdefault(person_id, []).append(email)
    return emails


def make_sort_name(name: str, emails: list[str]) -> str:
    """Return what lists order a person by."""
    return normalise(name or next(iter(emails), ""))


def follow(session: Session, person: Person) -> None:
    """Bring everything that copies `person` up to date, and tell the workspace that they changed."""
    person_id = person.id or 0
    emails = read_emails(session, person_id)
    person.sort_name = make_sort_name(person.name, emails)
    person.updated_at = now()
    session.add(person)
    session.flush()
    write_terms(session, [person], {person_id: emails})
    follow_person(session, person)  # first, as recorders do: it holds the scores, then the activity
    session.execute(update(ACTIVITY).where(ACTIVITY.c.person_id == person_id).values(owner_id=person.owner_id))
    announce(session, person.workspace_id, person_id)


def announce(session: Session, workspace_id: int, person_id: int = 0) -> None:
    """Tell a workspace's pages that a person, or with 0 many, changed."""
    queue.announce(session, "person", workspace_id=workspace_id, id=person_id)
