"""GET /api/v1/events: newest first by cursor, or in the order of the log with `after`."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace
from server.events.models import EventKind, Verdict
from server.messages.models import Copy
from tests.api.conftest import START, Program, add_event, make_program
from tests.factories import make_copy, make_mailbox, make_member


def ids(items: list[dict[str, int]]) -> list[int]:
    """Return the ids in their order."""
    return [item["id"] for item in items]


def test_an_event_carries_what_is_believed_and_why(program: Program, session: Session, copy: Copy) -> None:
    add_event(
        session, copy, 1, EventKind.CLICKED, person_name="Kevin Flynn", person_address="flynn@flynnsarcade.example",
        link_target="https://encom.example/?a=1#b", place_city="Lyon", place_country="FR", place_source="network",
        reasons=["browser"], confidence=0.9, verdict=Verdict.HUMAN,
    )  # fmt: skip
    session.commit()
    assert program.get("/events").get_json() == {
        "items": [
            {
                "id": 1,
                "kind": "clicked",
                "at": "2026-03-02T09:01:00Z",
                "recorded_at": "2026-03-02T09:01:00Z",
                "verdict": "human",
                "confidence": 0.9,
                "reasons": ["browser"],
                "person": {"id": None, "name": "Kevin Flynn", "email": "flynn@flynnsarcade.example"},
                "candidates": [],
                "member_id": copy_member(session, copy),
                "message": copy.message_id,
                "recipient": None,
                "subject": "Lunch on Thursday?",
                "content_kind": "sales",
                "place": {"city": "Lyon", "country": "FR", "source": "network"},
                "link": "https://encom.example/?a=1#b",
                "sender": None,
                "details": {},
            }
        ],
        "next": None,
    }


def copy_member(session: Session, copy: Copy) -> int:
    """Return the id of the member who sent `copy`."""
    from server.messages.models import Message

    return session.get_one(Message, copy.message_id).member_id


def test_a_shared_copy_leaves_the_person_open(program: Program, session: Session, copy: Copy) -> None:
    everybody = ["flynn@flynnsarcade.example", "alan@encom.example"]
    add_event(session, copy, 1, person_candidates=everybody, person_address=everybody[0])
    session.commit()
    (event,) = program.items("/events")
    assert (event["person"], event["candidates"]) == (None, everybody)


def test_a_reply_names_its_sender(program: Program, session: Session, copy: Copy) -> None:
    add_event(session, copy, 1, EventKind.REPLIED, person_name="Kevin", person_address="kevinf@flynnsarcade.example")
    session.commit()
    (event,) = program.items("/events")
    assert event["sender"] == event["person"] == {"id": None, "name": "Kevin", "email": "kevinf@flynnsarcade.example"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_event_once_newest_first(program: Program, session: Session, copy: Copy, limit: int) -> None:
    for number in range(1, 8):  # pairs at the same time; every third is a machine's
        at = START + timedelta(minutes=number // 2)
        add_event(session, copy, number, at=at, is_shown=number % 3 != 0)
    session.commit()
    assert ids(program.items("/events", limit=limit)) == [7, 6, 5, 4, 3, 2, 1]
    assert ids(program.items("/events", limit=limit, include_machine="false")) == [7, 5, 4, 2, 1]


def test_what_comes_while_paging_moves_nothing(program: Program, session: Session, copy: Copy) -> None:
    for number in (1, 2, 3, 4):
        add_event(session, copy, number)
    session.commit()
    page = program.get("/events", limit=2).get_json()
    add_event(session, copy, 5)
    session.commit()
    assert ids(program.get("/events", limit=2, cursor=page["next"]).get_json()["items"]) == [2, 1]


def test_after_follows_the_log_in_the_order_of_commits(program: Program, session: Session, copy: Copy) -> None:
    for number, minute in ((1, 5), (2, 1), (3, 9)):
        add_event(session, copy, number, at=START + timedelta(minutes=minute), is_shown=number != 3)
    session.commit()
    assert ids(program.items("/events", after=0, limit=2)) == [1, 2]
    assert ids(program.items("/events", after=2)) == [3]
    assert ids(program.items("/events", after=1, include_machine="false")) == [2]
    assert program.items("/events", after=3) == []


def test_filters_narrow_together(program: Program, session: Session, alice: Member, copy: Copy) -> None:
    add_event(session, copy, 1)
    add_event(session, copy, 2, EventKind.CLICKED)
    add_event(session, copy, 3, EventKind.REPLIED, verdict=Verdict.UNKNOWN, person_id=12)
    session.commit()
    assert ids(program.items("/events", kind="clicked")) == [2]
    assert ids(program.items("/events", kind=["clicked", "replied"])) == [3, 2]
    assert ids(program.items("/events", verdict="unknown")) == [3]
    assert ids(program.items("/events", person=12)) == [3]
    assert ids(program.items("/events", message=copy.message_id, kind="viewed")) == [1]
    assert program.items("/events", message=2**31 - 1) == []
    assert ids(program.items("/events", since="2026-03-02T10:02:00+01:00", until="2026-03-02T09:03:00Z")) == [2]


def test_an_altered_or_foreign_cursor_is_refused(program: Program, session: Session, copy: Copy) -> None:
    for number in (1, 2, 3):
        add_event(session, copy, number)
    session.commit()
    cursor = program.get("/events", limit=1).get_json()["next"]
    altered = cursor[:-1] + ("A" if cursor[-1] != "A" else "Q")
    for path, text in (("/events", altered), ("/events", "é"), ("/events", "A"), ("/messages", cursor)):
        answer = program.get(path, cursor=text)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.get_json()["errors"]] == ["cursor"]
    assert program.get("/events", cursor=cursor, after=0).status_code == 422


def test_members_see_their_own_and_managers_the_team(app: Flask, session: Session, alice: Member, copy: Copy) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    bob = make_member(session, "Bob", workspace)
    carol = make_member(session, "Carol", workspace, role=Role.MANAGER)
    mallory = make_member(session, "Mallory", role=Role.ADMIN)
    add_event(session, copy, 1)
    add_event(session, make_copy(session, make_mailbox(session, mallory)), 2)
    assert ids(make_program(app, session, alice).items("/events")) == [1]
    assert make_program(app, session, bob).items("/events") == []
    assert make_program(app, session, bob).get("/events", scope="team").status_code == 403
    manager = make_program(app, session, carol)
    assert manager.items("/events") == []
    assert ids(manager.items("/events", scope="team")) == [1]
    assert ids(make_program(app, session, mallory).items("/events", scope="team")) == [2]


def test_a_workspace_can_keep_its_team_from_managers(app: Flask, session: Session, alice: Member, copy: Copy) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    manager = make_member(session, "Carol", workspace, role=Role.MANAGER)
    workspace.managers_see_team = False
    program = make_program(app, session, manager)
    assert program.get("/events", scope="team").status_code == 403
    assert program.get(f"/messages/{copy.message_id}").status_code == 404
