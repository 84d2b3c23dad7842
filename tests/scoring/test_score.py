"""Counting: exact numbers, at every later time, whoever counts and in whichever order."""

import threading
import time
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlmodel import Session, select

from server.accounts.models import Member
from server.db import get_db, give_way
from server.events.models import EventKind, Verdict
from server.events.record import record
from server.people.models import Person
from server.scoring.explain import explain
from server.scoring.models import PersonScore, ScoreModel
from server.scoring.ranking import read_top
from server.scoring.score import forget_scores, recount
from server.scoring.score_models import Rules, change_rules, default_rules
from tests.factories import make_member
from tests.scoring.conftest import DAY, START, do, make_fact, make_person


def score_of(session: Session, person: Person) -> float:
    """Return the person's score now."""
    return explain(session, person).score


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        (EventKind.VIEWED, 1),
        (EventKind.CLICKED, 3),
        (EventKind.REPLIED, 10),
        (EventKind.DOCUMENT_OPENED, 4),
        (EventKind.PAGE_READ, 1),
        (EventKind.DOWNLOADED, 5),
        (EventKind.WEB_VISITED, 2),
        (EventKind.INTERESTING_MOMENT, 5),
        (EventKind.AUTO_REPLIED, 0),
        (EventKind.BOUNCED, -5),
        (EventKind.UNSUBSCRIBED, -10),
        (EventKind.COMPLAINED, -20),
    ],
)
def test_each_kind_gives_its_points_at_once(
    session: Session, alice: Member, clock: time_machine.Traveller, kind: EventKind, points: float
) -> None:
    person = make_person(session, alice)
    do(session, person, kind, evidence={"reported": Verdict.MACHINE} if points == -5 else {"reported": Verdict.HUMAN})
    assert score_of(session, person) == pytest.approx(points)


def test_half_is_left_after_a_half_life(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.REPLIED)
    clock.move_to(START + 14 * DAY)
    assert score_of(session, person) == pytest.approx(5)
    do(session, person, EventKind.CLICKED, at=START + 7 * DAY)  # a week late
    assert score_of(session, person) == pytest.approx(5 + 3 * 0.5**0.5)
    clock.move_to(START + 28 * DAY)
    assert score_of(session, person) == pytest.approx((5 + 3 * 0.5**0.5) / 2)


@pytest.mark.parametrize("verdict", [Verdict.MACHINE, Verdict.SELF])
def test_machines_and_ourselves_count_nothing(session: Session, alice: Member, verdict: Verdict) -> None:
    person = make_person(session, alice)
    for kind in (EventKind.VIEWED, EventKind.CLICKED, EventKind.UNSUBSCRIBED):
        do(session, person, kind, evidence={"reported": verdict})
    assert score_of(session, person) == 0
    assert read_top(session, alice) == []
    assert session.exec(select(PersonScore)).all() == []


@pytest.mark.parametrize("verdict", [Verdict.PROXY, Verdict.UNKNOWN])
def test_what_may_be_a_person_counts(
    session: Session, alice: Member, clock: time_machine.Traveller, verdict: Verdict
) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.VIEWED, evidence={"reported": verdict})
    assert score_of(session, person) == pytest.approx(1)


