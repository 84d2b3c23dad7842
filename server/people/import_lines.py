"""Taking in lines of a file: each adds a person, changes one, or is refused with its reason and hurts no other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import Table, select
from sqlmodel import Session, col

from server.accounts.fields import read_email
from server.accounts.members import list_members
from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.consent.ledger import Proof, note_answer
from server.consent.models import Answer, Purpose, Way
from server.errors import Refused
from server.events.models import UNOWNED, Event
from server.events.record import hold_clock
from server.people.addresses import MOST
from server.people.answers import read_answers
from server.people.fields import CUSTOM, CUSTOM_LENGTH, READERS, read_line
from server.people.models import Person, PersonAddress, PersonImport, RefusedLine
from server.people.people import FIELDS, find_by_ids, link_events, set_fields, set_owner
from server.people.projections import follow, make_sort_name, read_emails
from server.people.terms import add_terms

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
UPDATE = "update"


@dataclass(slots=True)
class Line:
    """One checked line: what it says about somebody."""

    number: int
    cells: list[str]
    emails: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    owner_id: int | None = None
    answers: list[tuple[Purpose, Answer]] = field(default_factory=list)


@dataclass(slots=True)
class _Desk:
    """What one batch works on: who imports, who holds which address, and who is new."""

    row: PersonImport
    member: Member
    sees_team: bool
    holders: dict[str, int]
    people: dict[int, Person]
    added: list[tuple[Person, list[str]]] = field(default_factory=list)


def take_lines(session: Session, row: PersonImport, batch: Sequence[tuple[int, list[str]]]) -> None:
    """Take in a batch of (line number, cells) and count what became of each; the caller holds the import's row."""
    member = session.get_one(Member, row.member_id)
    with force_locale(member.locale or "en"):
        owners = _name_owners(session, row.workspace_id)
        checked = [line for number, cells in batch if (line := _check(session, row, number, cells, owners))]
        hold_clock(session)
        desk = _open_desk(session, row, member, checked)
        for line in checked:
            try:
                _take(session, desk, line)
                _note_answers(session, desk, line)
            except Refused as error:
                _refuse(session, row, line.number, line.cells, error.message)
        _find_added(session, desk)


def _name_owners(session: Session, workspace_id: int) -> dict[str, int | None]:
    members = [member for member in list_members(session, workspace_id) if member.is_active]
    names = [member.name.casefold() for member in members]
    named = {member.name.casefold(): member.id for member in members if names.count(member.name.casefold()) == 1}
    return {"": None, **named, **{member.email: member.id for member in members}}


def _check(
    session: Session, row: PersonImport, number: int, cells: list[str], owners: dict[str, int | None]
) -> Line | None:
    line = Line(number, cells)
    try:
        if len(cells) > len(row.header):
            raise Refused(_("The line has more cells than there are headings."))
        _read_cells(row, line, owners)
    except Refused as error:
        _refuse(session, row, number, cells, error.message)
        return None
    return line


def _read_cells(row: PersonImport, line: Line, owners: dict[str, int | None]) -> None:
    values: dict[str, str] = {}
    for name, cell in zip(row.columns, line.cells, strict=False):
        values[name] = f"{values[name]}, {cell}" if name == "emails" and values.get(name) else cell
    others = values.get("emails", "").replace(";", ",").split(",")
    emails = [values.get("email", ""), *(other for other in others if other.strip())]
    line.emails = list(dict.fromkeys(read_email(email) for email in emails))
    if len(line.emails) > MOST:
        raise Refused(_("A person has at most %(most)s addresses.", most=MOST))
    if not values.get("name"):
        values["name"] = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    line.fields = {name: read(values[name], name) for name, read in READERS.items() if values.get(name)}
    own = {name.removeprefix(CUSTOM): cell for name, cell in values.items() if name.startswith(CUSTOM) and cell}
    line.custom = {key: read_line(cell, CUSTOM + key, CUSTOM_LENGTH) for key, cell in own.items()}
    line.owner_id = _find_owner(row, values.get("owner", ""), owners)
    line.answers = read_answers(values.get("agreed", ""), values.get("unsubscribed", ""))


def _find_owner(row: PersonImport, text: str, owners: dict[str, int | None]) -> int | None:
    if row.owner != "column":
        return row.member_id if row.owner == "me" else None
    if text.casefold() not in owners:
        raise Refused(_("“%(text)s” is no member of your workspace.", text=text[:100]))
    return owners[text.casefold()]


