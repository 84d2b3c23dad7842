"""Whom a task can be about: a few people by the beginning of a name or address, within what the member may see."""

from sqlmodel import Session, col, or_, select

from server.accounts.members import list_members
from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.people.models import Person, PersonTerm
from server.people.projections import read_emails
from server.people.terms import read_search

SHOWN = 8
READ = 50  # a person is found under several terms
LAST_CHARACTER = "\U0010ffff"


def search_people(session: Session, member: Member, text: str, chosen_id: str = "") -> list[tuple[Person, str]]:
    """Return at most 8 people with their main address, first the one with `chosen_id`; the newest for no text."""
    ids = _find_ids(session, member, read_search(text[:200]))
    people = session.exec(select(Person).where(col(Person.id).in_(ids))).all()
    found = sorted(people, key=lambda person: (person.sort_name, person.id))[:SHOWN]
    chosen = session.get(Person, int(chosen_id[:9])) if chosen_id.isascii() and chosen_id.isdecimal() else None
    if chosen is not None and chosen.workspace_id == member.workspace_id:
        found = [chosen, *(person for person in found if person.id != chosen.id)]
    return [(person, next(iter(read_emails(session, person.id or 0)), "")) for person in found]


def _find_ids(session: Session, member: Member, search: str) -> list[int | None]:
    owners = [member.id]
    if may_see_team(session, member):
        owners = [colleague.id for colleague in list_members(session, member.workspace_id)]
    table = PersonTerm if search else Person
    is_seen = or_(col(table.owner_id).in_(owners), col(table.owner_id).is_(None))
    if not search:
        newest = select(col(Person.id)).where(Person.workspace_id == member.workspace_id, is_seen)
        return list(session.exec(newest.order_by(col(Person.id).desc()).limit(SHOWN)).all())
    begins = (col(PersonTerm.term) >= search, col(PersonTerm.term) < search + LAST_CHARACTER)
    found = select(col(PersonTerm.person_id)).where(PersonTerm.workspace_id == member.workspace_id, is_seen, *begins)
    return list(dict.fromkeys(session.exec(found.limit(READ)).all()))
