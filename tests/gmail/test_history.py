"""Reading a mailbox's history: every new mail once, whatever fails, comes twice, or happens at the same time."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, select

from server import jobs
from server.accounts.models import Member, Workspace
from server.clock import now
from server.db import get_db
from server.errors import Unreadable
from server.events.models import Event
from server.gmail import backfill, client, history
from server.gmail.answers import RawMail
from server.gmail.client import Gmail
from server.gmail.models import Mailbox, MailboxState, QuarantinedMail
from server.messages.compose import Draft, compose
from server.messages.models import Copy, InboundMail
from server.queue import get_wakeups, wake_key
from tests.stand_in import DEMO, FLYNN, StandIn

PREFIX = "mail "


def keep(session: Session, _mailbox: Mailbox, mail: RawMail) -> None:
    """Leave one row a mail, so that a rollback takes it back and a second receipt shows."""
    session.add(Workspace(name=PREFIX + read_subject(mail)))
    session.flush()


def read_subject(mail: RawMail) -> str:
    line = next(line for line in mail.raw.splitlines() if line.lower().startswith(b"subject:"))
    return line.split(b":", 1)[1].strip().decode()


def sync(session: Session, mailbox: Mailbox, receive: history.Receive = keep) -> None:
    """Sync to the end, committing wherever the sync says so."""
    for _ in history.sync(session, mailbox.id or 0, receive):
        session.commit()
    session.refresh(mailbox)
    session.commit()


def kept(session: Session) -> list[str]:
    names = session.exec(select(Workspace.name).where(Workspace.name.startswith(PREFIX))).all()
    session.commit()
    return sorted(name.removeprefix(PREFIX) for name in names)


def change(session: Session, mailbox: Mailbox, **values: object) -> None:
    for name, value in values.items():
        setattr(mailbox, name, value)
    session.add(mailbox)
    session.commit()


def send_numbers(stand_in: StandIn, count: int) -> list[str]:
    subjects = [f"n{number}" for number in range(count)]
    for subject in subjects:
        stand_in.send(FLYNN, DEMO, subject)
    return subjects


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two history records a page, two mails a batch."""
    monkeypatch.setattr(client, "HISTORY_PAGE_SIZE", 2)
    monkeypatch.setattr(history, "BATCH_MAILS", 2)


def test_every_new_mail_is_received_once_over_all_pages(
    session: Session, mailbox: Mailbox, stand_in: StandIn, small_pages: None
) -> None:
    subjects = send_numbers(stand_in, 5)
    sync(session, mailbox)
    assert kept(session) == subjects
    sync(session, mailbox)
    assert kept(session) == subjects
    assert mailbox.last_sync_at is not None and mailbox.sync_failures == 0


