"""Saved lists of people: filled from a filter as it is now, or from addresses in a file; unknown lines are told."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.audience import Asker, check_filter, read_audience
from server.campaigns.models import AudienceList, ListedPerson
from server.errors import Refused
from server.people.models import PersonAddress

LISTED: Table = ListedPerson.__table__  # type: ignore[attr-defined]
NAME_LENGTH = 80
MOST_ADDRESSES = 20_000
AT_ONCE = 500


def add_list(session: Session, member: Member, name: str) -> AudienceList:
    """Add an empty list; raises `Refused` for a name that is taken."""
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise Refused(_("Give the list a name of at most %(most)d characters.", most=NAME_LENGTH), field="name")
    taken = select(AudienceList).where(
        col(AudienceList.workspace_id) == member.workspace_id, col(AudienceList.name) == name
    )
    if session.scalars(taken).first() is not None:
        raise Refused(_("There is a list named “%(name)s” already.", name=name), status=409, field="name")
    listed = AudienceList(workspace_id=member.workspace_id, member_id=member.id, name=name)
    session.add(listed)
    session.flush()
    return listed


def fill_from_filter(session: Session, listed: AudienceList, member: Member, tree: Mapping[str, Any]) -> None:
    """Put whom a filter means now onto the list."""
    asker = Asker(listed.workspace_id, member.id)
    check_filter(session, asker, tree)
    last = 0
    while ids := read_audience(session, asker, tree, last, AT_ONCE):
        _put(session, listed, ids)
        last = ids[-1]
    _count(session, listed)


def fill_from_addresses(session: Session, listed: AudienceList, addresses: Sequence[str]) -> list[str]:
    """Put the people of these addresses onto the list, and return the addresses that nobody has."""
    if len(addresses) > MOST_ADDRESSES:
        raise Refused(_("A file has at most %(most)d addresses.", most=MOST_ADDRESSES), status=413, field="file")
    wanted = list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
    unknown: list[str] = []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        chosen = select(col(PersonAddress.email), col(PersonAddress.person_id)).where(
            col(PersonAddress.workspace_id) == listed.workspace_id, col(PersonAddress.email).in_(some)
        )
        known = {email: person_id for email, person_id in session.execute(chosen)}
        _put(session, listed, list(dict.fromkeys(known.values())))
        unknown += [address for address in some if address not in known]
    _count(session, listed)
    return unknown


def read_lists(session: Session, workspace_id: int) -> list[AudienceList]:
    """Return a workspace's lists by name."""
    chosen = select(AudienceList).where(col(AudienceList.workspace_id) == workspace_id)
    return list(session.scalars(chosen.order_by(col(AudienceList.name)).limit(200)))


def get_list(session: Session, member: Member, list_id: int) -> AudienceList:
    """Return a list of the member's workspace; raises `Refused` (404)."""
    listed = session.get(AudienceList, list_id)
    if listed is None or listed.workspace_id != member.workspace_id:
        raise Refused(_("There is no such list."), status=404)
    return listed


def remove_list(session: Session, listed: AudienceList) -> None:
    """Delete a list; its people stay. A campaign that asks for it then asks for nobody."""
    session.execute(LISTED.delete().where(LISTED.c.list_id == listed.id))
    session.delete(listed)
    session.flush()


def _put(session: Session, listed: AudienceList, ids: Sequence[int]) -> None:
    if ids:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        rows = [{"list_id": listed.id, "person_id": person_id} for person_id in ids]
        session.connection().execute(insert(LISTED).on_conflict_do_nothing(), rows)


def _count(session: Session, listed: AudienceList) -> None:
    count = select(func.count()).select_from(LISTED).where(LISTED.c.list_id == listed.id).scalar_subquery()
    session.execute(update(AudienceList).where(col(AudienceList.id) == listed.id).values(people=count))
    session.refresh(listed)
