"""Two persons who are one: which pairs look so, what would be kept, and merging them, which cannot be undone."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import Table, delete, select, update
from sqlmodel import Session, SQLModel, col

from server.campaigns.merges import follow_merge
from server.consent.ledger import spread
from server.errors import Refused
from server.events.models import Event
from server.events.record import hold_clock
from server.messages.models import Recipient
from server.people.activity import recount_activity
from server.people.addresses import write_addresses
from server.people.models import Person, PersonActivity, PersonMerge, PersonTerm
from server.people.people import FIELDS, find_by_ids, find_kept, link_events
from server.people.projections import announce, follow, read_emails
from server.people.terms import dial, normalise
from server.queue import announce as announce_topic
from server.scoring.models import ExternalScore, ScoreAdjustment
from server.scoring.score import forget_scores, recount
from server.tasks.models import Task

SUGGESTIONS = 10
CANDIDATES = 50
TERM: Table = PersonTerm.__table__  # type: ignore[attr-defined]
FOLLOWERS: tuple[type[SQLModel], ...] = (Event, Recipient, Task, ScoreAdjustment)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody who may be the same person, and why."""

    person: Person
    address: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be kept of two persons: fields, custom values and addresses."""

    fields: dict[str, str]
    custom: dict[str, str]
    emails: list[str]


def suggest(session: Session, person: Person, owners: Sequence[int | None]) -> list[Suggestion]:
    """Return those of `owners` who share name and company, phone, or LinkedIn profile with `person`."""
    wanted = {normalise(person.name), dial(person.phone), normalise(person.linkedin_url)} - {""}
    found: set[int] = set()
    for owner in owners:
        is_owner = TERM.c.owner_id.is_(None) if owner is None else TERM.c.owner_id == owner
        for term in wanted:
            same = select(TERM.c.person_id).where(TERM.c.workspace_id == person.workspace_id, is_owner)
            found |= set(session.execute(same.where(TERM.c.term == term).limit(CANDIDATES)).scalars())
    others = find_by_ids(session, sorted(found - {person.id or 0}))
    pairs = [(other, _compare(person, other)) for other in others.values()]
    return [
        Suggestion(other, next(iter(read_emails(session, other.id or 0)), ""), reasons)
        for other, reasons in pairs if reasons
    ][:SUGGESTIONS]  # fmt: skip


def _compare(one: Person, other: Person) -> list[str]:
    reasons = []
    is_named = normalise(one.name) and normalise(one.name) == normalise(other.name)
    if is_named and one.company and normalise(one.company) == normalise(other.company):
        reasons.append(_("same name and company"))
    if one.phone and dial(one.phone) == dial(other.phone):
        reasons.append(_("same phone number"))
    if one.linkedin_url and normalise(one.linkedin_url) == normalise(other.linkedin_url):
        reasons.append(_("same LinkedIn profile"))
    return reasons


def preview(session: Session, keep: Person, gone: Person) -> Preview:
    """Return what would be kept: what `keep` has, and where it has nothing, what `gone` has; both's notes."""
    fields = {name: getattr(keep, name) or getattr(gone, name) for name in FIELDS}
    if keep.notes and gone.notes and keep.notes != gone.notes:
        fields["notes"] = f"{keep.notes}\n\n{gone.notes}"
    emails = [*read_emails(session, keep.id or 0), *read_emails(session, gone.id or 0)]
    return Preview(fields, {**gone.custom, **keep.custom}, emails)


def merge(session: Session, keep: Person, gone: Person) -> None:
    """Let `keep` have everything of `gone`, who then is no more; a merge already done changes nothing."""
    if keep.id == gone.id or keep.workspace_id != gone.workspace_id:
        raise Refused(_("Choose two different people of your workspace."), status=409)
    hold_clock(session)
    kept, keep_id, gone_id = preview(session, keep, gone), keep.id or 0, gone.id or 0
    for name, value in kept.fields.items():
        setattr(keep, name, value)
    keep.custom = kept.custom
    keep.owner_id = keep.owner_id or gone.owner_id
    session.add(keep)
    session.flush()
    _repoint(session, keep_id, gone_id)
    follow_merge(session, keep_id, gone_id)
    _delete(session, gone)
    write_addresses(session, keep, kept.emails)
    session.add(PersonMerge(gone_id=gone_id, workspace_id=keep.workspace_id, kept_id=keep_id))
    link_events(session, keep)
    recount_activity(session, keep_id)
    follow(session, keep)
    recount(session, keep.workspace_id, [keep_id])
    spread(session, keep.workspace_id, kept.emails)
    announce(session, keep.workspace_id, gone_id)
    announce_topic(session, "event")


def is_merged(session: Session, keep: Person, gone_id: int) -> bool:
    """Return whether `gone_id` was merged into `keep` before."""
    return find_kept(session, keep.workspace_id, gone_id) == keep.id


def _repoint(session: Session, keep_id: int, gone_id: int) -> None:
    for follower in FOLLOWERS:
        table: Table = follower.__table__  # type: ignore[attr-defined]
        session.execute(update(table).where(table.c.person_id == gone_id).values(person_id=keep_id))
    session.execute(update(PersonMerge).where(col(PersonMerge.kept_id) == gone_id).values(kept_id=keep_id))
    if session.get(ExternalScore, keep_id) is None:
        external = update(ExternalScore).where(col(ExternalScore.person_id) == gone_id)
        session.execute(external.values(person_id=keep_id))


def _delete(session: Session, gone: Person) -> None:
    gone_id = gone.id or 0
    forget_scores(session, [gone_id])
    for table in (PersonTerm, PersonActivity):
        session.execute(delete(table).where(col(table.person_id) == gone_id))
    write_addresses(session, gone, [])
    session.delete(gone)
    session.flush()
