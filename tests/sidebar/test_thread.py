"""The open thread: what is known of its mail and its people, of the member's own only; openings and marks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server import recurring
from server.accounts.models import Member
from server.clock import now
from server.config import Settings
from server.consent.models import Mode
from server.documents.shares import for_copy, make_insertion
from server.documents.viewer.models import DocumentVisit
from server.events.reading import ReadingState
from server.gmail.models import Mailbox
from server.messages.models import Copy, Message, Recipient
from server.people.people import ensure_person
from server.sidebar.models import ThreadOpening
from server.tasks.models import Task
from tests.documents.reading import make_document
from tests.factories import add, make_copy, make_mailbox, make_member
from tests.feed.events import make_event
from tests.sidebar.conftest import Device

THREAD = "18c2f0a1b2c3d4e5"
FLYNN, ALAN = "flynn@flynnsarcade.example", "alan@encom.example"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def copy(session: Session, mailbox: Mailbox) -> Copy:
    """A mail of Alice's to Flynn in the thread."""
    return make_copy(session, mailbox, FLYNN, gmail_thread_id=THREAD, sent_at=now())


def show(device: Device, *addresses: str, thread: str = THREAD) -> str:
    asked = {"gmail_thread_id": thread, "addresses": list(addresses), "mailbox": "alice@acme.example"}
    answer = device.get("/extension/thread", query_string=asked, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_open_thread_shows_its_mail_with_who_read_it(device: Device, session: Session, copy: Copy) -> None:
    copy.reading = ReadingState.CONFIRMED.level
    session.add(copy)
    session.commit()
    page = show(device)
    assert "Lunch on Thursday?" in page
    assert FLYNN in page
    assert "reading-confirmed" in page


def test_it_shows_the_people_with_actions_history_and_tasks(
    device: Device, session: Session, alice: Member, copy: Copy
) -> None:
    flynn = ensure_person(session, alice.workspace_id, alice.id, FLYNN, "Kevin Flynn")
    event = make_event(session, alice, at=now(), person_id=flynn.id, person_address=FLYNN)
    fields = {"workspace_id": alice.workspace_id, "creator_id": alice.id, "assignee_id": alice.id}
    task = add(session, Task(**fields, person_id=flynn.id, kind="call", name="Ring Flynn", due_at=now()))
    session.commit()
    page = show(device, f"Kevin Flynn <{FLYNN}>")
    assert "Kevin Flynn" in page
    assert f'id="event-{event.id}"' in page
    assert "Ring Flynn" in page
    assert f"/tasks/{task.id}/completion" in page
    assert "no phone number" in page


def test_it_shows_a_mails_documents_and_how_far_they_were_read(
    device: Device, session: Session, settings: Settings, alice: Member, copy: Copy
) -> None:
    recipients = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()
    for name in ("Prices.pdf", "Terms.pdf"):
        document = make_document(session, settings, alice, name=name)
        share = for_copy(session, copy, recipients, make_insertion(session, alice, document))
        if name == "Prices.pdf":
            for pages_read in (2, 7):
                visit = {"workspace_id": alice.workspace_id, "member_id": alice.id, "document_id": document.id}
                visit |= {"version_id": document.current_version_id, "share_id": share.id, "pages": 9}
                late = now() - timedelta(hours=1)
                add(session, DocumentVisit(**visit, started_at=late, last_at=late, pages_read=pages_read))
    session.commit()
    page = show(device)
    assert "Prices.pdf</a>: read 7 of 9 pages" in page
    assert "Terms.pdf</a>: not opened yet" in page


def test_somebody_unknown_can_be_added_from_their_menu(device: Device, copy: Copy) -> None:
    page = show(device, ALAN)
    assert f"/people/menu?address={ALAN}" in page
    assert "add them first" in page


def test_own_addresses_nonsense_and_a_crowd_do_no_harm(
    device: Device, session: Session, alice: Member, copy: Copy
) -> None:
    make_mailbox(session, alice, email="alice.two@acme.example")
    session.commit()
    page = show(device, "Alice@acme.example", "alice.two@acme.example", "nonsense", "\x00", ALAN)
    assert "alice.two" not in page.partition(">")[2]
    assert ALAN in page
    crowd = show(device, *(f"p{n}@x.example" for n in range(30)))
    assert "and 10 more people" in crowd


def test_a_thread_without_tracked_mail_says_what_would_be_here(device: Device) -> None:
    assert "Switch tracking on when you answer" in show(device, ALAN)


def test_nobody_sees_a_colleagues_mail_by_its_thread(
    device: Device, pair: Callable[[Member], Device], session: Session, copy: Copy
) -> None:
    bob = make_member(session, "Bob")
    make_mailbox(session, bob)
    page = show(pair(bob))
    assert "Lunch on Thursday?" not in page
    assert FLYNN not in page


def test_a_partial_escapes_what_strangers_wrote(device: Device, session: Session, mailbox: Mailbox) -> None:
    make_copy(session, mailbox, FLYNN, subject="<img src=x onerror=alert(1)>", gmail_thread_id=THREAD)
    session.commit()
    page = show(device, '"<script>x</script>" <alan@encom.example>')
    assert "<img src=x" not in page
    assert "<script" not in page


@pytest.mark.parametrize("thread", ["nonsense", "18C2", "a" * 33, "18c2'"])
def test_what_is_no_thread_is_refused(device: Device, thread: str) -> None:
    answer = device.get("/extension/thread", query_string={"gmail_thread_id": thread})
    assert (answer.status_code, answer.get_json()["error"]) == (422, "bad_thread")
    answer = device.post("/extension/thread-openings", json={"gmail_thread_id": thread})
    assert (answer.status_code, answer.get_json()["error"]) == (422, "bad_thread")
    answer = device.post("/extension/marks", json={"thread_ids": [thread]})
    assert (answer.status_code, answer.get_json()["error"]) == (422, "bad_thread")


def test_opening_a_thread_is_remembered_for_a_while(device: Device, session: Session, alice: Member) -> None:
    assert device.post("/extension/thread-openings", json={"gmail_thread_id": THREAD}).status_code == 204
    opening = session.exec(select(ThreadOpening)).one()
    assert (opening.member_id, opening.gmail_thread_id) == (alice.id, THREAD)
    session.commit()
    recurring.sweep_thread_openings()
    assert len(session.exec(select(ThreadOpening)).all()) == 1
    session.commit()
    with time_machine.travel(now() + timedelta(days=91)):
        recurring.sweep_thread_openings()
    assert session.exec(select(ThreadOpening)).all() == []


def test_marks_tell_the_surest_state_of_each_thread(device: Device, session: Session, mailbox: Mailbox) -> None:
    make_copy(session, mailbox, FLYNN, gmail_thread_id=THREAD, reading=ReadingState.MACHINE.level)
    make_copy(session, mailbox, ALAN, gmail_thread_id=THREAD, reading=ReadingState.PROBABLE.level, views=2)
    make_copy(session, mailbox, ALAN, gmail_thread_id="1a")
    session.commit()
    marks = device.post("/extension/marks", json={"thread_ids": [THREAD, "1a", "ff"]}).get_json()["marks"]
    assert marks == {
        THREAD: {"state": "probable", "word": "Probably read", "views": 2, "clicks": 0, "replies": 0},
        "1a": {"state": "none", "word": "Not seen", "views": 0, "clicks": 0, "replies": 0},
    }


def test_marks_tell_nothing_of_a_colleagues_untracked_or_aggregate_mail(
    device: Device, session: Session, mailbox: Mailbox
) -> None:
    bob = make_member(session, "Bob")
    make_copy(session, make_mailbox(session, bob), FLYNN, gmail_thread_id="1a")
    for thread, changes in (("1b", {"track_views": False, "track_clicks": False}), ("1c", {"policy": Mode.AGGREGATE})):
        copy = make_copy(session, mailbox, FLYNN, gmail_thread_id=thread)
        message = session.get_one(Message, copy.message_id)
        message.sqlmodel_update(changes)
        session.add(message)
    session.commit()
    answer = device.post("/extension/marks", json={"thread_ids": ["1a", "1b", "1c"]})
    assert answer.get_json()["marks"] == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [({"thread_ids": ["1a"] * 101}, 413), ({"thread_ids": "1a"}, 422), ({"thread_ids": [1]}, 422), ({}, 422)],
)
def test_marks_are_asked_for_by_lists_of_at_most_a_hundred(
    device: Device, body: dict[str, object], status: int
) -> None:
    assert device.post("/extension/marks", json=body).status_code == status


def test_a_shared_mail_never_says_who_of_them_read_it(device: Device, session: Session, mailbox: Mailbox) -> None:
    copy = make_copy(session, mailbox, FLYNN, ALAN, gmail_thread_id=THREAD, reading=ReadingState.PROBABLE.level)
    session.commit()
    assert len(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()) == 2
    session.commit()
    assert show(device).count("Probably read by one of them") == 2


def test_a_browser_that_is_signed_in_may_look_too_but_needs_the_version(client: FlaskClient) -> None:
    answer = client.get("/extension/thread")
    assert answer.status_code == 302
