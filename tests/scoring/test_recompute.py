"""Other rules: built beside those in use, killed and resumed, with events coming in meanwhile."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread

import pytest
import time_machine
from flask import Flask
from sqlmodel import Session, select

from server import jobs, recurring
from server.accounts.models import Member, Workspace
from server.db import get_db, give_way
from server.events.models import EventKind
from server.events.record import record
from server.scoring import recompute
from server.scoring.models import ModelState, PersonScore, ScoreModel, ScoreSource
from server.scoring.ranking import read_top
from server.scoring.recompute import build_batch, find_building, find_unfinished
from server.scoring.score import recount
from server.scoring.score_models import Rules, change_rules, default_rules
from tests.factories import make_member
from tests.scoring.conftest import DAY, START, do, make_fact, make_person

LOUD = Rules(ScoreSource.WARMLINE, 7 * 24.0, {**default_rules().points, EventKind.VIEWED: 100})


def scores(session: Session, member: Member) -> dict[str, float]:
    """Return the scores in the member's list by name."""
    session.rollback()
    return {target.name: round(target.score, 6) for target in read_top(session, member)}


def build(session: Session, member: Member) -> None:
    """Build to the end."""
    while build_batch(session, member.workspace_id):
        session.commit()
    session.commit()


@pytest.fixture
def five(session: Session, alice: Member, clock: time_machine.Traveller) -> list[str]:
    """Five people who viewed 1 to 5 half-lives of the old rules ago."""
    names = [f"Person {number}" for number in range(1, 6)]
    for number, name in enumerate(names, 1):
        do(session, make_person(session, alice, name), EventKind.VIEWED, at=START - number * 14 * DAY)
    return names


def test_new_rules_hold_for_everybody_at_once(session: Session, alice: Member, five: list[str]) -> None:
    before = scores(session, alice)
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    assert scores(session, alice) == before
    build(session, alice)
    assert scores(session, alice) == {name: round(100 / 4**number, 6) for number, name in enumerate(five, 1)}
    assert [model.state for model in session.exec(select(ScoreModel))] == [ModelState.ACTIVE]
    assert len(session.exec(select(PersonScore)).all()) == 5
    assert find_unfinished(session) == []


def test_a_killed_builder_goes_on_where_it_was(
    session: Session, alice: Member, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 2)
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    build_batch(session, alice.workspace_id)
    session.commit()
    build_batch(session, alice.workspace_id)
    session.rollback()  # killed before the commit
    building = find_building(session, alice.workspace_id)
    assert building is not None and (building.walked_people, building.people) == (2, 5)
    assert find_unfinished(session) == [alice.workspace_id]
    session.rollback()
    build(session, alice)
    assert scores(session, alice) == {name: round(100 / 4**number, 6) for number, name in enumerate(five, 1)}


def test_events_meanwhile_are_counted_once(
    session: Session, alice: Member, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 1)
    people = [make_person(session, alice, f"Person {number}") for number in range(4)]
    for person in people:
        do(session, person, EventKind.CLICKED)
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    seen: list[int | None] = []
    for person in [people[0], people[3], *people]:  # reached already, and not reached yet
        build_batch(session, alice.workspace_id)
        session.commit()
        do(session, person, EventKind.VIEWED)
        do(session, make_person(session, alice, f"New {len(seen)}"), EventKind.REPLIED)
        seen.append(person.id)
    build(session, alice)
    found = scores(session, alice)
    assert [found[f"Person {number}"] for number in range(4)] == [203, 103, 103, 203]
    assert sum(score == 10 for score in found.values()) == 6


def test_a_builder_beside_a_recorder_counts_everything_once(
    app: Flask, session: Session, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 2)
    people = [make_person(session, alice, f"Person {number}") for number in range(12)]
    facts = [make_fact(session, person, EventKind.VIEWED) for _ in range(6) for person in people]
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    workspace_id = alice.workspace_id
    failures: list[BaseException] = []

    def run(steps: Callable[[Session], Iterator[None]]) -> None:
        try:
            with app.app_context(), get_db().session() as own:
                begun = time.monotonic()
                for _ in steps(own):
                    own.commit()
                    begun = give_way(own, begun)
        except BaseException as error:
            failures.append(error)
            raise

    def record_all(own: Session) -> Iterator[None]:
        for start in range(0, len(facts), 5):
            record(own, facts[start : start + 5])
            yield

    def build_all(own: Session) -> Iterator[None]:
        while build_batch(own, workspace_id):
            yield

    threads = [Thread(target=run, args=(steps,)) for steps in (record_all, build_all, build_all)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    live = {row.person_id: row.value for row in session.exec(select(PersonScore))}
    recount(session, workspace_id, list(live))
    session.commit()
    session.expire_all()
    assert {row.person_id: row.value for row in session.exec(select(PersonScore))} == pytest.approx(live)
    assert len(live) == 12


def test_rules_saved_again_replace_those_being_built(
    session: Session, alice: Member, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 2)
    change_rules(session, alice.workspace_id, Rules(LOUD.source, 24.0, {}))
    session.commit()
    build_batch(session, alice.workspace_id)
    session.commit()
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    build(session, alice)
    assert scores(session, alice) == {name: round(100 / 4**number, 6) for number, name in enumerate(five, 1)}
    assert len(session.exec(select(PersonScore)).all()) == 5


def test_saving_the_same_rules_builds_nothing(session: Session, alice: Member) -> None:
    change_rules(session, alice.workspace_id, default_rules())
    session.commit()
    assert find_unfinished(session) == []


def test_the_job_and_its_look_finish_the_work(app: Flask, session: Session, alice: Member, five: list[str]) -> None:
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    with app.app_context():
        recurring.wake_unfinished_scores()
        assert app.extensions["warmline_wakeups"].lengths()["mail"] == 1
        jobs.recompute_scores(alice.workspace_id)
        jobs.recompute_scores(alice.workspace_id)
    assert scores(session, alice)["Person 1"] == 25


def test_a_slice_leaves_the_rest_to_another_wake_up(
    app: Flask, session: Session, alice: Member, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, "BATCH", 1)
    monkeypatch.setattr(recompute, "SLICE_SECONDS", -1.0)
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    with app.app_context():
        app.extensions["warmline_wakeups"].redis.flushall()
        jobs.recompute_scores(alice.workspace_id)
        assert app.extensions["warmline_wakeups"].lengths()["mail"] == 1
    building = find_building(session, alice.workspace_id)
    assert building is not None and building.walked_people == 1


def test_other_workspaces_keep_their_rules(session: Session, alice: Member, five: list[str]) -> None:
    mallory = make_member(session, "Mallory")
    do(session, make_person(session, mallory, "Sark"), EventKind.VIEWED)
    change_rules(session, alice.workspace_id, LOUD)
    session.commit()
    build(session, alice)
    assert scores(session, mallory) == {"Sark": 1}
    assert session.get(Workspace, mallory.workspace_id) is not None


def test_building_equals_live_counting(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    people = [make_person(session, alice, f"Person {number}") for number in range(3)]
    for number in range(45):
        clock.move_to(START + number * timedelta(hours=31))
        kind = list(EventKind)[number * 5 % len(EventKind)]
        do(session, people[number % 3], kind, at=START + number * timedelta(hours=29))
    live = scores(session, alice)
    for rules in (LOUD, default_rules()):
        change_rules(session, alice.workspace_id, rules)
        session.commit()
        build(session, alice)
    assert scores(session, alice) == pytest.approx(live)
