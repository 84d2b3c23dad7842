"""Campaigns through the API: written with their steps, confirmed, paused, ended, and the people in them."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.campaigns import runs
from server.campaigns.models import Campaign, Delivery, DeliveryState, Run
from server.campaigns.stops import stop_on_reply
from server.clock import now
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState, InboundKind, InboundMail
from server.people.models import Person
from tests.api.conftest import Program, make_program
from tests.campaigns.conftest import add_people, work
from tests.factories import add, make_copy, make_mailbox, make_member

STEPS = [
    {"kind": "email", "texts": [{"subject": "Hello {{first_name|there}}", "html": "<p>Hello</p>"},
                                {"subject": "Good day", "html": "<p>Good day</p>"}]},
    {"kind": "wait", "minutes": 60},
    {"kind": "condition", "did": "clicked", "yes": 4, "no": 5},
    {"kind": "task", "name": "Call", "task_kind": "call", "due_days": 1},
    {"kind": "end"},
]  # fmt: skip
AUDIENCE = {"all": [{"owner": "me"}, {"not": {"did": "replied", "times": 1, "days": 30}}]}


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    """Alice's mailbox."""
    return make_mailbox(session, alice)


@pytest.fixture
def people(session: Session, alice: Member) -> list[Person]:
    """Three people of Alice's."""
    return add_people(session, alice, 3)


@pytest.fixture
def caller(app: Flask, session: Session, alice: Member, mailbox: Mailbox, people: list[Person]) -> Program:
    """Alice's program."""
    return make_program(app, session, alice)


def change(caller: Program, method: str, path: str) -> TestResponse:
    return caller.client.open(f"/api/v1{path}", method=method, headers=caller.headers)


def start(caller: Program, session: Session, **fields: Any) -> str:
    """Add, confirm and start a campaign that sends at any time; return its path."""
    window = {"days": [1, 2, 3, 4, 5, 6, 7], "window_start": "00:00", "window_end": "24:00", "per_minute": 60}
    body = {"name": "Spring", "audience": AUDIENCE, "steps": STEPS, **window, **fields}
    made = caller.post("/campaigns", body)
    assert made.status_code == 201, made.text
    path = f"/campaigns/{made.get_json()['id']}"
    assert caller.post(f"{path}/confirmation", {}).status_code == 201
    campaign = session.get_one(Campaign, made.get_json()["id"])
    campaign.starts_at = now()
    session.add(campaign)
    session.commit()
    work(session, campaign)
    return path


def test_a_campaign_is_written_confirmed_and_taken_back(caller: Program, mailbox: Mailbox) -> None:
    made = caller.post("/campaigns", {"name": "Spring", "audience": AUDIENCE, "steps": STEPS})
    told = made.get_json()
    assert (made.status_code, told["state"], told["mailbox_id"]) == (201, "draft", mailbox.id)
    assert [step["kind"] for step in told["steps"]] == ["email", "wait", "condition", "task", "end"]
    assert [text["label"] for text in told["steps"][0]["texts"]] == ["A", "B"]
    path = made.location.partition("/api/v1")[2]
    assert caller.post(f"{path}/confirmation", {}).get_json()["state"] == "confirmed"
    assert change(caller, "DELETE", f"{path}/confirmation").get_json()["state"] == "draft"
    assert change(caller, "DELETE", f"{path}/confirmation").status_code == 409
    assert [item["name"] for item in caller.items("/campaigns", state="draft")] == ["Spring"]
    assert caller.items("/campaigns", state="running") == []


def test_a_campaign_runs_is_paused_and_ends(caller: Program, session: Session) -> None:
    path = start(caller, session)
    told = caller.get(path).get_json()
    assert told["board"] == {
        "run": 1, "state": "running", "audience_size": 3, "active": 3, "paused": 0, "ended": 0, "ends": {},
    }  # fmt: skip
    assert told["steps"][0]["figures"]["targeted"] == 3
    assert told["steps"][0]["next_for"] == 3
    assert change(caller, "PUT", f"{path}/pause").get_json()["state"] == "paused"
    assert change(caller, "PUT", f"{path}/pause").status_code == 409
    assert change(caller, "DELETE", f"{path}/pause").get_json()["state"] == "running"
    assert change(caller, "PUT", f"{path}/end").get_json()["state"] == "done"
    assert caller.get(path).get_json()["board"]["ends"] == {"by_hand": 3}


