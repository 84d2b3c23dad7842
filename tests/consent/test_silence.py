"""Who objects is not noticed any more: not in mail to come, and not in mail that they already have."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from sqlmodel import Session, select

from server.accounts.models import Member
from server.config import get_settings
from server.consent.ledger import note_answer
from server.consent.models import Answer, MailboxPolicy, Mode, Purpose, Unsubscribing, Way, WorkspacePolicy
from server.consent.suppression import lift
from server.errors import Refused
from server.events.models import Event
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.messages.compose import Draft, compose
from server.messages.models import Copy, Message, MessageSource
from server.messages.models import Recipient as Addressee
from server.messages.render import render_copy
from server.people.addresses import add_address
from server.people.models import Person
from server.scoring.models import PersonScore
from server.tracking.hot import GIF
from tests.consent.conftest import FLYNN, TARGET, Recipient, message_of

Send = Callable[..., Copy]
Open = Callable[[Copy], Recipient]
TakeIn = Callable[[], list[Event]]


def render(session: Session, member: Member, mailbox: Mailbox, copy: Copy) -> EmailMessage:
    recipients = session.exec(select(Addressee).where(Addressee.copy_id == copy.id)).all()
    message = message_of(session, copy)
    raw = render_copy(session, get_settings(), get_keys(), member, mailbox, message, copy, recipients)
    session.commit()
    return message_from_bytes(raw, policy=default)


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def set_policy(session: Session, workspace_id: int, **values: Any) -> None:
    session.add(WorkspacePolicy(workspace_id=workspace_id, **values))
    session.commit()


def test_an_objection_silences_mail_already_sent_and_its_links_still_lead_on(
    send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn, second = recipient(send()), recipient(send())
    flynn.open()
    assert [event.kind for event in take_in()] == ["viewed"]
    flynn.say("objection")
    take_in()
    for browser in (flynn, second):  # also the copy by whose page they did not speak
        image, click = browser.open(), browser.click()
        assert (image.status_code, image.data) == (200, GIF)
        assert (click.status_code, click.headers["Location"]) == (302, TARGET)
    assert [event.kind for event in take_in()] == ["viewed"]


def test_what_was_done_in_the_moment_of_objecting_is_not_recorded(send: Send, recipient: Open, take_in: TakeIn) -> None:
    flynn = recipient(send())
    flynn.say("objection")
    flynn.open()  # both in one batch of the journal
    assert take_in() == []


def test_later_mail_carries_neither_pixel_nor_wrapped_link(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    before = html_of(render(session, riley, mailbox, send()))
    assert "/o/" in before and "/c/" in before
    recipient(send()).say("objection")
    take_in()
    after = html_of(render(session, riley, mailbox, send()))
    assert "/o/" not in after and "/c/" not in after and TARGET.replace("&", "&amp;") in after


def test_who_objects_silences_a_shared_copy(send: Send, recipient: Open, take_in: TakeIn) -> None:
    shared = recipient(send(FLYNN, "lora@encom.example"))
    shared.open()
    assert len(take_in()) == 1
    shared.say("objection")
    take_in()
    shared.open()
    shared.click()
    assert len(take_in()) == 1
    other = recipient(send("lora@encom.example"))  # nobody knows who of the two it was
    other.open()
    assert len(take_in()) == 2


def test_the_other_recipients_of_a_mail_sent_individually_go_on_being_noticed(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    first = send(FLYNN, "lora@encom.example", individually=True)
    other = session.exec(select(Copy).where(Copy.message_id == first.message_id, Copy.id != first.id)).one()
    recipient(first).say("objection")
    take_in()
    recipient(first).open()
    recipient(other).open()
    assert [event.person_address for event in take_in()] == ["lora@encom.example"]


def test_an_objection_holds_for_all_addresses_of_a_person(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    copy = send()
    person = session.exec(select(Person)).one()
    add_address(session, person, "kevin@encom.example")
    session.commit()
    recipient(copy).say("objection")
    take_in()
    recipient(send("kevin@encom.example")).open()
    assert take_in() == []


def test_an_objection_holds_for_an_address_that_a_person_gets_later(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    flynn.say("objection")
    flynn.unsubscribe()
    take_in()
    person = session.exec(select(Person)).one()
    add_address(session, person, "kevin@encom.example")
    session.commit()
    with pytest.raises(Refused, match=r"kevin@encom\.example"):
        send("kevin@encom.example")
    lift(session, person.workspace_id, "kevin@encom.example")
    recipient(send("kevin@encom.example")).open()
    assert [event.kind for event in take_in()] == ["unsubscribed"]


def test_who_agrees_again_is_noticed_in_mail_to_come(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    flynn.say("objection")
    flynn.say("agreement")
    take_in()
    flynn.open()  # what was silenced stays silent
    assert take_in() == []
    copy = send()
    assert "/o/" in html_of(render(session, riley, mailbox, copy))
    recipient(copy).open()
    assert [event.kind for event in take_in()] == ["viewed"]


def test_where_consent_is_needed_only_who_agreed_gets_a_pixel(
    session: Session, riley: Member, mailbox: Mailbox, send: Send
) -> None:
    set_policy(session, riley.workspace_id, pixels_need_consent=True)
    html = html_of(render(session, riley, mailbox, send()))
    assert "/o/" not in html and "/c/" in html
    note_answer(session, riley.workspace_id, FLYNN, Purpose.TRACKING, Answer.GIVEN, Way.MEMBER)
    assert "/o/" in html_of(render(session, riley, mailbox, send()))
    assert "/o/" not in html_of(render(session, riley, mailbox, send(FLYNN, "lora@encom.example")))


def test_a_mailbox_can_collect_nothing(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, recipient: Open
) -> None:
    session.add(MailboxPolicy(mailbox_id=mailbox.id, mode=Mode.OFF))
    session.commit()
    copy = send()
    message = message_of(session, copy)
    assert (message.policy, message.track_views, message.track_clicks) == ("off", False, False)
    html = html_of(render(session, riley, mailbox, copy))
    assert "/o/" not in html and "/c/" not in html and "/y/" not in html
    assert "Nothing when you open or read this mail" in recipient(copy).client.get(recipient(copy).path("y")).text


def test_a_policy_holds_for_mail_that_is_written_from_then_on(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    copy = send()
    set_policy(session, riley.workspace_id, mode=Mode.OFF)
    recipient(copy).open()
    assert len(take_in()) == 1


AGGREGATE_PEOPLE = ("a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example")


@pytest.mark.parametrize("addresses", [(FLYNN,), AGGREGATE_PEOPLE])
def test_an_aggregate_policy_stores_nobody(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn, addresses: tuple[str, ...]
) -> None:
    set_policy(session, riley.workspace_id, mode=Mode.AGGREGATE)
    copy = send(*addresses, individually=True)
    assert "Only counted" in recipient(copy).client.get(recipient(copy).path("y")).text
    recipient(copy).open()
    recipient(copy).click()
    events = take_in()
    assert [event.kind for event in events] == ["viewed", "clicked"]
    for event in events:
        assert (event.person_id, event.recipient_id, event.copy_id) == (None, None, None)
        assert (event.person_name, event.person_address, event.person_candidates) == ("", "", [])
        assert (event.place_city, event.place_country, event.details) == (None, None, {})
        assert set(event.evidence) == {"kind", "forgotten"}
        assert not [reason for reason in event.reasons if "Firefox" in reason]
        assert event.member_id == riley.id
    assert session.exec(select(PersonScore)).all() == []
    copy = session.get_one(Copy, copy.id, populate_existing=True)
    assert (copy.views, copy.clicks) == (0, 0)
    message = session.get_one(Message, copy.message_id, populate_existing=True)
    is_named = len(addresses) > 1  # a mail that few people got would name its reader
    assert (message.aggregate_views, message.aggregate_clicks) == ((1, 1) if is_named else (0, 0))
    assert {event.message_id for event in events} == ({message.id} if is_named else {None})
    assert {event.subject for event in events} == ({"The quote"} if is_named else {""})


def test_the_feed_tells_of_somebody(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn, browse: Callable[..., object]
) -> None:
    set_policy(session, riley.workspace_id, mode=Mode.AGGREGATE)
    recipient(send()).open()
    take_in()
    page = browse(riley).get("/").text  # type: ignore[attr-defined]
    assert "Somebody" in page and "one of your mails" in page
    assert FLYNN not in page


@pytest.mark.parametrize("source", [MessageSource.APP, MessageSource.CAMPAIGN])
def test_mail_says_how_to_unsubscribe_where_the_policy_says_so(
    session: Session, riley: Member, mailbox: Mailbox, source: MessageSource
) -> None:
    def list_headers(addresses: tuple[str, ...] = (FLYNN,)) -> list[str | None]:
        draft = Draft(to=addresses, subject="Hello", html="<p>Hello</p>", source=source)
        message = compose(session, riley, mailbox, draft)
        copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
        mail = render(session, riley, mailbox, copy)
        return [mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]]

    is_campaign = source == MessageSource.CAMPAIGN
    assert (list_headers()[0] is not None) == is_campaign
    set_policy(session, riley.workspace_id, unsubscribing=Unsubscribing.ALWAYS)
    address, post = list_headers()
    assert address and post
    assert address.strip().startswith(f"<{get_settings().edge_base_url}/u/") and address.endswith(">")
    assert post == "List-Unsubscribe=One-Click"
    assert list_headers((FLYNN, "lora@encom.example")) == [None, None]  # whose click would it be?


def test_text_mail_has_the_links_below_it(session: Session, riley: Member, mailbox: Mailbox) -> None:
    set_policy(session, riley.workspace_id, unsubscribing=Unsubscribing.ALWAYS)
    message = compose(session, riley, mailbox, Draft(to=[FLYNN], subject="Hello", text="Hello Kevin"))
    copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
    text = str(render(session, riley, mailbox, copy).get_content())
    assert text.startswith("Hello Kevin")
    assert "Unsubscribe: http" in text and "/y/" not in text  # nothing is collected in text mail
