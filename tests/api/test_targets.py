"""The Target list, the sum behind a score, and scores from outside, through the REST API."""

from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member, Role, Workspace
from server.events.models import EventKind, Verdict
from server.scoring.models import ScoreSource
from server.scoring.recompute import build_batch
from server.scoring.score_models import Rules, change_rules, default_rules
from tests.api.conftest import Program, make_program
from tests.factories import make_member
from tests.scoring.conftest import START, do, make_person


@pytest.fixture
def manager(app: Flask, session: Session, alice: Member) -> Program:
    """A program of a manager of Alice's workspace."""
    workspace = session.get_one(Workspace, alice.workspace_id)
    return make_program(app, session, make_member(session, "Mona", workspace, role=Role.MANAGER))


def put(session: Session, program: Program, *scores: Any) -> TestResponse:
    """Hand over scores, once what the test has prepared is committed."""
    session.commit()
    return program.client.put("/api/v1/people/scores", json={"scores": list(scores)}, headers=program.headers)


def use_external(session: Session, member: Member) -> None:
    """Let another system give the scores, and finish building."""
    rules = default_rules()
    change_rules(session, member.workspace_id, Rules(ScoreSource.EXTERNAL, rules.half_life_hours, rules.points))
    finish(session, member)


def finish(session: Session, member: Member) -> None:
    session.commit()
    while build_batch(session, member.workspace_id):
        session.commit()
    session.commit()


def test_targets_come_in_their_order(program: Program, session: Session, alice: Member) -> None:
    with time_machine.travel(START, tick=False):
        do(session, make_person(session, alice, "Warm", company="Encom"), EventKind.CLICKED)
        do(session, make_person(session, alice, "Hot"), EventKind.REPLIED)
        items = program.get("/targets").get_json()["items"]
    assert [(item["rank"], item["person"]["name"], item["score"]) for item in items] == [(1, "Hot", 10), (2, "Warm", 3)]
    assert (items[1]["person"]["company"], items[1]["rose_at"]) == ("Encom", "2026-03-02T09:00:00Z")


def test_the_sum_adds_up_and_shows_what_counts_nothing(program: Program, session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    do(session, person, EventKind.REPLIED)
    do(session, person, EventKind.VIEWED, evidence={"reported": Verdict.MACHINE})
    found = program.get(f"/people/{person.id}/score").get_json()
    assert found["score"] == pytest.approx(sum(line["points"] for line in found["lines"]), rel=1e-9)
    assert {(line["kind"], line["weight"], line["uncounted"]) for line in found["lines"]} == {
        ("replied", 10, None), ("viewed", 0, "machine"),
    }  # fmt: skip


def test_a_colleagues_and_a_foreign_person_are_not_there(program: Program, session: Session, alice: Member) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    theirs = [make_person(session, member) for member in (bob, make_member(session, "Mallory"))]
    session.commit()
    for person in theirs:
        assert program.get(f"/people/{person.id}/score").status_code == 404


def test_given_scores_rank_by_their_value(program: Program, manager: Program, session: Session, alice: Member) -> None:
    low, high = make_person(session, alice, "Low"), make_person(session, alice, "High")
    do(session, low, EventKind.REPLIED)
    use_external(session, alice)
    assert program.get("/targets").get_json()["items"] == []
    email = f"high.{high.id}@ENCOM.example"
    answer = put(
        session, manager, {"person_id": low.id, "score": 4}, {"email": email, "score": 87.5, "source": "Marketo"}
    )
    assert answer.get_json() == {"accepted": 2, "is_used": True, "refused": []}
    assert ranked(program) == [("High", 87.5), ("Low", 4)]
    put(session, manager, {"person_id": low.id, "score": 90})
    assert ranked(program) == [("Low", 90), ("High", 87.5)]
    put(session, manager, {"person_id": low.id, "score": 1})
    assert ranked(program) == [("High", 87.5), ("Low", 1)]
    do(session, low, EventKind.REPLIED)
    assert ranked(program) == [("High", 87.5), ("Low", 1)]
    found = program.get(f"/people/{high.id}/score").get_json()
    assert (found["score"], found["source"], found["external"]["source"]) == (87.5, "external", "Marketo")


def test_who_never_rose_from_outside_is_not_listed(
    program: Program, manager: Program, session: Session, alice: Member
) -> None:
    person = make_person(session, alice)
    use_external(session, alice)
    put(session, manager, {"person_id": person.id, "score": 0})
    put(session, manager, {"person_id": person.id, "score": -3})
    assert ranked(program) == []
    put(session, manager, {"person_id": person.id, "score": 0.5})
    assert ranked(program) == [("Kevin Flynn", 0.5)]


def test_switching_there_and_back_keeps_both(
    program: Program, manager: Program, session: Session, alice: Member
) -> None:
    person = make_person(session, alice)
    assert put(session, manager, {"person_id": person.id, "score": 50}).get_json()["is_used"] is False
    with time_machine.travel(START, tick=False):
        do(session, person, EventKind.CLICKED)
        assert ranked(program) == [("Kevin Flynn", 3)]
        use_external(session, alice)
        assert ranked(program) == [("Kevin Flynn", 50)]
        change_rules(session, alice.workspace_id, default_rules())
        finish(session, alice)
        assert ranked(program) == [("Kevin Flynn", 3)]


def test_what_is_wrong_with_one_score_is_told_by_its_index(manager: Program, session: Session, alice: Member) -> None:
    person, foreign = make_person(session, alice), make_person(session, make_member(session, "Mallory"))
    answer = put(
        session, manager,
        {"person_id": person.id, "score": 1}, {"person_id": foreign.id, "score": 1},
        {"email": "x@y.example", "score": 1},
        {"score": 1}, {"person_id": person.id, "score": 1e300}, {"person_id": person.id}, 7,
    )  # fmt: skip
    found = answer.get_json()
    assert (answer.status_code, found["accepted"]) == (200, 1)
    assert [(fault["index"], fault["field"]) for fault in found["refused"]] == [
        (1, "person_id"), (2, "email"), (3, "email"), (4, "score"), (5, "score"), (6, "email"),
    ]  # fmt: skip


def test_reps_may_not_hand_over_scores(program: Program, session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    session.commit()
    assert put(session, program, {"person_id": person.id, "score": 1}).status_code == 403


def ranked(program: Program) -> list[tuple[str, float]]:
    """Return names and scores in the order of the list."""
    return [(item["person"]["name"], round(item["score"], 6)) for item in program.get("/targets").get_json()["items"]]
