"""Sending through the API, and reading where a message stands."""

from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from server.accounts.models import Member, Role, Workspace
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, CopyState, Message
from tests.api.conftest import Program, make_program
from tests.factories import make_copy, make_mailbox, make_member

HTML = '<p>Hello, <a href="https://encom.example/?a=1#b">see this</a></p>'


@pytest.fixture
def mailbox(session: Session, alice: Member, program: Program) -> Mailbox:
    """Alice's linked mailbox."""
    mailbox = make_mailbox(session, alice)
    session.commit()
    return mailbox


def make_body(**fields: Any) -> dict[str, Any]:
    """Return the body of a send."""
    return {"to": "flynn@flynnsarcade.example", "subject": "Lunch?", "html": HTML, **fields}


def test_a_sent_message_is_queued_and_found_at_its_location(program: Program, mailbox: Mailbox) -> None:
    answer = program.post("/messages", make_body())
    assert answer.status_code == 201
    message = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/messages/{message['id']}"
    assert "Idempotency-Replayed" not in answer.headers
    assert (message["state"], message["message_id"], message["sent_at"]) == ("queued", None, None)
    assert message["links"] == [{"position": 1, "target": "https://encom.example/?a=1#b"}]
    assert program.get(f"/messages/{message['id']}").get_json() == message


def test_addresses_come_in_any_of_three_forms(program: Program, mailbox: Mailbox) -> None:
    body = make_body(
        to=["Flynn, Kevin <flynn@flynnsarcade.example>".replace("Flynn, ", ""), {"email": "tron@encom.example"}],
        cc={"email": "alan@encom.example", "name": 'Alan "A1", Bradley'},
        individually=True,
    )
    message = program.post("/messages", body).get_json()
    assert [(one["name"], one["email"], one["kind"], one["is_shared"]) for one in message["recipients"]] == [
        ("Kevin", "flynn@flynnsarcade.example", "to", False),
        ("", "tron@encom.example", "to", False),
        ('Alan "A1", Bradley', "alan@encom.example", "cc", False),
    ]


def test_an_address_cannot_smuggle_in_another(program: Program, mailbox: Mailbox) -> None:
    answer = program.post("/messages", make_body(to={"email": "a@b.example>, <c@d.example", "name": "A"}))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "to.email"
    answer = program.post("/messages", make_body(to={"email": "a@b.example", "name": "A\r\nBcc: c@d.example"}))
    assert answer.status_code == 422


def test_what_the_outbox_cannot_send_is_refused_by_field(program: Program, mailbox: Mailbox) -> None:
    for field, value in (("to", "nobody"), ("to", []), ("cc", ["@"]), ("subject", "a\nb"), ("html", "x" * 2_000_001)):
        answer = program.post("/messages", make_body(**{field: value}))
        assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


def test_without_a_mailbox_the_api_says_how_to_link_one(program: Program) -> None:
    answer = program.post("/messages", make_body())
    assert answer.status_code == 409
    assert "/mailboxes" in answer.get_json()["detail"]


def test_a_mailbox_of_somebody_else_cannot_send(program: Program, session: Session, mailbox: Mailbox) -> None:
    other = make_mailbox(session, make_member(session, "Mallory"))
    session.commit()
    assert program.post("/messages", make_body(mailbox_id=mailbox.id)).status_code == 201
    answer = program.post("/messages", make_body(mailbox_id=other.id))
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "mailbox_id")


def test_a_revoked_mailbox_sends_nothing(program: Program, session: Session, mailbox: Mailbox) -> None:
    mailbox.state = MailboxState.REVOKED
    session.commit()
    assert program.post("/messages", make_body()).status_code == 409


def test_the_same_key_sends_once(program: Program, session: Session, mailbox: Mailbox) -> None:
    first = program.post("/messages", make_body(), Idempotency_Key="order-1")
    again = program.post("/messages", make_body(), Idempotency_Key="order-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(session.exec(select(Copy)).all()) == 1


def test_a_key_used_for_another_body_is_refused(program: Program, session: Session, mailbox: Mailbox) -> None:
    program.post("/messages", make_body(), Idempotency_Key="order-1")
    answer = program.post("/messages", make_body(subject="Dinner?"), Idempotency_Key="order-1")
    assert answer.status_code in (409, 422)
    assert "order-1" in answer.get_json()["detail"]
    assert len(session.exec(select(Message)).all()) == 1


def test_a_key_belongs_to_its_member(app: Flask, program: Program, session: Session, mailbox: Mailbox) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, mailbox.workspace_id))
    make_mailbox(session, bob)
    other = make_program(app, session, bob)
    first = program.post("/messages", make_body(), Idempotency_Key="order-1")
    second = other.post("/messages", make_body(), Idempotency_Key="order-1")
    assert first.get_json()["id"] != second.get_json()["id"]
    assert "Idempotency-Replayed" not in second.headers


def test_text_only_mail_is_not_tracked(program: Program, mailbox: Mailbox) -> None:
    message = program.post("/messages", make_body(html="", text="Hello")).get_json()
    assert (message["track_views"], message["track_clicks"], message["links"]) == (False, False, [])


def test_a_message_shows_what_each_recipient_did(program: Program, session: Session, mailbox: Mailbox) -> None:
    copy = make_copy(
        session, mailbox, "flynn@flynnsarcade.example", "alan@encom.example", rfc822_message_id="<1@mail.example>",
        views=3, clicks=2, replies=1,
    )  # fmt: skip
    session.commit()
    message = program.get(f"/messages/{copy.message_id}").get_json()
    assert (message["state"], message["message_id"]) == ("sent", "<1@mail.example>")
    for recipient in message["recipients"]:
        assert recipient["message_id"] == "<1@mail.example>"
        assert recipient["is_shared"]
        assert [recipient[count] for count in ("views", "clicks", "replies", "bounces")] == [3, 2, 1, 0]


def test_a_failed_copy_says_why(program: Program, session: Session, mailbox: Mailbox) -> None:
    copy = make_copy(session, mailbox, state=CopyState.FAILED, failure="Gmail's limit for today is reached")
    session.commit()
    message = program.get(f"/messages/{copy.message_id}").get_json()
    assert (message["state"], message["failure"]) == ("failed", "Gmail's limit for today is reached")
    assert message["recipients"][0]["failure"] == message["failure"]


def test_messages_of_others_do_not_exist(app: Flask, program: Program, session: Session, mailbox: Mailbox) -> None:
    bob = make_member(session, "Bob", session.get_one(Workspace, mailbox.workspace_id))
    copy = make_copy(session, make_mailbox(session, bob))
    carol = make_member(session, "Carol", session.get_one(Workspace, mailbox.workspace_id), role=Role.MANAGER)
    session.commit()
    for message_id in (copy.message_id, 999, 2**31 - 1, 2**31, 2**70, 0, -1):
        assert program.get(f"/messages/{message_id}").status_code == 404
    assert program.items("/messages") == []
    assert make_program(app, session, carol).get(f"/messages/{copy.message_id}").status_code == 200


def test_the_list_holds_every_message_once_newest_first(program: Program, session: Session, mailbox: Mailbox) -> None:
    made = [make_copy(session, mailbox).message_id for _ in range(5)]
    session.commit()
    assert [message["id"] for message in program.items("/messages", limit=2)] == made[::-1]
