"""A member's notification switches: read, changed, and whom they muted."""

import re
from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from sqlmodel import Session, col, delete, select

from server.accounts.models import Member, Workspace
from server.errors import Refused
from server.events.models import EventKind
from server.feed.models import MutedPerson, NotificationPreference
from server.feed.switches import NOTIFYING_KINDS, Switches
from server.people.models import PersonAddress
from server.queue import announce

ADDRESS_LENGTH = 254
MUTED_LIMIT = 1000
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read_switches(session: Session, member_id: int) -> Switches | None:
    """Return what the member wants to be notified of, None when the member is gone."""
    member = session.get(Member, member_id)
    if member is None:
        return None
    zone = member.time_zone or session.get_one(Workspace, member.workspace_id).time_zone
    muted = frozenset(row.address for row in list_muted(session, member_id))
    row = session.get(NotificationPreference, member_id)
    if row is None:
        return Switches(member_id, zone, muted=muted)
    return Switches(
        member_id, zone, frozenset(row.kinds), row.first_view_only, row.reminders, row.quiet_from, row.quiet_until,
        muted,
    )  # fmt: skip


def change_switches(session: Session, member_id: int, form: Mapping[str, str], kinds: Iterable[str]) -> None:
    """Set a member's switches from what they chose; refuses hours that are none and kinds that do not notify."""
    quiet_from, quiet_until = (_read_clock(form, name) for name in ("quiet_from", "quiet_until"))
    if (quiet_from is None) != (quiet_until is None):
        missing = "quiet_from" if quiet_from is None else "quiet_until"
        raise Refused(_("Quiet hours need a beginning and an end; leave both empty for none."), field=missing)
    if quiet_from is not None and quiet_from == quiet_until:
        raise Refused(_("Quiet hours cannot end when they begin."), field="quiet_until")
    session.merge(
        NotificationPreference(
            member_id=member_id,
            kinds=sorted({_read_kind(kind) for kind in kinds}),
            first_view_only="first_view_only" in form,
            reminders="reminders" in form,
            quiet_from=quiet_from,
            quiet_until=quiet_until,
        )
    )
    session.flush()
    _announce(session, member_id)


def list_muted(session: Session, member_id: int) -> list[MutedPerson]:
    """Return whom the member muted, by address."""
    chosen = select(MutedPerson).where(MutedPerson.member_id == member_id).order_by(MutedPerson.address)
    return list(session.exec(chosen).all())


def add_mute(session: Session, member: Member, address: str) -> None:
    """Let the person of `address`, by all their addresses, notify the member no more."""
    address = address.strip().lower()
    if not 0 < len(address) <= ADDRESS_LENGTH or not address.isprintable() or "@" not in address:
        raise Refused(_("“%(text)s” is not an email address.", text=address[:100]), field="address")
    muted = {row.address for row in list_muted(session, member.id)}
    if len(muted) >= MUTED_LIMIT:
        raise Refused(_("You have muted %(count)s addresses already. Unmute some first.", count=len(muted)))
    for one in _addresses_of(session, member.workspace_id, address) - muted:
        session.add(MutedPerson(member_id=member.id, address=one))
    session.flush()
    _announce(session, member.id)


def remove_mute(session: Session, member: Member, address: str) -> None:
    """Let the person of `address`, by all their addresses, notify the member again."""
    addresses = _addresses_of(session, member.workspace_id, address.strip().lower())
    theirs = (col(MutedPerson.member_id) == member.id, col(MutedPerson.address).in_(addresses))
    session.exec(delete(MutedPerson).where(*theirs))
    _announce(session, member.id)


def tell_clock(minutes: int | None) -> str:
    """Return minutes of the day as a time field holds them, "" for none."""
    return "" if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def _addresses_of(session: Session, workspace_id: int, address: str) -> set[str]:
    holder = select(PersonAddress.person_id).where(
        PersonAddress.workspace_id == workspace_id, PersonAddress.email == address
    )
    return {address, *session.exec(select(PersonAddress.email).where(col(PersonAddress.person_id).in_(holder)))}


def _read_clock(form: Mapping[str, str], name: str) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    found = CLOCK.fullmatch(text[:5]) if len(text) in (5, 8) else None  # browsers may add seconds
    if found is None:
        raise Refused(_("“%(text)s” is not a time of the day.", text=text[:20]), field=name)
    return int(found[1]) * 60 + int(found[2])


def _read_kind(kind: str) -> EventKind:
    if kind not in NOTIFYING_KINDS:
        raise Refused(_("“%(kind)s” is no kind of event that notifies.", kind=kind[:50]), field="kinds")
    return EventKind(kind)


def _announce(session: Session, member_id: int) -> None:
    announce(session, "switches", member_id=member_id, id=member_id)
