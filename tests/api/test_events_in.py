"""POST /api/v1/events: each fact once by its id, the good ones kept beside the refused, each with its right person."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.events.models import UNOWNED, Event
from server.people.people import ensure_person
from tests.api.conftest import Program, make_program
from tests.api.test_problems import fields
from tests.factories import make_member

AT = (now() - timedelta(hours=2)).replace(microsecond=0)


def event(key: str = "e-1", **changes: Any) -> dict[str, Any]:
    """Return a click as a marketing program reports it."""
    body = {"id": key, "kind": "clicked", "at": AT.isoformat(), "email": "flynn@flynnsarcade.example", **changes}
    return {name: value for name, value in body.items() if value is not ...}


def send(program: Program, *events: Any) -> dict[str, Any]:
    """Send `events` and return what became of them."""
    answer = program.post("/events", {"events": list(events)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def stored(session: Session) -> list[Event]:
    session.rollback()
    return list(session.exec(select(Event).order_by(col(Event.id))))


def test_a_reported_click_is_an_event_of_marketing(program: Program, session: Session, alice: Member) -> None:
    reported = event(
        name="Kevin  Flynn", subject="Autumn newsletter", url="https://encom.example/?a=1#b", details={"list": 7}
    )
    assert send(program, reported) == {"accepted": 1, "known": 0, "refused": []}
    (row,) = stored(session)
    assert (row.hit_id, row.kind, row.at, row.content_kind) == (
        f"api:{alice.workspace_id}:e-1", "clicked", AT, "marketing",
    )  # fmt: skip
    assert (row.verdict, row.reasons, row.is_shown) == ("human", ["reported"], True)
    assert (row.person_name, row.person_address) == ("Kevin Flynn", "flynn@flynnsarcade.example")
    assert (row.subject, row.link_target, row.details) == (
        "Autumn newsletter", "https://encom.example/?a=1#b", {"list": 7},
    )  # fmt: skip


def test_whom_nobody_owns_is_read_by_every_member(
    app: Flask, program: Program, session: Session, alice: Member
) -> None:
    from server.accounts.models import Workspace

    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    mallory = make_program(app, session, make_member(session, "Mallory"))
    colleague = make_program(app, session, bob)
    send(program, event())
    assert [row.member_id for row in stored(session)] == [UNOWNED]
    for reader in (program, colleague):
        (item,) = reader.items("/events")
        assert (item["member_id"], item["content_kind"]) == (None, "marketing")
        assert reader.get("/events", after=0).get_json()["items"] == [item]
    assert mallory.items("/events") == []
    assert mallory.get("/events", after=0).get_json()["items"] == []


def test_a_known_persons_owner_has_the_event(app: Flask, program: Program, session: Session, alice: Member) -> None:
    from server.accounts.models import Workspace

    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    person = ensure_person(session, bob.workspace_id, bob.id, "flynn@flynnsarcade.example", "Kevin")
    owner = make_program(app, session, bob)
    send(program, event(email="FLYNN@flynnsarcade.EXAMPLE", name="Other"))
    assert program.items("/events") == []
    (item,) = owner.items("/events")
    assert item["person"] == {"id": person.id, "name": "Kevin", "email": "flynn@flynnsarcade.example"}


def test_a_batch_sent_again_is_known(program: Program, session: Session) -> None:
    batch = [event(f"e-{number}") for number in range(5)]
    assert send(program, *batch, batch[0]) == {"accepted": 5, "known": 1, "refused": []}
    assert send(program, *batch, event("e-5")) == {"accepted": 1, "known": 5, "refused": []}
    later = event("e-0", at=(AT + timedelta(minutes=1)).isoformat())
    assert send(program, later) == {"accepted": 0, "known": 1, "refused": []}
    assert [row.hit_id.rsplit(":")[-1] for row in stored(session)] == [f"e-{number}" for number in range(6)]


def test_workspaces_have_ids_of_their_own(app: Flask, program: Program, session: Session) -> None:
    other = make_program(app, session, make_member(session, "Mallory"))
    assert send(program, event())["accepted"] == send(other, event())["accepted"] == 1


def test_the_good_ones_are_kept_beside_the_refused(program: Program, session: Session) -> None:
    taken = send(
        program,
        event("good-1"),
        event("e-1", kind="replied"),
        "no object",
        event("good-2"),
        event("e-2", email="nobody", colour="red"),
        event("two words"),
    )
    assert (taken["accepted"], taken["known"]) == (2, 0)
    assert [(one["index"], one["field"]) for one in taken["refused"]] == [
        (1, "kind"), (2, ""), (4, "email"), (4, "colour"), (5, "id"),
    ]  # fmt: skip
    assert "'viewed', 'clicked', 'web_visited'" in taken["refused"][0]["detail"]
    assert "known are id, kind, at, email" in taken["refused"][3]["detail"]
    assert [row.hit_id.rsplit(":")[-1] for row in stored(session)] == ["good-1", "good-2"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at": (now() + timedelta(days=1)).isoformat()}, "at"),
        ({"at": (now() - timedelta(days=400)).isoformat()}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": 1_772_442_000}, "at"),
        ({"at": ...}, "at"),
        ({"email": "Kevin <flynn@flynnsarcade.example>"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://a.example/\r\nx"}, "url"),
        ({"subject": "a\0b"}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"name": "\ud800"}, "name"),
        ({"details": {"a": {"b": 1}}}, "details.a"),
        ({"details": {"a": "\0"}}, "details.a"),
        ({"details": {"a": "\ud800"}}, "details.a"),
        ({"details": {"a": 1e308}}, "details.a"),
        ({"details": {"a": 10**40}}, "details.a"),
        ({"details": {str(number): 1 for number in range(21)}}, "details"),
        ({"content_kind": "spam"}, "content_kind"),
        ({"verdict": "self"}, "verdict"),
        ({"id": "x" * 201}, "id"),
        ({"id": 7}, "id"),
        ({"kind": "interesting_moment"}, "details"),
        ({"kind": "interesting_moment", "details": {"moment": "web", "text": " "}}, "details"),
    ],
)
def test_each_wrong_field_is_named(program: Program, session: Session, changes: dict[str, Any], field: str) -> None:
    taken = send(program, event(**{"details": {}, **changes}))
    assert taken["accepted"] == 0
    (refused,) = taken["refused"]
    assert (refused["index"], refused["field"]) == (0, field)
    assert stored(session) == []


def test_a_clock_that_is_a_little_fast_is_forgiven(program: Program, session: Session) -> None:
    assert send(program, event(at=(now() + timedelta(seconds=20)).isoformat()))["accepted"] == 1
    (row,) = stored(session)
    assert row.at <= now()


@pytest.mark.parametrize(
    "kind", ["viewed", "clicked", "web_visited", "document_opened", "downloaded", "unsubscribed", "complained"]
)
def test_what_a_machine_did_is_kept_and_not_shown(program: Program, session: Session, kind: str) -> None:
    send(program, event("human", kind=kind), event("machine", kind=kind, verdict="machine"))
    assert [(row.verdict, row.is_shown) for row in stored(session)] == [("human", True), ("machine", False)]


def test_a_moment_among_events_tells_itself(program: Program, session: Session) -> None:
    details = {"moment": "milestone", "text": "Asked for a demo"}
    assert send(program, event(kind="interesting_moment", details=details))["accepted"] == 1
    (row,) = stored(session)
    assert (row.kind, row.subject, row.details) == ("interesting_moment", "Asked for a demo", details)


def test_a_batch_is_neither_empty_nor_endless(program: Program) -> None:
    for events in ([], [event(str(number)) for number in range(501)], "events"):
        answer = program.post("/events", {"events": events})
        assert (answer.status_code, fields(answer)) == (422, ["events"])
    assert fields(program.post("/events", {"event": [event()]})) == ["events", "event"]
    assert len(send(program, *[event(str(number)) for number in range(500)])) == 3


def test_no_number_that_json_has_not_is_taken(program: Program, session: Session) -> None:
    body = '{"events": [{"id": "a", "kind": "viewed", "at": "%s", "email": "a@b.example", "details": {"x": NaN}}]}'
    answer = program.client.post(
        "/api/v1/events", data=body % AT.isoformat(), headers=program.headers, content_type="application/json"
    )
    assert [one["field"] for one in answer.get_json()["refused"]] == ["details.x"]
