"""Where a workspace keeps traces of a person, table by table, and what erasing leaves there: sums, and nobody in them.

Each part says whether it found anything. `tests/consent/test_erasure.py` holds every table that knows people to be
named here.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, Table, and_, cast, delete, func, or_, select, update
from sqlmodel import Session, SQLModel, col

from server.accounts.models import Member
from server.campaigns.models import Delivery, Enrolment, ListedPerson
from server.consent.fingerprints import hash_addresses
from server.consent.models import ConsentEntry, Reason, SoftBounces
from server.documents.viewer.models import DocumentVisit
from server.events.models import Event
from server.events.quiet import NOBODY
from server.events.verdict import FORGOTTEN
from server.feed.models import MutedPerson
from server.messages.models import Copy, CopyState, InboundMail, Link, Message, Recipient
from server.people.models import (
    Person,
    PersonActivity,
    PersonAddress,
    PersonImport,
    PersonMerge,
    PersonTerm,
    RefusedLine,
)
from server.scoring.score import forget_scores
from server.tasks.models import Task

ERASED = "—"  # in the place of a name among several
UNSENT = (CopyState.QUEUED, CopyState.FAILED, CopyState.EXCLUDED)


def _table(model: type[SQLModel]) -> Table:
    return model.__table__  # type: ignore[attr-defined,no-any-return]


EVENT, COPY, RECIPIENT, MESSAGE = _table(Event), _table(Copy), _table(Recipient), _table(Message)
DELIVERY, ENROLMENT = _table(Delivery), _table(Enrolment)
VISIT, ENTRY = _table(DocumentVisit), _table(ConsentEntry)


def remove(session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str]) -> bool:
    """Take a person's traces out of a workspace; return whether there were any."""
    names = _read_names(session, workspace_id, person_id, addresses)
    copy_ids = _find_copies(session, workspace_id, person_id, addresses)
    found = [
        _clear_events(session, workspace_id, person_id, addresses, copy_ids, names),
        _clear_visits(session, workspace_id, addresses, copy_ids, names),
        _clear_mail(session, workspace_id, addresses, copy_ids),
        _clear_recipients(session, person_id, addresses, copy_ids),
        _clear_lists(session, workspace_id, addresses),
        _delete_person(session, person_id),
    ]
    session.expire_all()
    return any(found)


def _read_names(session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str]) -> frozenset[str]:
    """Return by what the person may be called among the candidates of a shared mail."""
    own = select(RECIPIENT.c.name, RECIPIENT.c.address).where(_is_theirs(person_id, addresses))
    names = {word for row in session.execute(own) for word in row if word}
    if person_id is not None and (person := session.get(Person, person_id)) is not None:
        names.add(person.name)
    return frozenset(names | set(addresses)) - {""}


def _is_theirs(person_id: int | None, addresses: Sequence[str]) -> ColumnElement[bool]:
    by_address = func.lower(RECIPIENT.c.address).in_(addresses)
    return or_(RECIPIENT.c.person_id == person_id, by_address) if person_id is not None else by_address


def _find_copies(
    session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str]
) -> dict[int, bool]:
    """Return the copies that went to the person, each with whether nobody else got it."""
    theirs = select(RECIPIENT.c.copy_id).join(MESSAGE, MESSAGE.c.id == RECIPIENT.c.message_id)
    theirs = theirs.where(MESSAGE.c.workspace_id == workspace_id, _is_theirs(person_id, addresses))
    everybody = select(RECIPIENT.c.copy_id, func.count()).where(RECIPIENT.c.copy_id.in_(theirs))
    return {copy_id: count == 1 for copy_id, count in session.execute(everybody.group_by(RECIPIENT.c.copy_id))}


def _clear_events(
    session: Session, workspace_id: int, person_id: int | None, addresses: Sequence[str],
    copy_ids: dict[int, bool], names: frozenset[str],
) -> bool:  # fmt: skip
    alone = [copy_id for copy_id, is_alone in copy_ids.items() if is_alone]
    unknown = and_(EVENT.c.person_id.is_(None), EVENT.c.person_address.in_(addresses))
    theirs = [unknown, EVENT.c.copy_id.in_(alone)]
    theirs += [EVENT.c.person_id == person_id] if person_id is not None else []
    shared = [copy_id for copy_id, is_alone in copy_ids.items() if not is_alone]
    theirs.append(and_(EVENT.c.copy_id.in_(shared), func.lower(EVENT.c.person_address).in_(addresses)))
    nobody = {name: value for name, value in NOBODY.items() if name != "copy_id"}
    found = 0
    for which in theirs:
        rows = update(EVENT).where(EVENT.c.workspace_id == workspace_id, which)
        kept = {**nobody, "subject": "", "link_target": None, "details": {}, "evidence": {FORGOTTEN: True}}
        found += session.execute(rows.values(kept)).rowcount  # type: ignore[attr-defined]
    _strike_out(session, EVENT, "person_candidates", EVENT.c.copy_id.in_(shared), names)
    return bool(found)


def _clear_visits(
    session: Session, workspace_id: int, addresses: Sequence[str], copy_ids: Collection[int], names: frozenset[str]
) -> bool:
    of_copies = select(_table_of_shares().c.id).where(_table_of_shares().c.copy_id.in_(copy_ids))
    theirs = update(VISIT).where(VISIT.c.workspace_id == workspace_id, VISIT.c.address.in_(addresses))
    nobody = {"name": "", "address": "", "device_key": "", "device": "", "place_city": None, "place_country": None}
    found = session.execute(theirs.values(nobody)).rowcount  # type: ignore[attr-defined]
    _strike_out(session, VISIT, "candidates", VISIT.c.share_id.in_(of_copies), names)
    return bool(found)


