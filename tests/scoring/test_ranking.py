"""The Target list: who is in it, in which order, and that a change is told to whom it concerns."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlmodel import Session

from server.accounts.models import Member, Workspace
from server.events.models import EventKind
from server.queue import NOTICES
from server.scoring.ranking import follow_person, read_top
from tests.factories import make_member
from tests.scoring.conftest import DAY, START, do, make_person


def names(session: Session, member: Member) -> list[str]:
    """Return the names in the member's list, in its order."""
    session.rollback()
    return [target.name for target in read_top(session, member)]


def test_the_fifty_first_is_absent(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    for number in range(60):
        at = START - timedelta(hours=number)
        do(session, make_person(session, alice, f"Person {number}"), EventKind.REPLIED, at=at)
    targets = read_top(session, alice)
    assert [target.name for target in targets] == [f"Person {number}" for number in range(50)]
    assert [target.rank for target in targets] == list(range(1, 51))
    scores = [target.score for target in targets]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 50


def test_ties_go_by_latest_rise_then_name(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    for name in ("berta", "Caesar", "Anna"):
        do(session, make_person(session, alice, name), EventKind.CLICKED)
    zoe = make_person(session, alice, "Zoe")
    do(session, zoe, EventKind.REPLIED, at=START - DAY * 14)  # 5 now
    do(session, zoe, EventKind.VIEWED)  # 6
    late = make_person(session, alice, "Late")
    do(session, late, EventKind.CLICKED)
    do(session, late, EventKind.CLICKED)  # 6, risen just now like Zoe
    assert names(session, alice) == ["Late", "Zoe", "Anna", "berta", "Caesar"]


def test_the_later_rise_wins_a_tie(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    early = make_person(session, alice, "Anna")
    late = make_person(session, alice, "Zoe")
    do(session, early, EventKind.CLICKED, at=START - DAY * 14)
    do(session, early, EventKind.DOCUMENT_OPENED, at=START - DAY * 14)
    do(session, early, EventKind.CLICKED, at=START - DAY * 14)  # 10 a half-life ago: 5
    do(session, late, EventKind.DOWNLOADED)
    assert names(session, alice) == ["Zoe", "Anna"]


def test_a_rise_brings_in_and_up_and_a_fall_moves_down(
    session: Session, alice: Member, clock: time_machine.Traveller
) -> None:
    anna, berta = make_person(session, alice, "Anna"), make_person(session, alice, "Berta")
    do(session, anna, EventKind.REPLIED)
    assert names(session, alice) == ["Anna"]
    do(session, berta, EventKind.CLICKED)
    assert names(session, alice) == ["Anna", "Berta"]
    for _ in range(3):
        do(session, berta, EventKind.CLICKED)
    assert names(session, alice) == ["Berta", "Anna"]
    do(session, berta, EventKind.BOUNCED)
    assert names(session, alice) == ["Anna", "Berta"]
    do(session, berta, EventKind.UNSUBSCRIBED)
    assert names(session, alice) == ["Anna"]


def test_who_only_fell_is_not_listed_and_the_fall_is_not_forgotten(
    session: Session, alice: Member, clock: time_machine.Traveller
) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.BOUNCED)
    assert names(session, alice) == []
    do(session, person, EventKind.CLICKED)
    assert names(session, alice) == []
    do(session, person, EventKind.CLICKED)
    assert read_top(session, alice)[0].score == pytest.approx(1)


def test_only_people_assigned_to_me_are_listed(session: Session, alice: Member) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    bob = make_member(session, "Bob", workspace)
    mallory = make_member(session, "Mallory")
    for owner in (alice, bob, mallory):
        do(session, make_person(session, owner, f"{owner.name}'s"), EventKind.VIEWED)
    do(session, make_person(session, alice, "Nobody's", owner_id=None), EventKind.VIEWED)
    assert [names(session, member) for member in (alice, bob, mallory)] == [["Alice's"], ["Bob's"], ["Mallory's"]]


def test_a_new_owner_and_a_new_name_are_followed(session: Session, alice: Member) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    person = make_person(session, alice)
    do(session, person, EventKind.VIEWED)
    person.owner_id, person.name = bob.id, "Clu"
    session.add(person)
    follow_person(session, person)
    session.commit()
    assert (names(session, alice), names(session, bob)) == ([], ["Clu"])


def test_owners_are_told_after_the_commit(app: Flask, session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    session.commit()
    pubsub = app.extensions["warmline_wakeups"].redis.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(NOTICES)
    pubsub.get_message(timeout=5)
    do(session, person, EventKind.VIEWED)
    heard = [json.loads(notice["data"]) for _ in range(2) if (notice := pubsub.get_message(timeout=5))]
    pubsub.close()
    assert {"topic": "target", "member_id": alice.id, "id": person.id} in heard


def test_the_list_is_one_read_of_its_index(session: Session, alice: Member) -> None:
    from sqlalchemy import text

    for number in range(300):
        person = make_person(session, alice, f"Person {number}")
    do(session, person, EventKind.VIEWED)
    read_top(session, alice)
    session.execute(
        text(
            "INSERT INTO person_score (person_id, model_id, owner_id, name, value, rose_at) "
            "SELECT p.id, m.id, p.owner_id, p.name, p.id, '2026-03-02 09:00:00' FROM person p, score_model m "
            "WHERE p.id <> :last"
        ),
        {"last": person.id},
    )
    ranked = (
        "SELECT person_id FROM person_score WHERE model_id = 1 AND owner_id = 1 AND value > 0 "
        "ORDER BY value DESC, rose_at DESC, name, person_id LIMIT 50"
    )
    if session.get_bind().dialect.name == "sqlite":
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {ranked}")))
        assert "ix_person_score_rank" in plan and "TEMP B-TREE" not in plan
    else:
        session.execute(text("ANALYZE person_score"))
        for other_way in ("seqscan", "bitmapscan", "sort"):
            session.execute(text(f"SET LOCAL enable_{other_way} = off"))
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN {ranked}")))
        assert "ix_person_score_rank" in plan and "Sort" not in plan
