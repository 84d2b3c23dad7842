"""The pages: compose, what was sent, one message; what each member may see there."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member, Role, Workspace
from server.consent.models import Mode, WorkspacePolicy
from server.messages.models import Copy, CopyState, Message
from tests.factories import make_copy, make_mailbox, make_member
from tests.sign_in import sign_in


@pytest.fixture
def alice(session: Session, client: FlaskClient) -> Member:
    alice = make_member(session)
    make_mailbox(session, alice)
    sign_in(client, alice)
    return alice


def send_form(client: FlaskClient, **fields: str) -> tuple[int, str]:
    form = {"key": "k1", "to": "flynn@flynns.example", "subject": "Lunch", "html": "<p>Hi</p>", "track_views": "yes"}
    answer = client.post("/messages", data=form | fields)
    return answer.status_code, answer.headers.get("Location", "") if answer.status_code == 303 else answer.text


def test_without_a_mailbox_compose_leads_to_connecting_one(session: Session, client: FlaskClient) -> None:
    sign_in(client, make_member(session))
    page = client.get("/compose").text
    assert 'href="/mailboxes"' in page
    assert 'id="compose"' not in page


def test_compose_takes_recipient_and_subject_from_its_address(client: FlaskClient, alice: Member) -> None:
    page = client.get("/compose?to=flynn@flynns.example&subject=Lunch%3F").text
    assert 'value="flynn@flynns.example"' in page
    assert 'value="Lunch?"' in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": Mode.OFF}, "Nothing is tracked in mail from alice@acme.example"),
        ({"mode": Mode.AGGREGATE}, "only numbers are kept"),
        ({"pixels_need_consent": True}, "views show only of people who have agreed"),
        ({}, ""),
    ],
)
def test_compose_says_beforehand_what_will_not_be_seen(
    client: FlaskClient, alice: Member, session: Session, values: dict[str, Any], words: str
) -> None:
    session.add(WorkspacePolicy(workspace_id=alice.workspace_id, **values))
    session.commit()
    page = client.get("/compose").text
    assert words in page
    assert ("policy" in page or "agreed" in page) == bool(words)


def test_sending_leads_to_the_message(client: FlaskClient, alice: Member, session: Session) -> None:
    assert send_form(client)[0] == 303
    message = session.exec(select(Message)).one()
    page = client.get(f"/messages/{message.id}").text
    assert "flynn@flynns.example" in page
    assert "Queued" in page


def test_a_form_submitted_twice_sends_once(client: FlaskClient, alice: Member, session: Session) -> None:
    assert send_form(client) == send_form(client)
    assert len(session.exec(select(Message)).all()) == 1


def test_an_error_stands_at_its_field_and_nothing_entered_is_lost(client: FlaskClient, alice: Member) -> None:
    status, page = send_form(client, to="flynn", html="<p>Dear <b>Flynn</b></p>", individually="yes")
    assert status == 422
    assert re.search(r'<input[^>]*id="to"[^>]*aria-invalid="true"', page)
    assert "“flynn” is not an email address" in page
    assert "&lt;b&gt;Flynn&lt;/b&gt;" in page
    assert re.search(r'name="individually"[^>]*checked', page)
    assert not re.search(r'name="track_clicks"[^>]*checked', page)


def test_html_that_is_shown_again_cannot_run(client: FlaskClient, alice: Member) -> None:
    _, page = send_form(client, to="flynn", html="<img src=x onerror=alert(1)>")
    assert "onerror" not in page


def test_without_javascript_the_text_becomes_paragraphs(client: FlaskClient, alice: Member, session: Session) -> None:
    send_form(client, html="", body="Hi <Flynn>,\r\nlunch?\r\n\r\nAlice")
    message = session.exec(select(Message)).one()
    assert message.html == "<p>Hi &lt;Flynn&gt;,<br>lunch?</p><p>Alice</p>"


def test_text_only_mail_shows_as_not_trackable(client: FlaskClient, alice: Member, session: Session) -> None:
    _, location = send_form(client, html="", body="Hi", is_plain="yes")
    assert "Not trackable: a text-only mail" in client.get(location).text
    assert "not trackable" in client.get("/messages").text


def test_sent_mail_is_listed_newest_first_in_pages(client: FlaskClient, alice: Member, session: Session) -> None:
    for number in range(60):
        send_form(client, key=f"k{number}", subject=f"Mail {number:02}")
    first = client.get("/messages").text
    assert re.findall(r"Mail (\d\d)<", first) == [f"{n:02}" for n in range(59, 9, -1)]
    older = re.search(r"before=(\d+)", first)
    assert older
    assert re.findall(r"Mail (\d\d)<", client.get(f"/messages?before={older[1]}").text) == [
        f"{n:02}" for n in range(9, -1, -1)
    ]


def test_live_parts_are_answered_alone(client: FlaskClient, alice: Member, session: Session) -> None:
    _, location = send_form(client)
    for path in (location, "/messages"):
        part = client.get(path, headers={"HX-Request": "true"}).text
        assert "<html" not in part
        assert 'hx-trigger="warmline:message from:body' in part


def test_a_reply_without_a_view_is_explained(client: FlaskClient, alice: Member, session: Session) -> None:
    _, location = send_form(client)
    assert "Why is there no view?" not in client.get(location).text
    copy = session.exec(select(Copy)).one()
    copy.state, copy.replies = CopyState.SENT, 1
    session.add(copy)
    session.commit()
    assert "Why is there no view?" in client.get(location).text


@pytest.fixture
def failed(session: Session, client: FlaskClient, alice: Member) -> Copy:
    send_form(client)
    copy = session.exec(select(Copy)).one()
    copy.state, copy.failure, copy.rfc822_message_id = CopyState.FAILED, "Gmail refused it", None
    session.add(copy)
    session.commit()
    return copy


def test_a_failed_mail_shows_its_reason_and_can_be_tried_again(
    client: FlaskClient, session: Session, failed: Copy
) -> None:
    page = client.get(f"/messages/{failed.message_id}").text
    assert "Gmail refused it" in page
    assert f'action="/copies/{failed.id}/retries"' in page
    assert client.post(f"/copies/{failed.id}/retries").status_code == 303
    session.refresh(failed)
    assert (failed.state, failed.failure) == (CopyState.QUEUED, "")


def test_retry_over_htmx_answers_how_the_message_stands(client: FlaskClient, failed: Copy) -> None:
    part = client.post(f"/copies/{failed.id}/retries", headers={"HX-Request": "true"}).text
    assert part.strip().startswith('<section id="message-state"')
    assert "Queued" in part


def test_what_did_not_fail_is_not_tried_again(client: FlaskClient, failed: Copy) -> None:
    client.post(f"/copies/{failed.id}/retries")
    assert client.post(f"/copies/{failed.id}/retries").status_code == 409


def test_a_colleague_sees_and_retries_nothing(client: FlaskClient, session: Session, failed: Copy) -> None:
    message = session.get_one(Message, failed.message_id)
    workspace = session.get_one(Workspace, message.workspace_id)
    for other in (make_member(session, "Bob", workspace), make_member(session, "Mallory")):
        sign_in(client, other)
        assert client.get(f"/messages/{message.id}").status_code == 404
        assert client.post(f"/copies/{failed.id}/retries").status_code == 404
        assert "Lunch" not in client.get("/messages").text


def test_a_manager_sees_the_teams_mail_but_does_not_send_it(session: Session, client: FlaskClient) -> None:
    alice = make_member(session)
    copy = make_copy(session, make_mailbox(session, alice), state=CopyState.FAILED, failure="Gmail refused it")
    workspace = session.get_one(Workspace, alice.workspace_id)
    sign_in(client, make_member(session, "Maria", workspace, role=Role.MANAGER))
    page = client.get(f"/messages/{copy.message_id}").text
    assert "Gmail refused it" in page
    assert "retries" not in page
    sign_in(client, make_member(session, "Bob", workspace))
    assert client.get(f"/messages/{copy.message_id}").status_code == 404


def test_ids_beyond_the_databases_are_nobodys(client: FlaskClient, alice: Member) -> None:
    assert client.get(f"/messages/{2**70}").status_code == 404
    assert client.post(f"/copies/{2**70}/retries").status_code == 404
    assert client.get(f"/messages?before={2**70}").status_code == 200
    assert send_form(client, mailbox_id=str(2**70))[0] == 409


def test_a_list_names_three_recipients_and_counts_the_rest(client: FlaskClient, alice: Member) -> None:
    addresses = ", ".join(f"p{number}@x.example" for number in range(5))
    send_form(client, to=addresses, individually="yes")
    page = client.get("/messages").text
    assert re.findall(r"p(\d)@x.example<", page) == ["0", "1", "2"]
    assert "and 2 more" in page
