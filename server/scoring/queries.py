"""The reads that the pages of scores need: whose score a member may see, and whose list they may preview."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.members import list_members
from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.errors import Refused
from server.people.models import Person, PersonAddress


def get_person(session: Session, member: Member, person_id: int) -> Person:
    """Return a person who is the member's or nobody's, or of the team where they may see that; refuses any other."""
    person = session.get(Person, person_id)
    if person is None or person.workspace_id != member.workspace_id:
        raise Refused(_("There is no such person in your workspace."), status=404)
    if person.owner_id not in (None, member.id) and not may_see_team(session, member):
        raise Refused(_("This person is a colleague's."), status=404)
    return person


def tell_name(session: Session, person: Person) -> str:
    """Return a person's name, else their main address."""
    if person.name:
        return person.name
    mine = select(PersonAddress.email).where(PersonAddress.person_id == person.id).order_by(col(PersonAddress.id))
    return session.exec(mine.limit(1)).first() or _("Nameless")


def list_rankers(session: Session, member: Member) -> Sequence[Member]:
    """Return the members whose list this one may see: themselves, and the active team where they may see that."""
    if not may_see_team(session, member):
        return [member]
    colleagues = [row for row in list_members(session, member.workspace_id) if row.is_active and row.id != member.id]
    return [member, *colleagues]