def _table_of_shares() -> Table:
    return VISIT.metadata.tables["share"]


def _strike_out(session: Session, table: Table, column: str, where: ColumnElement[bool], names: frozenset[str]) -> None:
    """Take `names` out of the lists of those who may have done something."""
    for row_id, several in session.execute(select(table.c.id, table.c[column]).where(where)).all():
        if names.intersection(several or ()):
            left = [ERASED if name in names else name for name in several]
            session.execute(update(table).where(table.c.id == row_id).values({column: left}))


def _clear_mail(session: Session, workspace_id: int, addresses: Sequence[str], copy_ids: dict[int, bool]) -> bool:
    """Delete what they wrote, what was written to them alone, and the ids by which new mail of theirs is matched."""
    workspace = select(_table(Member).c.id).where(_table(Member).c.workspace_id == workspace_id)
    mailboxes = InboundMail.metadata.tables["mailbox"]
    ours = select(mailboxes.c.id).where(mailboxes.c.member_id.in_(workspace))
    theirs = func.lower(col(InboundMail.sender_address)).in_(addresses)
    written = and_(col(InboundMail.mailbox_id).in_(ours), theirs)
    answers = select(col(InboundMail.id)).where(written)
    ended = update(Enrolment).where(col(Enrolment.ended_by_id).in_(answers)).values(ended_by_id=None, end_detail="")
    session.execute(ended, execution_options={"synchronize_session": False})
    found = session.execute(delete(InboundMail).where(written)).rowcount  # type: ignore[attr-defined]
    alone = [copy_id for copy_id, is_alone in copy_ids.items() if is_alone]
    unsent = update(COPY).where(COPY.c.id.in_(alone), COPY.c.state.in_(UNSENT))
    session.execute(unsent.values(state=CopyState.EXCLUDED, exclusion=Reason.ERASED, failure="", lease_until=None))
    unnamed: dict[str, Any] = {"fields": {}, "subject": "", "gmail_id": None, "gmail_thread_id": None}
    unnamed["rfc822_message_id"] = ""  # known to be none: nobody reads it back
    session.execute(update(COPY).where(COPY.c.id.in_(alone)).values(unnamed))
    others = select(COPY.c.message_id).where(COPY.c.id.not_in(alone))
    only = select(COPY.c.message_id).where(COPY.c.id.in_(alone), COPY.c.message_id.not_in(others))
    whole = session.execute(only.distinct()).scalars().all()
    session.execute(delete(Link).where(col(Link.message_id).in_(whole)))
    session.execute(update(MESSAGE).where(MESSAGE.c.id.in_(whole)).values(subject="", html="", text="", fields={}))
    return bool(found)


def _clear_recipients(
    session: Session, person_id: int | None, addresses: Sequence[str], copy_ids: Collection[int]
) -> bool:
    theirs = update(RECIPIENT).where(RECIPIENT.c.copy_id.in_(copy_ids), _is_theirs(person_id, addresses))
    done = session.execute(theirs.values(address="", name="", person_id=None))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _clear_lists(session: Session, workspace_id: int, addresses: Sequence[str]) -> bool:
    """Clear the ledger, imports' refused lines, soft bounces and mutes; what was said stays, under a hash."""
    digests = hash_addresses(addresses)
    said = update(ENTRY).where(ENTRY.c.workspace_id == workspace_id, ENTRY.c.address_hash.in_(digests))
    found = session.execute(said.values(address=None, note="", ip_hash="", agent_hash="")).rowcount  # type: ignore[attr-defined]
    imports = select(col(PersonImport.id)).where(col(PersonImport.workspace_id) == workspace_id)
    cells = func.lower(cast(col(RefusedLine.cells), String))
    named = or_(*(cells.contains(address, autoescape=True) for address in addresses))
    session.execute(delete(RefusedLine).where(col(RefusedLine.import_id).in_(imports), named))
    bounces = and_(col(SoftBounces.workspace_id) == workspace_id, col(SoftBounces.address).in_(addresses))
    session.execute(delete(SoftBounces).where(bounces))
    members = select(col(Member.id)).where(col(Member.workspace_id) == workspace_id)
    mutes = and_(col(MutedPerson.member_id).in_(members), col(MutedPerson.address).in_(addresses))
    session.execute(delete(MutedPerson).where(mutes))
    return bool(found)


def _delete_person(session: Session, person_id: int | None) -> bool:
    if person_id is None:
        return False
    forget_scores(session, [person_id])
    for model in (Task, PersonTerm, PersonActivity, PersonAddress, ListedPerson):
        session.execute(delete(model).where(_table(model).c.person_id == person_id))
    unnamed: dict[str, Any] = {"person_id": None}
    session.execute(update(DELIVERY).where(DELIVERY.c.person_id == person_id).values(unnamed))
    unnamed |= {"address": "", "end_detail": ""}
    session.execute(update(ENROLMENT).where(ENROLMENT.c.person_id == person_id).values(unnamed))
    session.execute(delete(PersonMerge).where(col(PersonMerge.kept_id) == person_id))
    session.execute(delete(Person).where(col(Person.id) == person_id))
    return True