def test_people_are_listed_in_pages_and_one_is_stopped(caller: Program, session: Session) -> None:
    path = start(caller, session)
    lines = caller.items(f"{path}/enrolments", limit=2)
    assert [line["person"]["name"] for line in lines] == ["Person 1", "Person 2", "Person 3"]
    stopped = change(caller, "PUT", f"{path}/enrolments/{lines[0]['id']}/end").get_json()
    assert (stopped["state"], stopped["end_reason"], stopped["due_at"]) == ("ended", "by_hand", None)
    assert change(caller, "PUT", f"{path}/enrolments/{lines[0]['id']}/end").get_json() == stopped
    assert [line["id"] for line in caller.items(f"{path}/enrolments", state="ended")] == [lines[0]["id"]]
    assert change(caller, "PUT", f"{path}/enrolments/99/end").status_code == 404


def test_each_mail_is_listed_and_what_failed_is_tried_again(caller: Program, session: Session) -> None:
    path = start(caller, session)
    lines = caller.items(f"{path}/deliveries", limit=2)
    assert [(line["person"]["name"], line["step"], line["state"]) for line in lines] == [
        ("Person 1", 1, "queued"), ("Person 2", 1, "waiting"), ("Person 3", 1, "waiting"),
    ]  # fmt: skip
    retry = f"{path}/deliveries/{lines[0]['id']}/retry"
    assert change(caller, "POST", retry).status_code == 409
    delivery = session.get_one(Delivery, lines[0]["id"])
    campaign = session.get_one(Campaign, delivery.campaign_id)
    copy = session.get_one(Copy, delivery.copy_id)
    message_id = copy.message_id
    copy.state, copy.failure = CopyState.FAILED, "Gmail refused it"
    session.add(copy)
    session.commit()
    work(session, campaign)
    assert [line["reason"] for line in caller.items(f"{path}/deliveries", state="error")] == ["Gmail refused it"]
    again = change(caller, "POST", retry).get_json()
    assert (again["state"], again["reason"], again["message_id"]) == ("queued", "", message_id)
    assert again["text"] in ("A", "B")  # each person gets the same one of them in every try
    [retried, ended, *_started] = caller.items(f"{path}/history", limit=1)
    assert (retried["kind"], retried["by"]["name"], retried["person"]["name"]) == ("mail_retried", "Alice", "Person 1")
    assert (ended["kind"], ended["by"], ended["reason"]) == ("person_ended", None, "error")


def test_a_list_is_filled_asked_for_and_removed(caller: Program) -> None:
    sent = {"name": "Fair", "addresses": ["person1@prospect.example", "nobody@prospect.example"]}
    made = caller.post("/lists", sent)
    told = made.get_json()
    assert (made.status_code, told["people"], told["unknown"]) == (201, 1, ["nobody@prospect.example"])
    assert caller.post("/lists", sent).status_code == 409
    path = made.location.partition("/api/v1")[2]
    more = caller.post(f"{path}/people", {"audience": {"owner": "me"}}).get_json()
    assert (more["people"], more["unknown"]) == (3, [])
    assert caller.get(path).get_json()["people"] == 3
    assert [item["name"] for item in caller.items("/lists")] == ["Fair"]
    draft = caller.post("/campaigns", {"name": "Spring", "audience": {"list": told["id"]}})
    assert draft.status_code == 201
    assert change(caller, "DELETE", path).status_code == 204
    assert caller.get(path).status_code == 404
    assert change(caller, "DELETE", "/lists/99999999999").status_code == 404