def _open_desk(session: Session, row: PersonImport, member: Member, lines: Sequence[Line]) -> _Desk:
    emails = {email for line in lines for email in line.emails}
    chosen = select(col(PersonAddress.email), col(PersonAddress.person_id)).where(
        col(PersonAddress.workspace_id) == row.workspace_id, col(PersonAddress.email).in_(emails)
    )
    holders = {email: person_id for email, person_id in session.execute(chosen)}
    people = find_by_ids(session, sorted(set(holders.values())))
    return _Desk(row, member, may_see_team(session, member), holders, people)


def _take(session: Session, desk: _Desk, line: Line) -> None:
    holders = {desk.holders[email] for email in line.emails if email in desk.holders}
    if len(holders) > 1:
        raise Refused(_("The addresses belong to two different people. Merge them first."))
    if not holders:
        _add(session, desk, line)
        return
    person = desk.people[holders.pop()]
    if person.owner_id not in (None, desk.member.id) and not desk.sees_team:
        raise Refused(_("%(email)s is in the database already and assigned to a colleague.", email=line.emails[0]))
    if desk.row.existing != UPDATE:
        desk.row.skipped += 1
        return
    _update(session, desk, person, line)


def _note_answers(session: Session, desk: _Desk, line: Line) -> None:
    proof = Proof(note=f"{desk.row.file_name}, {line.number}")
    for purpose, answer in line.answers:
        note_answer(
            session, desk.row.workspace_id, line.emails[0], purpose, answer, Way.IMPORT,
            member_id=desk.member.id, proof=proof,
        )  # fmt: skip


def _add(session: Session, desk: _Desk, line: Line) -> None:
    person = Person(
        workspace_id=desk.row.workspace_id,
        owner_id=line.owner_id,
        custom=line.custom,
        sort_name=make_sort_name(line.fields.get("name", ""), line.emails),
    )
    set_fields(person, line.fields)
    session.add(person)
    session.flush()
    _hold(session, desk, person, line.emails)
    desk.people[person.id or 0] = person
    desk.added.append((person, line.emails))
    desk.row.added += 1


def _update(session: Session, desk: _Desk, person: Person, line: Line) -> None:
    new = [email for email in line.emails if email not in desk.holders]
    if len(read_emails(session, person.id or 0)) + len(new) > MOST:
        raise Refused(_("A person has at most %(most)s addresses.", most=MOST))
    desk.row.updated += 1
    before = [getattr(person, name) for name in FIELDS], person.custom
    set_fields(person, line.fields)
    person.custom = {**person.custom, **line.custom}
    _hold(session, desk, person, new)
    if any(person is added for added, _emails in desk.added):
        next(emails for added, emails in desk.added if added is person).extend(new)
        person.sort_name = make_sort_name(person.name, line.emails)
    elif person.owner_id is None and line.owner_id is not None:
        set_owner(session, person, line.owner_id)
    elif new or ([getattr(person, name) for name in FIELDS], person.custom) != before:
        if new:
            link_events(session, person)
        follow(session, person)


def _hold(session: Session, desk: _Desk, person: Person, emails: list[str]) -> None:
    for email in emails:
        session.add(PersonAddress(workspace_id=person.workspace_id, person_id=person.id or 0, email=email))
        desk.holders[email] = person.id or 0
    session.flush()


def _find_added(session: Session, desk: _Desk) -> None:
    """Let the new people be found, and have what they did before."""
    add_terms(session, [person for person, _emails in desk.added], {p.id or 0: emails for p, emails in desk.added})
    emails = [email for _person, emails in desk.added for email in emails]
    chosen = select(EVENT.c.person_address).distinct().where(
        EVENT.c.workspace_id == desk.row.workspace_id, EVENT.c.person_address.in_(emails),
        EVENT.c.person_id.is_(None), EVENT.c.member_id == UNOWNED,
    )  # fmt: skip
    active = set(session.execute(chosen).scalars()) if emails else set()
    for person, own in desk.added:
        if active.intersection(own):
            link_events(session, person)


def _refuse(session: Session, row: PersonImport, number: int, cells: list[str], reason: str) -> None:
    row.refused += 1
    session.add(RefusedLine(import_id=row.id or 0, line=number, reason=reason, cells=[cell[:2000] for cell in cells]))