def test_a_fact_that_comes_twice_counts_once(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    person = make_person(session, alice)
    fact = make_fact(session, person, EventKind.CLICKED)
    record(session, [fact, fact])
    record(session, [fact])
    session.commit()
    assert score_of(session, person) == pytest.approx(3)


def test_many_events_of_many_people_in_one_batch(
    session: Session, alice: Member, clock: time_machine.Traveller
) -> None:
    people = [make_person(session, alice, f"Person {number}") for number in range(5)]
    record(session, [make_fact(session, who, EventKind.VIEWED) for who in people for _ in range(people.index(who) + 1)])
    session.commit()
    assert [round(target.score, 9) for target in read_top(session, alice)] == [5, 4, 3, 2, 1]


def test_a_time_ahead_of_ours_weighs_like_now(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.VIEWED, at=START + 3000 * DAY)
    assert score_of(session, person) == pytest.approx(1)
    assert read_top(session, alice)[0].rose_at == START


def test_live_counting_equals_recounting(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    person = make_person(session, alice)
    kinds = list(EventKind)
    for number in range(60):
        clock.move_to(START + number * 7 * timedelta(hours=5))
        at = datetime.now(START.tzinfo) - timedelta(hours=(number * 37) % 400)
        do(session, person, kinds[number * 5 % len(kinds)], at=at)
    counted = session.exec(select(PersonScore)).one()
    live = counted.value, counted.rose_at
    recount(session, alice.workspace_id, [person.id or 0])
    session.commit()
    session.expire_all()
    again = session.exec(select(PersonScore)).one()
    assert again.value == pytest.approx(live[0], rel=1e-12)
    assert again.rose_at == live[1]


def test_two_recorders_at_once_lose_nothing(app: Flask, session: Session, alice: Member) -> None:
    people = [make_person(session, alice, f"Person {number}") for number in range(3)]
    ids = [person.id for person in people]
    facts = [[make_fact(session, person, EventKind.CLICKED) for person in people] for _ in range(40)]
    session.commit()
    failures: list[BaseException] = []

    def run(part: int) -> None:
        try:
            with app.app_context(), get_db().session() as own:
                begun = time.monotonic()
                for batch in facts[part::2]:
                    record(own, batch if part else batch[::-1])
                    own.commit()
                    begun = give_way(own, begun)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(part,)) for part in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    at_start = {target.person_id: target.score for target in read_top(session, alice)}
    live = {row.person_id: row.value for row in session.exec(select(PersonScore))}
    session.rollback()
    recount(session, alice.workspace_id, [key for key in ids if key])
    session.commit()
    session.expire_all()
    assert {row.person_id: row.value for row in session.exec(select(PersonScore))} == pytest.approx(live)
    assert len(at_start) == 3


def test_values_are_rebased_long_before_they_overflow(
    session: Session, alice: Member, clock: time_machine.Traveller
) -> None:
    old, young = make_person(session, alice, "Old"), make_person(session, alice, "Young")
    change_rules(session, alice.workspace_id, Rules(default_rules().source, 24.0, default_rules().points))
    session.commit()
    _build(session, alice)
    do(session, old, EventKind.REPLIED)
    for days in (450, 490, 540, 960, 2200, 4500):
        clock.move_to(START + days * DAY)
        do(session, young, EventKind.CLICKED, at=START + days * DAY)
        (first, *_rest) = read_top(session, alice)
        assert (first.name, first.score) == ("Young", pytest.approx(3, rel=1e-9))
        session.rollback()
    assert session.exec(select(ScoreModel)).one().landmark_at > START + 4000 * DAY
    recount(session, alice.workspace_id, [old.id or 0, young.id or 0])
    session.commit()
    assert score_of(session, young) == pytest.approx(3)


def test_order_survives_a_rebase(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    change_rules(session, alice.workspace_id, Rules(default_rules().source, 24.0, default_rules().points))
    session.commit()
    _build(session, alice)
    people = [make_person(session, alice, f"Person {number}") for number in range(4)]
    clock.move_to(START + 500 * DAY)
    for hours, person in enumerate(people):
        do(session, person, EventKind.VIEWED, at=START + 499 * DAY + timedelta(hours=hours))
    before = [(target.name, round(target.score, 9)) for target in read_top(session, alice)]
    clock.move_to(START + 501 * DAY)
    do(session, make_person(session, make_member(session, "Bob", email="b@acme.example")), EventKind.VIEWED)
    do(session, people[0], EventKind.VIEWED, at=START + 501 * DAY)
    after = [(target.name, round(target.score, 9)) for target in read_top(session, alice)]
    assert [name for name, _score in before] == ["Person 3", "Person 2", "Person 1", "Person 0"]
    assert after[1:] == [(name, pytest.approx(score / 2, abs=1e-8)) for name, score in before[:3]]


def test_a_forgotten_person_leaves_nothing(session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.VIEWED)
    forget_scores(session, [person.id or 0])
    session.commit()
    assert read_top(session, alice) == []


def _build(session: Session, member: Member) -> None:
    from server.scoring.recompute import build_batch

    while build_batch(session, member.workspace_id):
        session.commit()
    session.commit()
