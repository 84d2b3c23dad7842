"""The one way into the event log: judge, place, number, insert, move the counters, tell the streams.

Everything goes in batches, and a fact already known is skipped. The row of `event_clock` is locked from the first
statement to the commit, so ids follow the order of commits and recorders see each other's events whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from server import queue
from server.clock import now
from server.config import get_settings
from server.consent.outcomes import note_outcomes
from server.events.attribution import (
    Holder,
    KnownPerson,
    SentCopy,
    attribute,
    attribute_person,
    load_copies,
    load_people,
)
from server.events.company import Company, find_stirred, load_company
from server.events.context import Subject, Surroundings, load_surroundings
from server.events.counters import move_counters
from server.events.models import Event, EventKind
from server.events.networks import Networks, find_neighbourhood, load_networks
from server.events.numbering import hold_clock as hold_clock  # for those who change what events are about
from server.events.numbering import take_ids
from server.events.place import Place, find_place
from server.events.quiet import drop_silent, keep_sums
from server.events.reading import ReadingState, raise_levels
from server.events.rejudge import rejudge, tell_time
from server.events.traps import tell_trap
from server.events.verdict import READ_KINDS, judge, tell_columns
from server.people.activity import note_events
from server.scoring.score import count_events

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
SALES: Final = "sales"
MARKETING: Final = "marketing"
PLACED_KINDS = (EventKind.VIEWED, EventKind.CLICKED, EventKind.WEB_VISITED, *READ_KINDS)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened outside, named by `hit_id`, at most once for its `at`.

    `person_name`, `person_address` and `recipient_id` say who, where that is known; else the copy's recipients do.
    A fact without a copy names its `workspace_id`, its `subject` and a `person_address`, and where it is not the
    person's owner, the `member_id` whose it is; `content_kind` is "sales" or "marketing". `details` belong to the kind
    and are shown; `evidence` is what `verdict.judge` takes.
    """

    kind: EventKind
    at: datetime
    hit_id: str
    copy_id: int | None = None
    person_name: str = ""
    person_address: str = ""
    recipient_id: int | None = None
    link_target: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    workspace_id: int | None = None
    member_id: int | None = None
    content_kind: str = SALES
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the judgement of a batch of facts takes from the database, read at once while the clock is held."""

    copies: dict[int, SentCopy]
    people: dict[Holder, KnownPerson]
    company: Company
    networks: Networks


def record(session: Session, facts: Sequence[Fact]) -> list[int]:
    """Record `facts` and return the ids of the new events; facts already known, or whose copy is gone, are skipped.

    Where they say something new of earlier events of their copies, those are judged again.
    """
    if not facts:
        return []
    first_id = take_ids(session, len(facts))
    copies = load_copies(session, {fact.copy_id for fact in facts if fact.copy_id is not None})
    facts = drop_silent([fact for fact in facts if fact.copy_id is None or fact.copy_id in copies], copies)
    if not facts:
        return []
    batch = _load_batch(session, facts, copies)
    rows = keep_sums(_make_rows(session, first_id, facts, batch), copies)
    ids = _insert(session, rows)
    if ids:
        rows = [row for row in rows if row["id"] in ids]
        _project(session, rows)
        rejudge(session, find_stirred(session, rows, copies, batch.company))
        queue.announce(session, "event")
    return sorted(ids)


def _load_batch(session: Session, facts: Sequence[Fact], copies: dict[int, SentCopy]) -> Batch:
    people = load_people(session, {_holder(fact) for fact in facts if fact.copy_id is None})
    return Batch(copies, people, load_company(session, facts), load_networks(get_settings().warmline_home))


def _project(session: Session, rows: list[dict[str, Any]]) -> None:
    """Move everything that is computed from events by the new `rows`."""
    move_counters(session, rows)
    raise_levels(session, rows)
    count_events(session, rows)
    note_events(session, rows)
    note_outcomes(session, rows)


def _holder(fact: Fact) -> Holder:
    if fact.workspace_id is None:
        raise ValueError(f"the fact {fact.hit_id} has neither a copy nor a workspace")
    return fact.workspace_id, fact.person_address.lower()


def _about(
    fact: Fact, copies: dict[int, SentCopy], people: dict[Holder, KnownPerson]
) -> tuple[SentCopy | None, dict[str, Any]]:
    """Return the fact's copy, and the event's columns that say about what, about whom and whose it is."""
    if fact.copy_id is None:
        workspace_id, address = holder = _holder(fact)
        subject = {"workspace_id": workspace_id, "message_id": None, "subject": fact.subject}
        who = attribute_person(people.get(holder), fact.person_name, address)
        return None, subject | who | ({"member_id": fact.member_id} if fact.member_id is not None else {})
    copy = copies[fact.copy_id]
    subject = {"workspace_id": copy.workspace_id, "message_id": copy.message_id, "subject": copy.subject}
    who = attribute(copy, fact.recipient_id, fact.person_name, fact.person_address)
    return copy, {**subject, "member_id": copy.member_id, **who}


def _make_rows(session: Session, first_id: int, facts: Sequence[Fact], batch: Batch) -> list[dict[str, Any]]:
    about = [_about(fact, batch.copies, batch.people) for fact in facts]
    evidence = [_complete(fact, copy) for fact, (copy, _columns) in zip(facts, about, strict=True)]
    subjects = [
        Subject(fact.at, raw, columns["workspace_id"], columns["member_id"], copy.thread_id if copy else None)
        for fact, raw, (copy, columns) in zip(facts, evidence, about, strict=True)
    ]
    surroundings = load_surroundings(session, subjects)
    return [
        _make_row(first_id + index, fact, about[index], subjects[index], surroundings, batch)
        for index, fact in enumerate(facts)
    ]


def _make_row(
    event_id: int, fact: Fact, about: tuple[SentCopy | None, dict[str, Any]], subject: Subject,
    surroundings: Surroundings, batch: Batch,
) -> dict[str, Any]:  # fmt: skip
    copy, columns = about
    told = surroundings.tell(subject)
    if traps := batch.company.of(fact.copy_id):
        told |= tell_trap(traps, fact.at, find_neighbourhood(str(subject.evidence.get("ip") or "")))
    if copy is not None and copy.reading == ReadingState.CONFIRMED.level:
        told["is_confirmed"] = True
    judgement = judge({**subject.evidence, **told}, batch.networks)
    return {
        "id": event_id,
        "at": fact.at,
        "recorded_at": now(),
        "hit_id": fact.hit_id,
        "kind": fact.kind,
        **tell_columns(fact.kind, judgement),
        "copy_id": fact.copy_id,
        **columns,
        "content_kind": fact.content_kind,
        "link_target": fact.link_target,
        **_place(fact.kind, subject.evidence, batch.networks),
        "details": fact.details,
        "evidence": subject.evidence,
    }


def _complete(fact: Fact, copy: SentCopy | None) -> dict[str, Any]:
    """Return the raw evidence, as it is kept."""
    return {**fact.evidence, "kind": fact.kind, **tell_time(fact.at, copy.sent_at if copy else None)}


def _place(kind: EventKind, evidence: dict[str, Any], networks: Networks) -> dict[str, Any]:
    place = Place()
    if kind in PLACED_KINDS:
        place = find_place(get_settings(), str(evidence.get("ip") or ""), str(evidence.get("agent") or ""), networks)
    return {"place_city": place.city, "place_country": place.country, "place_source": place.source}


def _insert(session: Session, rows: list[dict[str, Any]]) -> set[int]:
    """Insert `rows` and return the ids of those whose fact was not known yet.

    The ids are read back by their range: RETURNING would cost more than the insert itself.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(EVENT).on_conflict_do_nothing(index_elements=["hit_id", "at"])
    session.connection().execute(statement, rows)
    times = [row["at"] for row in rows]
    query = select(EVENT.c.id).where(
        EVENT.c.id.between(rows[0]["id"], rows[-1]["id"]), EVENT.c.at.between(min(times), max(times))
    )
    return set(session.connection().execute(query).scalars())
