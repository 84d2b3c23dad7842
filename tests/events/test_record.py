"""The event log: each fact once, numbered in the order of commits, with the right person and counters."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server.db import get_db
from server.events.models import Event, EventKind
from server.events.record import Fact, record
from server.messages.models import Copy, Message, Recipient
from server.people.people import ensure_person
from tests.factories import make_copy, make_mailbox, make_member

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
PERSON = {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "127.0.0.1"}
CRAWLER = {"agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


@pytest.fixture
def copy(session: Session) -> Copy:
    return make_copy(session, make_mailbox(session, make_member(session)), sent_at=AT - timedelta(minutes=2))


def fact(copy: Copy, hit_id: str = "h1", kind: EventKind = EventKind.VIEWED, at: datetime = AT, **more: object) -> Fact:
    assert copy.id is not None
    return Fact(kind, at, hit_id, copy.id, **{"evidence": PERSON, **more})  # type: ignore[arg-type]


def get(session: Session, event_id: int) -> Event:
    return session.exec(select(Event).where(col(Event.id) == event_id)).one()


def test_fact_becomes_an_event_that_says_whose_mail_it_is_about(session: Session, copy: Copy) -> None:
    (event_id,) = record(session, [fact(copy)])
    event = get(session, event_id)
    assert (event.kind, event.at, event.subject) == ("viewed", AT, "Lunch on Thursday?")
    assert (event.person_address, event.person_candidates) == ("flynn@flynnsarcade.example", [])
    assert (event.verdict, event.is_shown, event.verdict_version) == ("human", True, 2)
    assert event.evidence["after_send_ms"] == 120_000
    assert (event.place_city, event.place_source) == (None, "private")


def test_ids_grow_without_regard_to_the_time_of_the_fact(session: Session, copy: Copy) -> None:
    first = record(session, [fact(copy, "a"), fact(copy, "b", at=AT - timedelta(days=1))])
    second = record(session, [fact(copy, "c", at=AT - timedelta(days=400))])
    assert first + second == sorted(first + second)
    assert len({*first, *second}) == 3


def test_a_known_fact_is_skipped_and_counts_nothing(session: Session, copy: Copy) -> None:
    record(session, [fact(copy, "a")])
    assert len(record(session, [fact(copy, "a"), fact(copy, "b"), fact(copy, "b")])) == 1
    assert record(session, [fact(copy, "a")]) == []
    session.refresh(copy)
    assert copy.views == 2


def test_a_fact_about_a_copy_that_is_gone_is_skipped(session: Session, copy: Copy) -> None:
    assert record(session, [Fact(EventKind.VIEWED, AT, "a", 999)]) == []
    assert record(session, []) == []


def test_counters_count_what_people_did(session: Session, copy: Copy) -> None:
    other = make_copy(session, make_mailbox(session, make_member(session, "Bob")))
    record(
        session,
        [
            fact(copy, "1"),
            fact(copy, "2", evidence=CRAWLER),
            fact(copy, "3", evidence={**PERSON, "device": "d1"}),
            fact(copy, "4", evidence={}),
            fact(copy, "5", EventKind.CLICKED, link_target="https://a.example"),
            fact(copy, "6", EventKind.REPLIED, evidence={}, at=AT + timedelta(hours=2)),
            fact(copy, "7", EventKind.AUTO_REPLIED, evidence={}),
            fact(copy, "8", EventKind.BOUNCED, evidence={}),
            fact(other, "9"),
        ],
    )
    session.refresh(copy)
    session.refresh(other)
    assert (copy.views, copy.clicks, copy.replies, copy.bounces) == (2, 1, 1, 1)
    assert (other.views, other.clicks, other.replies, other.bounces) == (1, 0, 0, 0)
    assert copy.last_event_at == AT + timedelta(hours=2)
    record(session, [fact(copy, "10", at=AT)])
    session.refresh(copy)
    assert copy.last_event_at == AT + timedelta(hours=2)


def test_views_by_machines_and_by_ourselves_are_kept_but_not_shown(session: Session, copy: Copy) -> None:
    ids = record(
        session,
        [
            fact(copy, "1", evidence=CRAWLER),
            fact(copy, "2", evidence={**PERSON, "device": "d1"}),
            fact(copy, "3", EventKind.BOUNCED, evidence={}),
            fact(copy, "4", EventKind.AUTO_REPLIED, evidence={}),
        ],
    )
    shown = [(get(session, event_id).verdict, get(session, event_id).is_shown) for event_id in ids]
    assert shown == [("machine", False), ("self", False), ("machine", True), ("machine", True)]


def test_a_shared_copy_names_all_and_guesses_none(session: Session, copy: Copy) -> None:
    shared = make_copy(session, make_mailbox(session, make_member(session, "Bob")), "a@x.example", "b@x.example")
    named = session.exec(select(Recipient).where(Recipient.address == "b@x.example")).one()
    named.name = "Bea"
    session.flush()
    (event_id,) = record(session, [fact(shared)])
    event = get(session, event_id)
    assert (event.person_name, event.person_address, event.recipient_id) == ("", "", None)
    assert event.person_candidates == ["a@x.example", "Bea"]


def test_a_person_written_to_by_bare_address_is_shown_by_name(session: Session, copy: Copy) -> None:
    recipient = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).one()
    message = session.get_one(Message, copy.message_id)
    person = ensure_person(session, message.workspace_id, message.member_id, recipient.address, "Kevin Flynn")
    recipient.person_id = person.id
    session.flush()
    (event_id,) = record(session, [fact(copy)])
    assert get(session, event_id).person_name == "Kevin Flynn"
    assert session.exec(select(Recipient.name).where(Recipient.copy_id == copy.id)).one() == ""


def test_a_reply_names_who_wrote_it(session: Session) -> None:
    shared = make_copy(session, make_mailbox(session, make_member(session)), "a@x.example", "b@x.example")
    stranger, known = record(
        session,
        [
            fact(shared, "1", EventKind.REPLIED, person_name="Kevin", person_address="kevinf@x.example", evidence={}),
            fact(shared, "2", EventKind.REPLIED, person_address="B@X.example", evidence={}),
        ],
    )
    event = get(session, stranger)
    assert (event.person_name, event.person_address, event.recipient_id) == ("Kevin", "kevinf@x.example", None)
    assert event.person_candidates == []
    assert get(session, known).recipient_id is not None


def test_three_links_within_three_seconds_are_a_machine_also_across_batches(session: Session, copy: Copy) -> None:
    def click(number: int, seconds: float) -> Fact:
        at = AT + timedelta(seconds=seconds)
        return fact(copy, f"{number}-{seconds}", EventKind.CLICKED, at, link_target=f"https://{number}.example")

    early = record(session, [click(1, 0), click(2, 1)])
    late = record(session, [click(3, 2), click(1, 60), click(1, 61), click(1, 62), click(2, 62)])
    verdicts = [get(session, event_id).verdict for event_id in early + late]
    assert verdicts == ["machine", "machine", "machine", "human", "human", "human", "human"]
    together = record(session, [click(number, 600) for number in range(3)])
    assert [get(session, event_id).reasons for event_id in together] == [["link_burst:3"]] * 3


def test_a_committed_batch_is_announced_and_a_rolled_back_one_is_not(app: Flask, session: Session, copy: Copy) -> None:
    redis = app.extensions["warmline_wakeups"].redis
    with redis.pubsub() as notices:
        notices.subscribe("warmline:notices")
        heard = (notice["data"] for notice in notices.listen())
        assert next(heard) == 1  # it is subscribed
        session.commit()
        record(session, [fact(copy, "a")])
        session.rollback()
        record(session, [fact(copy, "b")])
        session.commit()
        redis.publish("warmline:notices", "that was all")
        assert list(takewhile(lambda data: data != b"that was all", heard)) == [b'{"topic": "event"}']
    with get_db().session(write=False) as reading:
        assert [event.hit_id for event in reading.exec(select(Event))] == ["b"]


def test_a_cursor_that_follows_the_ids_misses_nothing_while_many_record(app: Flask, session: Session) -> None:
    mailbox = make_mailbox(session, make_member(session))
    copies = [make_copy(session, mailbox) for _ in range(4)]
    session.commit()

    def work(copy: Copy) -> None:
        with app.app_context():
            for number in range(12):
                with get_db().session() as own:
                    record(own, [fact(copy, f"{copy.id}-{number}-{part}") for part in range(3)])
                    own.commit()

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    is_last_look = False
    while not is_last_look:
        is_last_look = not any(thread.is_alive() for thread in threads)
        with get_db().session(write=False) as reading:
            query = select(Event.id).where(col(Event.id) > (seen[-1] if seen else 0)).order_by(col(Event.id))
            seen += reading.exec(query).all()
    assert len(seen) == len(set(seen)) == 144
    for copy in copies:
        session.refresh(copy)
    assert [copy.views for copy in copies] == [36] * 4