def test_who_stopped_it_is_told_with_the_mail(
    caller: Program, session: Session, mailbox: Mailbox, people: list[Person]
) -> None:
    path = start(caller, session)
    line = caller.items(f"{path}/enrolments", limit=1)[0]
    copy = make_copy(session, mailbox)
    delivery = session.exec(select(Delivery).where(Delivery.enrolment_id == line["id"])).one()
    delivery.copy_id, delivery.state = copy.id, DeliveryState.SENT
    mail = InboundMail(
        mailbox_id=mailbox.id, copy_id=copy.id, gmail_id="reply", kind=InboundKind.REPLY, subject="Re: Hello",
        sender_address="kevinf@flynnsarcade.com", sender_name="Kevin F.", received_at=now(),
    )  # fmt: skip
    stop_on_reply(session, copy, add(session, mail))
    session.commit()
    told = next(one for one in caller.items(f"{path}/enrolments") if one["id"] == line["id"])
    assert (told["state"], told["end_reason"]) == ("ended", "replied")
    assert told["ended_by"]["email"] == "kevinf@flynnsarcade.com"
    assert told["ended_by"]["message_id"] == copy.message_id


def test_a_person_begins_a_trigger_campaign_once(caller: Program, session: Session, people: list[Person]) -> None:
    path = start(caller, session, kind="trigger", trigger={"kind": "clicked"}, audience={})
    first = caller.post(f"{path}/enrolments", {"person_id": people[0].id})
    assert (first.status_code, first.get_json()["state"]) == (201, "active")
    again = caller.post(f"{path}/enrolments", {"person_id": people[0].id})
    assert (again.status_code, again.get_json()["id"]) == (200, first.get_json()["id"])
    assert caller.post(f"{path}/enrolments", {"person_id": 999}).status_code == 404
    batch = start(caller, session, name="Batch")
    assert caller.post(f"{batch}/enrolments", {"person_id": people[0].id}).status_code == 409


