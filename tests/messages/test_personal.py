"""Mail with fields: each recipient's copy is their own, and who lacks a value is named before anything is sent."""

from email import message_from_bytes

import pytest
from sqlmodel import Session, select

from server.accounts.models import Member
from server.config import get_settings
from server.errors import Refused
from server.events.attribution import load_copies
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.library.models import MailboxSignature, Signature
from server.messages.compose import Draft, compose
from server.messages.models import Copy, Link, Message, Recipient
from server.messages.render import render_copy
from server.people.custom_fields import add_field
from server.people.people import add_person
from tests.factories import add, make_mailbox, make_member

FLYNN, SAM = "flynn@flynns.example", "sam@encom.example"


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    return make_mailbox(session, alice)


@pytest.fixture(autouse=True)
def people(session: Session, alice: Member) -> None:
    add_person(session, alice.workspace_id, alice.id, FLYNN, "Kevin Flynn", company="Flynn's <Arcade>")
    add_person(session, alice.workspace_id, alice.id, SAM, "Sam Flynn")


def mail_of(session: Session, member: Member, mailbox: Mailbox, message: Message) -> dict[str, tuple[str, str, str]]:
    """Return subject, text and HTML of each copy by its recipient."""
    mails = {}
    for copy in session.exec(select(Copy).where(Copy.message_id == message.id)).all():
        recipients = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()
        raw = render_copy(session, get_settings(), get_keys(), member, mailbox, message, copy, recipients)
        mail = message_from_bytes(raw)
        parts = [part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart()]  # type: ignore[union-attr]
        mails[recipients[0].address] = (str(mail["Subject"]), *[*parts, ""][:2])
    return mails  # type: ignore[return-value]


def test_each_recipient_gets_a_mail_with_their_own_values(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=[FLYNN, SAM], subject="Hello {{first_name}}", individually=True, merges=True,
                  html="<p>How is {{company|your firm}}?</p>", track_views=False)  # fmt: skip
    message = compose(session, alice, mailbox, draft)
    mails = mail_of(session, alice, mailbox, message)
    subject, text, html = mails[FLYNN]
    assert (subject, text.splitlines()[0]) == ("Hello Kevin", "How is Flynn's <Arcade>?")
    assert "<p>How is Flynn's &lt;Arcade&gt;?" in html
    assert (mails[SAM][0], mails[SAM][1].splitlines()[0]) == ("Hello Sam", "How is your firm?")


def test_to_one_recipient_it_is_a_mail_like_any_other(session: Session, alice: Member, mailbox: Mailbox) -> None:
    link = '<p>See <a href="https://acme.example/?for={{email}}">this</a></p>'
    draft = Draft(to=[FLYNN], cc=[SAM], subject="Hello {{first_name}}", html=link, merges=True)
    message = compose(session, alice, mailbox, draft)
    assert (message.subject, message.is_merged) == ("Hello Kevin", False)
    assert session.exec(select(Link.target)).one() == "https://acme.example/?for=flynn%40flynns.example"


def test_who_lacks_a_value_is_named_and_nothing_is_sent(session: Session, alice: Member, mailbox: Mailbox) -> None:
    to = [FLYNN, SAM, "ora@encom.example"]
    draft = Draft(to=to, subject="Hi", html="<p>How is {{company}}?</p>", individually=True, merges=True)
    with pytest.raises(Refused, match=r"2 people have no value for “company”: Sam Flynn, ora@encom.example") as refused:
        compose(session, alice, mailbox, draft)
    assert refused.value.field == "html"


def test_an_unknown_field_is_refused_where_it_stands(session: Session, alice: Member, mailbox: Mailbox) -> None:
    with pytest.raises(Refused, match=r"“frist_name”.*Did you mean {{first_name}}") as refused:
        compose(session, alice, mailbox, Draft(to=[FLYNN], subject="Hi {{frist_name}}", html="<p>x</p>", merges=True))
    assert refused.value.field == "subject"


def test_people_who_share_a_copy_cannot_have_values_of_their_own(
    session: Session, alice: Member, mailbox: Mailbox
) -> None:
    with pytest.raises(Refused, match="Send individually"):
        compose(session, alice, mailbox, Draft(to=[FLYNN, SAM], html="<p>Hi {{first_name}}</p>", merges=True))


def test_without_merging_braces_are_just_braces(session: Session, alice: Member, mailbox: Mailbox) -> None:
    message = compose(session, alice, mailbox, Draft(to=[FLYNN], subject="{{x", html="<p>{{ nothing }}</p>"))
    assert (message.subject, message.html) == ("{{x", "<p>{{ nothing }}</p>")


def test_braces_can_be_sent(session: Session, alice: Member, mailbox: Mailbox) -> None:
    message = compose(session, alice, mailbox, Draft(to=[FLYNN], html="<p>\\{{ name }}</p>", merges=True))
    assert message.html == "<p>{{ name }}</p>"


def test_a_value_cannot_break_out_of_subject_or_html(session: Session, alice: Member, mailbox: Mailbox) -> None:
    field = add_field(session, alice.workspace_id, "Favourite game")
    person = add_person(session, alice.workspace_id, alice.id, "clu@encom.example", "Clu",
                        custom={str(field.id): "Tron\r\nBcc: all@encom.example <script>{{email}}"})  # fmt: skip
    assert person.id
    draft = Draft(to=["clu@encom.example", SAM], subject="{{favourite game|a game}}", individually=True, merges=True,
                  html="<p>{{Favourite Game|a game}}</p>", track_views=False)  # fmt: skip
    message = compose(session, alice, mailbox, draft)
    subject, text, html = mail_of(session, alice, mailbox, message)["clu@encom.example"]
    assert subject == "Tron Bcc: all@encom.example <script>{{email}}"
    assert "<script>" not in html
    assert "{{email}}" in text


def test_a_signature_keeps_its_formatting(session: Session, alice: Member, mailbox: Mailbox) -> None:
    signature = Signature(workspace_id=alice.workspace_id, member_id=alice.id, name="x", html="<p><b>Alice</b></p>")
    add(session, signature)
    add(session, MailboxSignature(mailbox_id=mailbox.id, signature_id=signature.id))
    draft = Draft(to=[FLYNN, SAM], html="<div>Bye {{first_name}}{{sender_signature}}</div>", individually=True,
                  merges=True, track_views=False)  # fmt: skip
    mails = mail_of(session, alice, mailbox, compose(session, alice, mailbox, draft))
    assert "<b>Alice</b>" in mails[SAM][2]
    text = Draft(to=[FLYNN], text="Bye {{first_name}}\n{{sender_signature}}", merges=True)
    assert compose(session, alice, mailbox, text).text == "Bye Kevin\nAlice"


def test_an_event_shows_the_subject_that_the_recipient_saw(session: Session, alice: Member, mailbox: Mailbox) -> None:
    draft = Draft(to=[FLYNN, SAM], subject="Hello {{first_name}}", html="<p>x</p>", individually=True, merges=True)
    message = compose(session, alice, mailbox, draft)
    ids = list(session.exec(select(Copy.id).where(Copy.message_id == message.id)))
    session.flush()
    assert {copy.subject for copy in load_copies(session, ids).values()} == {"Hello Kevin", "Hello Sam"}
