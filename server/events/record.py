"""The one way into the event log: judge, place, number, insert, move the counters, tell the streams.

Everything goes in batches, and a fact already known is skipped. The row of `event_clock` is locked from the first
statement to the commit, so ids follow the order of commits and recorders see each other's events whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

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
from server.events.bursts import count_links
from server.events.counters import move_counters
from server.events.models import Event, EventClock, EventKind, Verdict
from server.events.place import Place, find_place
from server.events.quiet import drop_silent, keep_sums
from server.events.verdict import VERSION, judge
from server.people.activity import note_events
from server.scoring.score import count_events

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
SALES: Final = "sales"
MARKETING: Final = "marketing"
READ_KINDS = (EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED)
PLACED_KINDS = (EventKind.VIEWED, EventKind.CLICKED, EventKind.WEB_VISITED, *READ_KINDS)
MACHINES_OWN_KINDS = (EventKind.AUTO_REPLIED, EventKind.BOUNCED)  # made by machines, and worth seeing
HIDDEN_VERDICTS = (Verdict.MACHINE, Verdict.SELF)


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


def record(session: Session, facts: Sequence[Fact]) -> list[int]:
    """Record `facts` and return the ids of the new events; facts already known, or whose copy is gone, are skipped."""
    copies = load_copies(session, {fact.copy_id for fact in facts if fact.copy_id is not None})
    facts = drop_silent([fact for fact in facts if fact.copy_id is None or fact.copy_id in copies], copies)
    if not facts:
        return []
    first_id = _take_ids(session, len(facts))
    people = load_people(session, {_holder(fact) for fact in facts if fact.copy_id is None})
    links = count_links(session, facts)
    rows = [
        _make_row(first_id + index, fact, _about(fact, copies, people), links.get(fact.hit_id, 0))
        for index, fact in enumerate(facts)
    ]
    rows = keep_sums(rows, copies)
    ids = _insert(session, rows)
    if ids:
        _project(session, [row for row in rows if row["id"] in ids])
        queue.announce(session, "event")
    return sorted(ids)


def hold_clock(session: Session) -> None:
    """Let nobody else record until the commit: what is read from now on about events is still so when it is written."""
    _take_ids(session, 0)


def _project(session: Session, rows: list[dict[str, Any]]) -> None:
    """Move everything that is computed from events by the new `rows`."""
    move_counters(session, rows)
    count_events(session, rows)
    note_events(session, rows)
    note_outcomes(session, rows)


def _take_ids(session: Session, count: int) -> int:
    """Return the first of `count` new ids, and hold the clock until the commit."""
    statement = update(EventClock).where(col(EventClock.id) == 1).values(last_event_id=EventClock.last_event_id + count)
    statement = statement.returning(col(EventClock.last_event_id)).execution_options(synchronize_session=False)
    last_id: int = session.execute(statement).scalar_one()
    return last_id - count + 1


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


def _make_row(
    event_id: int, fact: Fact, about: tuple[SentCopy | None, dict[str, Any]], burst_links: int
) -> dict[str, Any]:
    copy, columns = about
    evidence = _complete(fact, copy, burst_links)
    return {
        "id": event_id,
        "at": fact.at,
        "recorded_at": now(),
        "hit_id": fact.hit_id,
        "kind": fact.kind,
        **_judge(fact.kind, evidence),
        "copy_id": fact.copy_id,
        **columns,
        "content_kind": fact.content_kind,
        "link_target": fact.link_target,
        **_place(fact.kind, evidence),
        "details": fact.details,
        "evidence": evidence,
    }


def _complete(fact: Fact, copy: SentCopy | None, burst_links: int) -> dict[str, Any]:
    evidence = {**fact.evidence, "kind": fact.kind}
    if burst_links:
        evidence["burst_links"] = burst_links
    if copy is not None and copy.sent_at is not None:
        evidence["after_send_ms"] = round((fact.at - copy.sent_at).total_seconds() * 1000)
    return evidence


def _judge(kind: EventKind, evidence: dict[str, Any]) -> dict[str, Any]:
    judgement = judge(evidence)
    return {
        "verdict": judgement.verdict,
        "is_shown": kind in MACHINES_OWN_KINDS or judgement.verdict not in HIDDEN_VERDICTS,
        "confidence": judgement.confidence,
        "reasons": judgement.reasons,
        "verdict_version": VERSION,
    }


def _place(kind: EventKind, evidence: dict[str, Any]) -> dict[str, Any]:
    place = Place()
    if kind in PLACED_KINDS:
        place = find_place(get_settings(), str(evidence.get("ip") or ""), str(evidence.get("agent") or ""))
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