def test_a_trigger_that_fires_again_lets_nobody_miss_a_mail(
    caller: Program, session: Session, people: list[Person]
) -> None:
    path = start(caller, session, kind="trigger", trigger={"kind": "clicked"}, audience={})
    campaign = session.get_one(Campaign, int(path.rsplit("/", 1)[1]))
    for _time in range(2):
        runs.enrol(session, campaign, session.exec(select(Run)).one(), [people[0].id or 0])
    session.commit()
    assert caller.get(path).get_json()["steps"][0]["figures"] is None  # nothing is excluded


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": " "}, "name"),
        ({"audience": {"owner": "me\0"}}, "audience"),
        ({"audience": {"shoe_size": 43}}, "audience"),
        ({"mailbox_id": 999}, "mailbox_id"),
        ({"window_start": "9:00"}, "window_start"),
        ({"window_start": "18:00"}, "window"),
        ({"steps": [{"kind": "fax"}]}, "steps[0]"),
        ({"steps": [{"kind": "wait", "minutes": 0}]}, "steps[0].minutes"),
        ({"steps": [{"kind": "condition", "did": "bounced"}]}, "steps[0].did"),
        ({"steps": [{"kind": "email", "texts": [{"subject": "{{nonsense}}", "html": "<p>x</p>"}]}]}, "steps.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(caller: Program, fields: dict[str, Any], named: str) -> None:
    answer = caller.post("/campaigns", {"name": "Spring", "audience": AUDIENCE, **fields})
    assert answer.status_code == 422
    assert named in [one["field"] for one in answer.get_json()["errors"]]


def test_an_empty_draft_cannot_be_confirmed(caller: Program) -> None:
    made = caller.post("/campaigns", {"name": "Spring"}).get_json()
    answer = caller.post(f"/campaigns/{made['id']}/confirmation", {})
    assert answer.status_code == 422
    assert {one["field"] for one in answer.get_json()["errors"]} == {"steps", "audience"}


def test_a_colleague_sees_nothing_of_it(app: Flask, caller: Program, session: Session, alice: Member) -> None:
    made = caller.post("/campaigns", {"name": "Spring"}).get_json()
    bob = make_program(app, session, make_member(session, "Bob"))
    assert bob.items("/campaigns") == []
    assert bob.get(f"/campaigns/{made['id']}").status_code == 404
    assert change(bob, "PUT", f"/campaigns/{made['id']}/pause").status_code == 404


def patch(caller: Program, path: str, body: dict[str, Any]) -> TestResponse:
    return caller.client.patch(f"/api/v1{path}", json=body, headers=caller.headers)


def test_what_is_named_of_a_draft_is_changed_and_the_rest_stays(caller: Program) -> None:
    made = caller.post("/campaigns", {"name": "Spring", "audience": AUDIENCE, "steps": STEPS}).get_json()
    path = f"/campaigns/{made['id']}"
    window = {"days": [5, 4, 4], "window_start": "10:00", "window_end": "12:30"}
    told = patch(caller, path, {"audience": {"owner": "me"}, **window}).get_json()
    assert told == made | {"audience": {"owner": "me"}, **window, "days": [4, 5]}
    told = patch(caller, path, {"name": "Summer", "steps": [{"kind": "wait", "minutes": 5}]}).get_json()
    assert (told["name"], [step["kind"] for step in told["steps"]], told["window_end"]) == ("Summer", ["wait"], "12:30")
    wrong = patch(caller, path, {"steps": [{"kind": "wait", "minutes": 0}], "shoe_size": 43})
    assert {one["field"] for one in wrong.get_json()["errors"]} == {"steps[0].minutes", "shoe_size"}
    assert patch(caller, path, {"window_start": "13:00"}).get_json()["errors"][0]["field"] == "window"
    assert patch(caller, path, {"name": ""}).status_code == 422


def test_a_campaign_that_is_no_draft_is_not_changed(caller: Program, session: Session) -> None:
    path = start(caller, session)
    assert patch(caller, path, {"name": "Other"}).status_code == 409
    assert patch(caller, path, {"steps": []}).status_code == 409


def test_a_person_is_held_back_goes_on_skips_a_step_and_ends(caller: Program, session: Session) -> None:
    path = start(caller, session)
    one = f"{path}/enrolments/{caller.items(f'{path}/enrolments')[0]['id']}"
    held = change(caller, "PUT", f"{one}/pause").get_json()
    assert (held["state"], held["paused_reason"], held["paused_until"]) == ("paused", "held_by_hand", None)
    assert change(caller, "PUT", f"{one}/pause").get_json() == held == caller.get(one).get_json()
    assert change(caller, "DELETE", f"{one}/pause").get_json()["state"] == "active"
    assert change(caller, "DELETE", f"{one}/pause").get_json()["state"] == "active"
    for _time in range(2):
        assert caller.post(f"{one}/skip", {"position": 1}).get_json()["position"] == 2
    assert caller.post(f"{one}/skip", {"position": 3}).status_code == 409
    assert change(caller, "PUT", f"{one}/end").get_json()["state"] == "ended"
    for answer in (change(caller, "PUT", f"{one}/pause"), change(caller, "DELETE", f"{one}/pause"),
                   caller.post(f"{one}/skip", {"position": 2})):  # fmt: skip
        assert answer.status_code == 409
    assert caller.get(one).get_json()["end_reason"] == "by_hand"


def test_a_draft_and_what_is_done_can_be_deleted(caller: Program, session: Session) -> None:
    path = f"/campaigns/{caller.post('/campaigns', {'name': 'Spring'}).get_json()['id']}"
    assert change(caller, "DELETE", path).status_code == 204
    assert (caller.get(path).status_code, caller.items("/campaigns")) == (404, [])
    path = start(caller, session)
    assert change(caller, "DELETE", path).status_code == 409
    change(caller, "PUT", f"{path}/end")
    assert change(caller, "DELETE", path).status_code == 204
