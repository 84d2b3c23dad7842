"""Persons: who is meant by an address, and adding, adopting, changing and giving them an owner."""

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy import Table, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from server import queue
from server.accounts.fields import read_email
from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.errors import Refused
from server.events.models import UNOWNED, Event
from server.events.record import hold_clock
from server.people.activity import recount_activity
from server.people.models import Person, PersonAddress, PersonMerge
from server.people.projections import announce, follow, make_sort_name, read_emails
from server.people.terms import add_terms
from server.scoring.score import recount

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
LARGEST_ID = 2**31 - 1
FIELDS = ("name", "company", "job_title", "phone", "linkedin_url", "notes")


def find_person(session: Session, workspace_id: int, address: str) -> Person | None:
    """Return the person of the workspace who holds `address`, in any case of letters."""
    return session.exec(
        select(Person)
        .join(PersonAddress, PersonAddress.person_id == Person.id)  # type: ignore[arg-type]
        .where(PersonAddress.workspace_id == workspace_id, PersonAddress.email == address.lower())
    ).first()


def is_visible(session: Session, member: Member, person: Person) -> bool:
    """Return whether `member` may see a person: theirs, nobody's, or the team's where they may see that (F16)."""
    if person.workspace_id != member.workspace_id:
        return False
    return person.owner_id in (None, member.id) or may_see_team(session, member)


def get_person(session: Session, member: Member, person_id: int) -> Person:
    """Return a person whom `member` may see and change; refuses any other as if there were none."""
    person = session.get(Person, person_id) if person_id <= LARGEST_ID else None
    if person is None or not is_visible(session, member, person):
        raise Refused(_("There is no such person among those you may see."), status=404)
    return person


def find_kept(session: Session, workspace_id: int, person_id: int) -> int | None:
    """Return into whom a person of this workspace was merged, if they were."""
    merge = session.get(PersonMerge, person_id)
    return merge.kept_id if merge is not None and merge.workspace_id == workspace_id else None


def ensure_person(session: Session, workspace_id: int, owner_id: int | None, address: str, name: str = "") -> Person:
    """Return the person who holds `address`, added for `owner_id` where nobody does; a missing name is filled in."""
    person = find_person(session, workspace_id, address)
    if person is None:
        hold_clock(session)
        person = _insert(session, workspace_id, owner_id, address, {"name": name})
    if name and not person.name:
        person.name = name
        follow(session, person)
    return person


def add_person(
    session: Session,
    workspace_id: int,
    owner_id: int | None,
    address: str,
    name: str = "",
    *,
    custom: Mapping[str, str] | None = None,
    **fields: str,
) -> Person:
    """Add a person with checked `fields`; refuses an address that somebody has, and what is no address."""
    email = read_email(address)
    hold_clock(session)
    taken = find_person(session, workspace_id, email)
    if taken is not None:
        raise Refused(_("%(email)s is in the database already.", email=email), field="email", status=409)
    return _insert(session, workspace_id, owner_id, email, {"name": name, **fields}, custom or {})


def adopt(session: Session, member: Member, address: str, name: str = "") -> Person:
    """Return the person of `address` as `member`'s own: added, or taken where nobody owns them (F6).

    Refuses a colleague's person. What an unowned person did before is the member's from now on.
    """
    email = read_email(address)
    hold_clock(session)
    person = find_person(session, member.workspace_id, email)
    if person is None:
        return _insert(session, member.workspace_id, member.id, email, {"name": name})
    if person.owner_id not in (None, member.id):
        raise Refused(_("%(email)s is in the database already and assigned to a colleague.", email=email), status=409)
    person.name = person.name or name
    if person.owner_id is None:
        set_owner(session, person, member.id)
    else:
        follow(session, person)
    return person


def change_person(session: Session, person: Person, fields: Mapping[str, str], custom: Mapping[str, str]) -> None:
    """Set checked `fields`, and custom values by their field's id; an empty custom value is forgotten."""
    set_fields(person, fields)
    person.custom = {key: value for key, value in {**person.custom, **custom}.items() if value}
    follow(session, person)


def change_owner(session: Session, person: Person, owner_id: int | None) -> None:
    """Assign a person to an active member of their workspace, or to nobody."""
    member = session.get(Member, owner_id) if owner_id is not None else None
    is_one = member is not None and member.workspace_id == person.workspace_id and member.is_active
    if owner_id is not None and not is_one:
        raise Refused(_("Choose an active member of your workspace."), field="owner_id")
    hold_clock(session)
    set_owner(session, person, owner_id)


def set_owner(session: Session, person: Person, owner_id: int | None) -> None:
    """Assign a person; what nobody owned of theirs follows. The caller holds the clock of events."""
    person.owner_id = owner_id
    session.add(person)
    session.flush()
    link_events(session, person)
    follow(session, person)


def link_events(session: Session, person: Person) -> None:
    """Let a person and their owner have the earlier events of their addresses that were nobody's."""
    member_id = person.owner_id or UNOWNED
    emails = read_emails(session, person.id or 0)
    is_theirs = (EVENT.c.workspace_id == person.workspace_id) & EVENT.c.person_address.in_(emails)
    unknown = update(EVENT).where(is_theirs, EVENT.c.person_id.is_(None), EVENT.c.member_id == UNOWNED)
    linked = session.execute(unknown.values(person_id=person.id, member_id=member_id)).rowcount  # type: ignore[attr-defined]
    known = update(EVENT).where(EVENT.c.person_id == person.id, EVENT.c.member_id == UNOWNED)
    moved = 0
    if member_id != UNOWNED:
        moved = session.execute(known.values(member_id=member_id)).rowcount  # type: ignore[attr-defined]
    if linked:
        recount_activity(session, person.id or 0)
        recount(session, person.workspace_id, [person.id or 0])
    if linked or moved:
        queue.announce(session, "event")


def _insert(
    session: Session,
    workspace_id: int,
    owner_id: int | None,
    email: str,
    fields: Mapping[str, str],
    custom: Mapping[str, str] | None = None,
) -> Person:
    email = email.lower()
    try:
        with session.begin_nested():
            person = Person(
                workspace_id=workspace_id,
                owner_id=owner_id,
                sort_name=make_sort_name(fields.get("name", ""), [email]),
                custom={key: value for key, value in (custom or {}).items() if value},
            )
            set_fields(person, fields)
            session.add(person)
            session.flush()
            session.add(PersonAddress(workspace_id=workspace_id, person_id=person.id or 0, email=email))
            session.flush()
    except IntegrityError:
        other = find_person(session, workspace_id, email)
        if other is None:
            raise
        return other
    add_terms(session, [person], {person.id or 0: [email]})
    link_events(session, person)
    announce(session, workspace_id, person.id or 0)
    return person


def set_fields(person: Person, fields: Mapping[str, str]) -> None:
    """Set those checked fields of a person that are given."""
    for name in FIELDS:
        if name in fields:
            setattr(person, name, fields[name])


def find_by_ids(session: Session, person_ids: list[int]) -> dict[int, Person]:
    """Return the persons with these ids."""
    return {person.id or 0: person for person in session.exec(select(Person).where(col(Person.id).in_(person_ids)))}
