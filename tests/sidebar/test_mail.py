"""Mail that leaves Gmail's compose: tracked without being changed, refused with a reason, taken back, given up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as some
from sqlmodel import Session, col, select
from werkzeug.test import TestResponse

from server import jobs, recurring
from server.accounts.models import Member
from server.clock import now
from server.config import Settings
from server.consent.models import Answer, Mode, Reason, WorkspacePolicy
from server.consent.silence import choose
from server.consent.suppression import suppress
from server.gmail.models import Mailbox, MailboxState
from server.keys import get_keys
from server.messages.html import parse_body
from server.messages.models import Copy, CopyState, Link, Message, Recipient
from server.people.models import Person
from server.tracking.tokens import is_own_url, link_url, pixel_url
from tests.factories import add, make_mailbox, make_member
from tests.sidebar.conftest import Device

FLYNN, ALAN, LORA = "flynn@flynnsarcade.example", "alan@encom.example", "lora@encom.example"
HTML = '<div dir="ltr">Lunch on Thursday? <a href="https://x.example/?a=1&amp;b=2#c">Here</a><br></div>'


@pytest.fixture(autouse=True)
def policy(session: Session, alice: Member) -> WorkspacePolicy:
    """A policy that asks for no notice below tracked mail."""
    return add(session, WorkspacePolicy(workspace_id=alice.workspace_id, has_notice=False))


def mail(**changes: Any) -> dict[str, Any]:
    return {
        "mailbox": "Alice@acme.example",
        "subject": "Lunch?",
        "html": HTML,
        "to": [f"Kevin Flynn <{FLYNN}>"],
    } | changes


def prepare(device: Device, **changes: Any) -> dict[str, Any]:
    answer = device.post("/extension/mail", json=mail(**changes))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def refuse(device: Device, **changes: Any) -> TestResponse:
    answer = device.post("/extension/mail", json=mail(**changes))
    assert answer.get_json()["message"] != ""
    return answer


def own_urls(app: Flask, html: str) -> list[str]:
    config: Settings = app.config["SETTINGS"]
    nodes = parse_body(html).css("img[src], a[href]")
    urls = [node.attributes.get("src") or node.attributes.get("href") or "" for node in nodes]
    return [url for url in urls if is_own_url(config, url)]


def count_rows(session: Session) -> list[int]:
    counts = [len(session.exec(select(table)).all()) for table in (Message, Copy, Recipient, Link)]
    session.commit()
    return counts


def test_the_html_for_gmail_holds_pixel_and_wrapped_link_and_is_else_the_same(app: Flask, device: Device) -> None:
    told = prepare(device)
    urls = own_urls(app, told["html"])
    assert sorted(url.split("/")[3] for url in urls) == ["c", "c", "o"]
    body = parse_body(told["html"])
    [image] = body.css("img")
    image.decompose()
    [trap] = body.css('a[aria-hidden="true"]')
    trap.decompose()
    [anchor] = body.css("a")
    assert anchor.attributes["href"] in urls
    anchor.attrs["href"] = "https://x.example/?a=1&b=2#c"
    assert body.inner_html == HTML
    assert told["sent"] is False


def test_the_message_waits_with_one_shared_copy_and_nobody_new_is_known(device: Device, session: Session) -> None:
    told = prepare(device, cc=[ALAN], bcc=[LORA, FLYNN.upper()])
    message = session.exec(select(Message)).one()
    copy = session.exec(select(Copy)).one()
    assert (message.id, message.source, copy.state) == (told["id"], "gmail", "handed")
    recipients = session.exec(select(Recipient).order_by(col(Recipient.id))).all()
    assert [(row.kind, row.address, row.name) for row in recipients] == [
        ("to", FLYNN, "Kevin Flynn"), ("cc", ALAN, ""), ("bcc", LORA, ""),
    ]  # fmt: skip
    assert [link.target for link in session.exec(select(Link))] == ["https://x.example/?a=1&b=2#c"]
    assert session.exec(select(Person)).all() == []


def test_a_mail_that_gmail_shall_send_is_never_sent_from_here(device: Device, session: Session) -> None:
    prepare(device)
    copy_id = session.exec(select(Copy.id)).one()
    session.commit()
    recurring.wake_due_copies()
    jobs.send_copy(copy_id)
    assert session.exec(select(Copy)).one().state == CopyState.HANDED


def test_our_pixels_and_wrapped_links_of_earlier_mail_are_gone_from_the_quote(
    app: Flask, device: Device, alice: Member
) -> None:
    config, key, old = app.config["SETTINGS"], alice.sender_key, "ab" * 16
    with app.app_context():
        direct = pixel_url(config, get_keys(), key, old)
        colleagues = pixel_url(config, get_keys(), "c0ffee", old)
        link = link_url(config, get_keys(), key, old, 1, "https://x.example/old?q=1")
    quote = (
        f'<div class="gmail_quote"><blockquote>Before<img src="{direct}" alt=""><img src="{colleagues}">'
        f'<img src="https://ci3.googleusercontent.com/meips/AbC=s0-d-e1-ft#{direct}" class="CToWUd">'
        f'<img src="https://acme.example/logo.png"><a href="{link}">Old</a></blockquote></div>'
    )
    html = prepare(device, html='<div dir="ltr">Yes!</div>' + quote)["html"]
    [fresh] = own_urls(app, html)
    assert fresh not in (direct, colleagues)
    assert html.count("<img") == 2
    assert 'href="https://x.example/old?q=1"' in html


@pytest.mark.parametrize(
    "html",
    [
        "<style>p{color:red}</style><p>Hi</p>", "<!--[if mso]><b>x</b><![endif]--><div>Hi&nbsp;there</div>", "Hi there",
        '<div dir="ltr"><div>Ünïcödé 👋 &lt;b&gt;</div><div data-smartmail="gmail_signature">-- <br>Alice</div></div>',
        '<table><tbody><tr><td data-x="1" onclick="x()">cell</td></tr></tbody></table>', "<div><br></div>",
        '<div><input type="checkbox" checked=""> todo</div>', '<p>a</p><svg><path d="M0 0"></path></svg>',
    ],
)  # fmt: skip
def test_what_the_member_wrote_comes_out_as_it_went_in(device: Device, html: str) -> None:
    body = parse_body(prepare(device, html=html)["html"])
    [image] = body.css("img")
    image.decompose()
    assert body.inner_html == html


def test_html_that_would_come_out_differently_is_refused(device: Device, session: Session) -> None:
    answer = refuse(device, html="<pre>\n\n\nThree lines down</pre>")
    assert (answer.status_code, answer.get_json()["error"]) == (422, "unchangeable")
    assert count_rows(session) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"mailbox": "bob@acme.example"}, 409, "mailbox_unknown"), ({"mailbox": ""}, 409, "mailbox_unknown"),
        ({"html": ""}, 422, "text_only"), ({"html": None}, 422, "text_only"), ({"track": False}, 422, "not_tracked"),
        ({"to": []}, 422, "no_recipients"), ({"to": ["nonsense"]}, 422, "bad_address"),
        ({"to": [], "bcc": ["x@"]}, 422, "bad_address"), ({"subject": "a\r\nBcc: x@y.example"}, 422, "bad_subject"),
        ({"subject": "a" * 999}, 422, "bad_subject"), ({"html": "<p>" + "a" * 2**21}, 413, "too_large"),
        ({"html": "<p>\0</p>"}, 413, "too_large"), ({"to": "x@y.example"}, 400, "bad_request"),
        ({"html": 1}, 400, "bad_request"), ({"cc": [None]}, 400, "bad_request"),
        ({"to": [f"p{n}@x.example" for n in range(101)]}, 422, "too_many_recipients"),
    ],
)  # fmt: skip
def test_what_cannot_be_tracked_says_why_and_leaves_no_trace(
    device: Device, session: Session, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = refuse(device, **changes)
    assert (answer.status_code, answer.get_json()["error"]) == (status, code)
    assert count_rows(session) == [0, 0, 0, 0]


def test_a_colleagues_mailbox_is_as_unknown_as_any(
    pair: Callable[[Member], Device], session: Session, alice: Member, mailbox: Mailbox
) -> None:
    bob = make_member(session, "Bob", email="bob@acme.example")
    make_mailbox(session, bob)
    device = pair(bob)
    assert refuse(device, mailbox=mailbox.email).get_json()["error"] == "mailbox_unknown"


def test_a_mailbox_that_google_closed_says_so(device: Device, session: Session, mailbox: Mailbox) -> None:
    mailbox.state = MailboxState.REVOKED
    session.add(mailbox)
    session.commit()
    answer = refuse(device)
    assert (answer.status_code, answer.get_json()["error"]) == (409, "mailbox_revoked")
    assert "Mailboxes" in answer.get_json()["fix"]


def test_a_policy_that_is_off_leaves_the_mail_alone(device: Device, session: Session, policy: WorkspacePolicy) -> None:
    policy.mode = Mode.OFF
    session.add(policy)
    session.commit()
    assert refuse(device).get_json()["error"] == "not_tracked"
    assert count_rows(session) == [0, 0, 0, 0]


def test_one_who_objected_leaves_the_mail_alone(device: Device, session: Session, alice: Member) -> None:
    choose(session, alice.workspace_id, FLYNN, Answer.WITHDRAWN)
    session.commit()
    assert refuse(device).get_json()["error"] == "not_tracked"


def test_the_notice_that_the_policy_asks_for_stands_below(
    device: Device, session: Session, policy: WorkspacePolicy
) -> None:
    policy.has_notice = True
    session.add(policy)
    session.commit()
    html = prepare(device)["html"]
    assert html.index("Lunch on Thursday?") < html.index("What the sender sees when you read this")


def test_a_mail_that_was_not_sent_after_all_is_forgotten_and_that_may_be_said_twice(
    device: Device, session: Session
) -> None:
    told = prepare(device)
    assert device.post(f"/extension/mail/{told['id']}/cancellation").status_code == 204
    assert count_rows(session) == [0, 0, 0, 0]
    assert device.post(f"/extension/mail/{told['id']}/cancellation").status_code == 204


def test_a_mail_that_was_sent_cannot_be_cancelled(device: Device, session: Session) -> None:
    told = prepare(device)
    copy = session.exec(select(Copy)).one()
    copy.state = CopyState.SENT
    session.add(copy)
    session.commit()
    answer = device.post(f"/extension/mail/{told['id']}/cancellation")
    assert (answer.status_code, answer.get_json()["error"]) == (409, "already_sent")


def test_nobody_cancels_a_colleagues_mail(device: Device, pair: Callable[[Member], Device], session: Session) -> None:
    told = prepare(device)
    other = pair(make_member(session, "Bob"))
    assert other.post(f"/extension/mail/{told['id']}/cancellation").status_code == 204
    assert count_rows(session)[0] == 1


def test_a_mail_that_never_appears_is_given_up_after_a_day_unless_something_came_of_it(
    device: Device, session: Session
) -> None:
    prepare(device, subject="Never sent")
    seen = prepare(device, subject="Seen")
    copy = session.exec(select(Copy).where(Copy.message_id == seen["id"])).one()
    copy.views, copy.last_event_at = 1, now()
    session.add(copy)
    session.commit()
    recurring.sweep_handed_mail()
    assert count_rows(session)[0] == 2
    with time_machine.travel(now() + timedelta(hours=25)):
        recurring.sweep_handed_mail()
    assert [message.subject for message in session.exec(select(Message))] == ["Seen"]


def test_individually_each_recipient_gets_a_mail_from_here(device: Device, session: Session) -> None:
    told = prepare(device, individually=True, cc=[ALAN], bcc=[LORA], key="one")
    assert (told["html"], told["sent"], told["recipients"]) == (None, True, 3)
    assert told["url"] == f"http://127.0.0.1:8000/messages/{told['id']}"
    copies = session.exec(select(Copy)).all()
    assert [copy.state for copy in copies] == ["queued"] * 3
    assert session.exec(select(Message)).one().source == "gmail"


def test_individually_a_second_try_sends_nothing_more(device: Device, session: Session) -> None:
    first = prepare(device, individually=True, cc=[ALAN], key="one")
    assert prepare(device, individually=True, cc=[ALAN], key="one") == first
    assert count_rows(session)[1] == 2
    answer = refuse(device, individually=True, cc=[LORA], key="one")
    assert (answer.status_code, answer.get_json()["error"]) == (422, "key_used")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "bad_key"), ({"key": "x" * 201}, "bad_key"), ({"key": "1", "gmail_thread_id": "18c2"}, "in_thread"),
        ({"key": "1", "html": '<p>x<img src="cid:ii_1"></p>'}, "has_pictures"),
        ({"key": "1", "html": '<p><img src="https://mail.google.com/mail/?ui=2"></p>'}, "has_pictures"),
        ({"key": "1", "to": ["nonsense"]}, "bad_address"), ({"key": "1", "html": ""}, "text_only"),
    ],
)  # fmt: skip
def test_individually_what_cannot_be_sent_from_here_is_refused(
    device: Device, session: Session, changes: dict[str, Any], code: str
) -> None:
    assert refuse(device, individually=True, **changes).get_json()["error"] == code
    assert count_rows(session) == [0, 0, 0, 0]


def test_individually_nobody_is_written_to_who_wants_no_mail(device: Device, session: Session, alice: Member) -> None:
    suppress(session, alice.workspace_id, ALAN, Reason.UNSUBSCRIBED)
    session.commit()
    answer = refuse(device, individually=True, cc=[ALAN], key="1")
    assert (answer.status_code, answer.get_json()["error"]) == (409, "suppressed")
    assert count_rows(session) == [0, 0, 0, 0]


def test_the_mail_stands_among_the_sent_ones_as_handed_to_gmail(device: Device, alice: Member) -> None:
    told = prepare(device)
    assert "Handed to Gmail" in device.get("/messages").text
    assert "Handed to Gmail" in device.get(f"/messages/{told['id']}").text


@limits(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.recursive(
        some.text(max_size=20).map(lambda text: text.replace("\0", "")),
        lambda inner: some.tuples(
            some.sampled_from(
                ["div", "p", "b", "a href='https://x.example/'", "blockquote", "pre", "table", "td", "x-y"]
            ),
            some.lists(inner, max_size=3),
        ).map(lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0].split()[0]}>"),
        max_leaves=8,
    )
)
def test_whatever_html_gmail_holds_is_either_kept_or_refused(device: Device, html: str) -> None:
    answer = device.post("/extension/mail", json=mail(html=html))
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 201:
        assert parse_body(answer.get_json()["html"]).text() == parse_body(html).text()
