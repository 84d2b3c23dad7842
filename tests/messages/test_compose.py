"""What a member may send, and what becomes of it: rows, once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.db import get_db
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState
from server.messages.compose import MAX_RECIPIENTS, Draft, compose
from server.messages.models import Copy, Link, Message, Recipient
from server.people.models import Person, PersonAddress
from server.queue import get_wakeups
from tests.factories import make_mailbox, make_member


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    return make_mailbox(session, alice)


def recipients_of(session: Session, message: Message) -> list[Recipient]:
    query = select(Recipient).where(Recipient.message_id == message.id).order_by(col(Recipient.id))
    return list(session.exec(query))


def copies_of(session: Session, message: Message) -> list[Copy]:
    return list(session.exec(select(Copy).where(Copy.message_id == message.id).order_by(col(Copy.id))))


def test_shared_mail_has_one_copy_for_all(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=["Flynn <flynn@flynns.example>, alan@encom.example"], cc=["lora@encom.example"], html="<p>Hi</p>")
    message = compose(session, alice, mailbox, draft)
    [copy] = copies_of(session, message)
    shown = [(r.kind, r.name, r.address, r.copy_id) for r in recipients_of(session, message)]
    assert shown == [
        ("to", "Flynn", "flynn@flynns.example", copy.id),
        ("to", "", "alan@encom.example", copy.id),
        ("cc", "", "lora@encom.example", copy.id),
    ]
    assert len(bytes.fromhex(copy.tracking_id)) == 16


def test_individual_mail_has_a_copy_and_a_pixel_for_each(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=["a@x.example"], cc=["b@x.example"], html="<p>Hi</p>", individually=True)
    message = compose(session, alice, mailbox, draft)
    copies = copies_of(session, message)
    assert [recipient.copy_id for recipient in recipients_of(session, message)] == [copy.id for copy in copies]
    assert len({copy.tracking_id for copy in copies}) == 2


def test_outbox_is_woken_after_the_commit(session: Session, alice: Member, mailbox: Mailbox) -> None:
    message = compose(session, alice, mailbox, Draft(to=["a@x.example"], html="<p>Hi</p>"))
    redis = get_wakeups().redis
    key = f"wake:send_copy:{copies_of(session, message)[0].id}"
    assert not redis.exists(key)
    session.commit()
    assert redis.exists(key)


def test_a_person_is_added_once_for_each_address(session: Session, alice: Member, mailbox: Mailbox) -> None:
    compose(session, alice, mailbox, Draft(to=["flynn@flynns.example"], html="<p>1</p>"))
    compose(session, alice, mailbox, Draft(to=["Flynn <FLYNN@flynns.example>"], html="<p>2</p>"))
    [person] = session.exec(select(Person)).all()
    assert (person.name, person.owner_id) == ("Flynn", alice.id)
    assert [row.email for row in session.exec(select(PersonAddress))] == ["flynn@flynns.example"]


def test_duplicates_are_merged_and_to_wins_over_cc(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=["a@x.example; A@X.example"], cc=["Anna <a@x.example>", "b@x.example"], html="<p>Hi</p>")
    message = compose(session, alice, mailbox, draft)
    assert [(r.kind, r.address) for r in recipients_of(session, message)] == [
        ("to", "a@x.example"),
        ("cc", "b@x.example"),
    ]


def test_names_are_kept_as_written(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=['"Flynn, Kevin (CEO)" <k@x.example>\nJürgen Müller <j@bücher.example>'], html="<p>Hi</p>")
    message = compose(session, alice, mailbox, draft)
    assert [(r.name, r.address) for r in recipients_of(session, message)] == [
        ("Flynn, Kevin (CEO)", "k@x.example"),
        ("Jürgen Müller", "j@xn--bcher-kva.example"),
    ]


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(html="<p>Hi</p>"), "to"),
        (Draft(to=["  , ;"], html="<p>Hi</p>"), "to"),
        (Draft(cc=["a@x.example"], html="<p>Hi</p>"), "to"),
        (Draft(to=["flynn"], html="<p>Hi</p>"), "to"),
        (Draft(to=["a@x.example"], cc=["b@"], html="<p>Hi</p>"), "cc"),
        (Draft(to=["A\rBcc: evil@x.example <a@x.example>"], html="<p>Hi</p>"), "to"),
        (Draft(to=["A\x00 <a@x.example>"], html="<p>Hi</p>"), "to"),
        (Draft(to=["<a@x.example>, <a@x.example>b"], html="<p>Hi</p>"), "to"),
        (Draft(to=[f"a{n}@x.example" for n in range(MAX_RECIPIENTS + 1)], html="<p>Hi</p>"), "to"),
        (Draft(to=["a@x.example"], subject="Hi\r\nBcc: evil@x.example", html="<p>Hi</p>"), "subject"),
        (Draft(to=["a@x.example"], subject="Hi\u2028there", html="<p>Hi</p>"), "subject"),
        (Draft(to=["a@x.example"], subject="x" * 999, html="<p>Hi</p>"), "subject"),
        (Draft(to=["a@x.example"], html="<p>" + "x" * 2**21), "html"),
        (Draft(to=["a@x.example"], html="<p> </p>"), "html"),
    ],
)
def test_nonsense_is_refused_at_its_field(
    session: Session, alice: Member, mailbox: Mailbox, draft: Draft, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        compose(session, alice, mailbox, draft)
    assert refused.value.field == field
    assert session.exec(select(Message)).all() == []


@pytest.mark.parametrize("state", [MailboxState.REVOKED, MailboxState.DISCONNECTED])
def test_a_mailbox_that_is_not_linked_sends_nothing(session: Session, alice: Member, state: str) -> None:
    with pytest.raises(Refused) as refused:
        compose(session, alice, make_mailbox(session, alice, state=state), Draft(to=["a@x.example"], html="Hi"))
    assert refused.value.status == 409


def test_another_members_mailbox_cannot_be_used(session: Session, mailbox: Mailbox) -> None:
    mallory = make_member(session, "Mallory")
    with pytest.raises(Refused):
        compose(session, mallory, mailbox, Draft(to=["a@x.example"], html="Hi"))
    with pytest.raises(Refused):
        compose(session, mallory, None, Draft(to=["a@x.example"], html="Hi"))


def test_the_same_key_gives_the_same_message(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=["a@x.example"], subject="Lunch", html="<p>Hi</p>")
    first = compose(session, alice, mailbox, draft, "key-1")
    assert (
        compose(session, alice, mailbox, Draft(to=("a@x.example",), subject="Lunch", html="<p>Hi</p>"), "key-1")
        is first
    )
    assert len(copies_of(session, first)) == 1


def test_the_same_key_with_other_content_is_refused(session: Session, alice: Member, mailbox: Mailbox) -> None:
    compose(session, alice, mailbox, Draft(to=["a@x.example"], html="<p>Hi</p>"), "key-1")
    with pytest.raises(Refused) as refused:
        compose(session, alice, mailbox, Draft(to=["b@x.example"], html="<p>Hi</p>"), "key-1")
    assert (refused.value.status, refused.value.field) == (422, "idempotency_key")


def test_the_same_key_at_the_same_time_gives_one_message(
    app: Flask, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    session.commit()
    start = Barrier(3)

    def send(_number: int) -> int:
        with app.app_context(), get_db().session() as own:
            start.wait(60)
            draft = Draft(to=["a@x.example"], html="<p>Hi</p>")
            message = compose(own, own.get_one(Member, alice.id), own.get_one(Mailbox, mailbox.id), draft, "key-1")
            own.commit()
            return message.id

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(send, range(3)))) == 1
    assert len(session.exec(select(Copy)).all()) == 1
    assert len(session.exec(select(Person)).all()) == 1


def test_a_key_belongs_to_its_member(session: Session, alice: Member, mailbox: Mailbox) -> None:
    bob = make_member(session, "Bob")
    draft = Draft(to=["a@x.example"], html="<p>Hi</p>")
    first = compose(session, alice, mailbox, draft, "key-1")
    assert compose(session, bob, make_mailbox(session, bob), draft, "key-1").id != first.id


def test_links_are_numbered_in_the_order_of_the_mail(session: Session, alice: Member, mailbox: Mailbox) -> None:
    html = '<a href="https://x.example/b?q=1&amp;r=2#f">b</a> <a href="mailto:a@x.example">m</a> <a href="http://a.example">a</a>'
    message = compose(session, alice, mailbox, Draft(to=["a@x.example"], html=html))
    links = session.exec(select(Link).where(Link.message_id == message.id).order_by(col(Link.position)))
    assert [(link.position, link.target) for link in links] == [
        (1, "https://x.example/b?q=1&r=2#f"),
        (2, "http://a.example"),
    ]


def test_text_only_mail_is_not_trackable(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=["a@x.example"], text="Hi\r\nhttps://x.example")
    message = compose(session, alice, mailbox, draft)
    assert (message.is_text, message.is_trackable, message.track_views, message.track_clicks) == (
        True,
        False,
        False,
        False,
    )
    assert message.text == "Hi\nhttps://x.example"


def test_what_could_run_is_taken_out_and_formatting_stays(session: Session, alice: Member, mailbox: Mailbox) -> None:
    html = (
        '<p style="color: red; position: fixed" onclick="x()">Hi <b>you</b><script>alert(1)</script></p>'
        '<table bgcolor="#eee"><tbody><tr><td width="10">1</td></tr></tbody></table><form action="/x"><input></form>'
        '<a href="javascript:alert(1)">x</a><img src="https://x.example/logo.png" alt="Logo" onerror="x()">'
    )
    message = compose(session, alice, mailbox, Draft(to=["a@x.example"], html=html))
    assert message.html == (
        '<p style="color:red">Hi <b>you</b></p>'
        '<table bgcolor="#eee"><tbody><tr><td width="10">1</td></tr></tbody></table>'
        '<a>x</a><img src="https://x.example/logo.png" alt="Logo">'
    )
