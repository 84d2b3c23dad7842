"""The menu of one person or of one address: what can be done with them, and why not what cannot (F6, F12)."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.fields import read_email
from server.accounts.models import Member
from server.errors import Refused
from server.people.fields import LINE_LENGTH
from server.people.models import Person
from server.people.people import find_person, is_visible
from server.people.projections import read_emails
from server.people.terms import dial


@dataclass(frozen=True, slots=True)
class Menu:
    """Whom it is about, and what is known of them; `can_add` offers to add or to take over.

    Of a colleague's person only what the reader knows already is told: name and address.
    """

    name: str
    address: str
    person_id: int | None = None
    can_add: bool = False
    is_known: bool = False
    is_colleagues: bool = False
    phone: str = ""
    dialled: str = ""
    linkedin_url: str = ""


def find_menu(session: Session, member: Member, person_id: int | None, address: str, name: str) -> Menu:
    """Return the menu for a person, or for an address and the name shown beside it; refuses where neither is given."""
    person = session.get(Person, person_id) if person_id else None
    if person is not None and person.workspace_id == member.workspace_id and is_visible(session, member, person):
        return make_menu(session, member, person)
    if not address:
        raise Refused(_("There is no such person among those you may see."), status=404)
    email = read_email(address)
    person = find_person(session, member.workspace_id, email)
    if person is not None and is_visible(session, member, person):
        return make_menu(session, member, person)
    name = " ".join(letter for letter in name.split() if letter.isprintable())[:LINE_LENGTH]
    is_known = person is not None
    return Menu(name or email, email, can_add=not is_known, is_known=is_known, is_colleagues=is_known)


def make_menu(session: Session, member: Member, person: Person) -> Menu:
    """Return the menu for a person whom `member` may see."""
    address = next(iter(read_emails(session, person.id or 0)), "")
    return Menu(
        name=person.name or address or _("Nameless"),
        address=address,
        person_id=person.id,
        can_add=person.owner_id is None and bool(address),
        is_known=True,
        phone=person.phone,
        dialled=dial(person.phone),
        linkedin_url=person.linkedin_url,
    )