def test_mailbox_without_a_cursor_starts_now(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    change(session, mailbox, history_id=None)
    stand_in.send(FLYNN, DEMO, "before")
    sync(session, mailbox)
    assert mailbox.history_id
    stand_in.send(FLYNN, DEMO, "after")
    sync(session, mailbox)
    assert kept(session) == ["after"]


def test_own_drafts_and_sent_mail_are_ignored(session: Session, mailbox: Mailbox, gmail: Gmail) -> None:
    draft = gmail.create_draft(b"To: flynn@flynnsarcade.com\r\nSubject: mine\r\n\r\nHi")
    gmail.send_draft(draft.draft_id)
    gmail.create_draft(b"To: flynn@flynnsarcade.com\r\nSubject: not sent\r\n\r\nHi")
    sync(session, mailbox)
    assert kept(session) == []


def test_archived_mail_is_received_too(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    stand_in.send(FLYNN, DEMO, "archived")
    gmail_id = stand_in.list_inbox(DEMO)[0]["id"]
    stand_in.gmail(DEMO).messages().modify(userId="me", id=gmail_id, body={"removeLabelIds": ["INBOX"]}).execute()
    sync(session, mailbox)
    assert kept(session) == ["archived"]


def test_mail_that_is_gone_is_skipped(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    stand_in.send(FLYNN, DEMO, "gone")
    gmail_id = stand_in.list_inbox(DEMO)[0]["id"]
    stand_in.gmail(DEMO).messages().delete(userId="me", id=gmail_id).execute()
    stand_in.send(FLYNN, DEMO, "here")
    sync(session, mailbox)
    assert kept(session) == ["here"]


def test_cursor_waits_until_its_mail_is_recorded(
    session: Session, mailbox: Mailbox, stand_in: StandIn, small_pages: None
) -> None:
    subjects = send_numbers(stand_in, 5)
    cursor = mailbox.history_id

    def receive_until_n3(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
        keep(session, mailbox, mail)
        if read_subject(mail) == "n3":
            raise OperationalError("INSERT", {}, Exception("database away"))

    with pytest.raises(OperationalError):
        sync(session, mailbox, receive_until_n3)
    session.rollback()
    session.refresh(mailbox)
    session.commit()
    assert kept(session) == ["n0", "n1"]
    assert mailbox.history_id is not None and cursor is not None and mailbox.history_id > cursor
    change(session, mailbox, lease_until=now() - timedelta(seconds=1))
    sync(session, mailbox)
    assert kept(session) == subjects


def test_mail_that_cannot_be_read_is_quarantined_and_the_sync_goes_on(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
        keep(session, mailbox, mail)
        if read_subject(mail) == "n1":
            raise Unreadable("its date is in the year 0")
        if read_subject(mail) == "n2":
            raise ValueError("secret words of the mail")

    send_numbers(stand_in, 4)
    sync(session, mailbox, receive)
    assert kept(session) == ["n0", "n3"]
    reasons = session.exec(select(QuarantinedMail.reason).order_by(col(QuarantinedMail.id))).all()
    assert reasons == ["its date is in the year 0", "ValueError in receive"]


def test_mail_quarantined_before_stays_once(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
        raise Unreadable("odd")

    cursor = mailbox.history_id
    send_numbers(stand_in, 1)
    sync(session, mailbox, receive)
    change(session, mailbox, history_id=cursor)
    sync(session, mailbox, receive)
    assert len(session.exec(select(QuarantinedMail)).all()) == 1


def test_row_that_somebody_else_just_added_gives_a_mail_a_second_chance(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    tries: list[str] = []

    def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
        tries.append(read_subject(mail))
        if len(tries) == 1:
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        keep(session, mailbox, mail)

    send_numbers(stand_in, 1)
    sync(session, mailbox, receive)
    assert (tries, kept(session)) == (["n0", "n0"], ["n0"])


def test_expired_history_is_made_good_by_a_search(
    session: Session, mailbox: Mailbox, stand_in: StandIn, small_pages: None
) -> None:
    subjects = send_numbers(stand_in, 5)
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "history"})
    sync(session, mailbox)
    assert kept(session) == subjects
    stand_in.send(FLYNN, DEMO, "n9")
    sync(session, mailbox)
    assert kept(session) == [*subjects, "n9"]


def test_search_after_expired_history_goes_on_in_portions_the_newest_first(
    session: Session, mailbox: Mailbox, stand_in: StandIn, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PORTION_MAILS", 3)
    subjects = send_numbers(stand_in, 5)
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "history"})
    sync(session, mailbox)
    assert kept(session) == ["n2", "n3", "n4"]
    assert mailbox.seen_until_at is None and mailbox.sync_wanted_at is not None and mailbox.sync_wanted_at <= now()
    stand_in.send(FLYNN, DEMO, "n9")
    sync(session, mailbox)
    assert kept(session) == [*subjects, "n9"]
    assert mailbox.seen_until_at is not None and mailbox.sync_wanted_at is None


def test_search_begins_where_the_last_sync_ended(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    stand_in.send(FLYNN, DEMO, "long ago")
    change(session, mailbox, last_sync_at=now() + timedelta(hours=1))
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "history"})
    sync(session, mailbox)
    assert kept(session) == []


def test_second_sync_of_a_mailbox_leaves_it_to_the_first(
    app: Flask, session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    send_numbers(stand_in, 2)
    first = history.sync(session, mailbox.id or 0, keep)
    next(first)
    session.commit()
    with get_db().session() as other:
        assert list(history.sync(other, mailbox.id or 0, keep)) == []
    finish(session, first)
    assert kept(session) == ["n0", "n1"]


def test_sync_that_outlived_its_lease_drops_what_it_did(
    app: Flask, session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    send_numbers(stand_in, 2)
    slow = history.sync(session, mailbox.id or 0, keep)
    next(slow)
    change(session, mailbox, lease_until=now() - timedelta(seconds=1))
    with get_db().session() as other:
        for _ in history.sync(other, mailbox.id or 0, keep):
            other.commit()
    finish(session, slow)
    assert kept(session) == ["n0", "n1"]


def test_sync_stops_when_the_mailbox_is_disconnected_meanwhile(
    app: Flask, session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    send_numbers(stand_in, 2)
    running = history.sync(session, mailbox.id or 0, keep)
    next(running)
    change(session, mailbox, state=MailboxState.DISCONNECTED)
    finish(session, running)
    assert kept(session) == []


def finish(session: Session, steps: Iterator[None]) -> None:
    session.commit()
    for _ in steps:
        session.commit()


def test_wish_made_during_a_sync_is_not_lost(app: Flask, session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    change(session, mailbox, sync_wanted_at=now())
    running = history.sync(session, mailbox.id or 0, keep)
    next(running)
    wish = now()
    change(session, mailbox, sync_wanted_at=wish)
    finish(session, running)
    session.refresh(mailbox)
    assert mailbox.sync_wanted_at == wish
    assert get_wakeups().redis.exists(wake_key("sync_mailbox", mailbox.id or 0))


def test_wish_is_fulfilled_by_the_sync_that_began_after_it(session: Session, mailbox: Mailbox) -> None:
    change(session, mailbox, sync_wanted_at=now())
    sync(session, mailbox)
    assert mailbox.sync_wanted_at is None and mailbox.lease_until is None


@pytest.mark.parametrize(("pushed", "next_look"), [(0.2, 1), (2, 3), (5, 7), (10, None)])
def test_history_still_empty_after_a_push_is_looked_at_again(
    session: Session, mailbox: Mailbox, pushed: float, next_look: int | None
) -> None:
    cursor = mailbox.history_id
    with time_machine.travel(now(), tick=False):
        pushed_at = now() - timedelta(seconds=pushed)
        change(session, mailbox, last_push_at=pushed_at, sync_wanted_at=pushed_at)
        sync(session, mailbox)
    expected = next_look and pushed_at + timedelta(seconds=next_look)
    assert (mailbox.sync_wanted_at, mailbox.history_id) == (expected, cursor)


def test_failure_of_google_is_noted_and_tried_again_later(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    send_numbers(stand_in, 1)
    stand_in.script({"match": "GET .*/history", "fault": "503"})
    sync(session, mailbox)
    first = mailbox.sync_wanted_at
    sync(session, mailbox)
    assert mailbox.sync_failures == 2 and "503" in mailbox.sync_error and mailbox.lease_until is None
    assert first and mailbox.sync_wanted_at and mailbox.sync_wanted_at - first > timedelta(seconds=1)
    stand_in.script()
    sync(session, mailbox)
    assert (kept(session), mailbox.sync_failures, mailbox.sync_error) == (["n0"], 0, "")


def test_however_often_gmail_fails_each_sync_gets_further(
    session: Session, mailbox: Mailbox, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = history._find_mail
    monkeypatch.setattr(history, "_find_mail", lambda gmail, gmail_id, pauses=(0.0,): find(gmail, gmail_id, pauses))
    subjects = send_numbers(stand_in, 30)
    stand_in.script({"match": "GET .*/messages/", "fault": "503", "probability": 0.6, "seed": 3})
    syncs = 0
    while len(kept(session)) < len(subjects) or mailbox.sync_failures:
        before, cursor = len(kept(session)), mailbox.history_id or 0
        sync(session, mailbox)
        syncs += 1
        has_more = len(kept(session)) > before
        assert (mailbox.history_id or 0) > cursor if has_more else mailbox.history_id == cursor
        assert mailbox.sync_failures <= 2 or not has_more
        assert syncs < 100
    assert syncs > 3 and kept(session) == sorted(subjects)


def test_failure_between_two_mails_records_neither_twice(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    subjects = send_numbers(stand_in, 3)
    stand_in.script({"match": "GET .*/messages/", "fault": "drop_after", "probability": 0.5, "seed": 3})
    for _ in range(20):
        sync(session, mailbox)
    stand_in.script()
    sync(session, mailbox)
    assert kept(session) == subjects


def test_withdrawn_access_revokes_the_mailbox_and_stops(session: Session, mailbox: Mailbox, stand_in: StandIn) -> None:
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "refresh_tokens"})
    client.access_tokens.forget()
    change(session, mailbox, sync_wanted_at=now())
    sync(session, mailbox)
    assert mailbox.state == MailboxState.REVOKED
    assert "Connect it again" in mailbox.state_reason
    assert mailbox.sync_wanted_at is None and mailbox.lease_until is None
    assert list(history.sync(session, mailbox.id or 0, keep)) == []


def test_mailbox_that_is_gone_is_quietly_left(session: Session) -> None:
    assert list(history.sync(session, 4711, keep)) == []


def test_reply_becomes_one_event_though_two_workers_sync_at_once(
    app: Flask, session: Session, alice: Member, mailbox: Mailbox, stand_in: StandIn
) -> None:
    message = compose(session, alice, mailbox, Draft(to=[FLYNN], subject="Lunch?", html="<p>Thursday?</p>"))
    session.commit()
    copy = session.exec(select(Copy).where(Copy.message_id == message.id)).one()
    session.commit()
    jobs.send_copy(copy.id)
    jobs.read_back(copy.id)
    mail = stand_in.list_inbox(FLYNN)[0]
    reference = mail["headers"]["message-id"]
    stand_in.send(FLYNN, DEMO, "Re: Lunch?", In_Reply_To=reference, References=reference)
    run_at_once(app, lambda: jobs.sync_mailbox(mailbox.id), 3)
    assert len(session.exec(select(InboundMail)).all()) == 1
    events = session.exec(select(Event)).all()
    assert [(event.kind, event.person_address) for event in events] == [("replied", FLYNN)]


def run_at_once(app: Flask, job: Callable[[], None], count: int) -> None:
    def run() -> None:
        with app.app_context():
            job()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
