"""Exactly once: whatever Google, the network or a dying worker does, each copy is accepted once or says why not."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import Session, col, select

from server import jobs
from server.accounts.models import Member
from server.clock import now
from server.gmail.mailboxes import disconnect
from server.gmail.models import Mailbox, MailboxState
from server.messages.compose import Draft, compose
from server.messages.models import Copy, CopyState
from server.messages.outbox import CANNOT_TELL, GAVE_UP, MAX_ATTEMPTS, claim_copy, find_due, find_unread, retry, store
from server.messages.render import COPY_HEADER, copy_mark
from server.messages.send import send
from tests.stand_in import DEMO, FLYNN, LORA, StandIn, make_raw

FAULTS = ("403rateLimit", "429", "500", "503", "401", "drop_before", "drop_after")
CALLS = ("drafts.create", "drafts.send", "messages.get")


@pytest.fixture
def copy(session: Session, member: Member, linked: Mailbox) -> Copy:
    compose(session, member, linked, Draft(to=[f"Flynn <{FLYNN}>"], subject="Lunch?", html="<p>Hi</p>"))
    copy = session.exec(select(Copy)).one()
    session.commit()
    return copy


def change(session: Session, copy: Copy, **values: object) -> None:
    session.execute(update(Copy).where(col(Copy.id) == copy.id).values(**values))
    session.commit()


def make_due(session: Session, copy: Copy) -> None:
    """Let the back-off and the lease of `copy` have passed."""
    past = now() - timedelta(seconds=1)
    change(session, copy, due_at=past, lease_until=past)


def run(session: Session, copy: Copy, times: int = 1) -> Copy:
    """Run the job that often, each time after all waiting is over."""
    session.commit()
    for _ in range(times):
        make_due(session, copy)
        jobs.send_copy(copy.id)
    session.refresh(copy)
    session.commit()
    return copy


def steps(session: Session, copy: Copy, count: int) -> None:
    """Be a worker that dies after its `count`th commit."""
    worker = send(session, copy.id)
    for _ in range(count):
        if next(worker, "done") == "done":
            return
        session.commit()
    worker.close()
    session.rollback()


def accepted(google: StandIn, copy: Copy) -> int:
    counts: dict[str, int] = google.steer("GET", f"accepted?header={COPY_HEADER}")["counts"]
    return counts.get(copy_mark(copy), 0)


def drafts(google: StandIn) -> list[object]:
    found: list[object] = google.gmail(DEMO).drafts().list(userId="me").execute().get("drafts", [])
    return found


def test_copy_is_sent_and_knows_its_real_message_id(session: Session, google: StandIn, copy: Copy) -> None:
    run(session, copy)
    [mail] = google.list_inbox(FLYNN)
    assert (copy.state, copy.failure, copy.attempts) == (CopyState.SENT, "", 1)
    assert mail["headers"]["subject"] == "Lunch?"
    assert mail["headers"]["message-id"] == copy.rfc822_message_id
    assert copy.sent_at is not None
    assert drafts(google) == []


def test_a_sent_copy_is_not_sent_again(session: Session, google: StandIn, copy: Copy) -> None:
    run(session, copy, times=3)
    assert accepted(google, copy) == 1


def test_a_copy_that_is_gone_is_nobodys_problem(session: Session, google: StandIn, copy: Copy) -> None:
    jobs.send_copy(copy.id + 1)
    jobs.read_back(copy.id + 1)
    assert accepted(google, copy) == 0


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_never_loses_nor_doubles_a_mail(
    session: Session, google: StandIn, copy: Copy, call: str, fault: str
) -> None:
    google.script({"match": call, "fault": fault, "count": 1})
    run(session, copy, times=2)
    assert [rule["hits"] for rule in google.steer("GET", "faults")] == [1]
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert drafts(google) == []


def test_faults_in_a_row_never_double_a_mail(session: Session, google: StandIn, copy: Copy) -> None:
    google.script(
        {"match": "drafts.create", "fault": "drop_after", "count": 1},
        {"match": "drafts.list", "fault": "503", "count": 1},
        {"match": "drafts.send", "fault": "drop_after", "count": 1},
        {"match": "drafts.get", "fault": "429", "count": 1},
        {"match": "threads.get", "fault": "drop_before", "count": 1},
    )
    run(session, copy, times=6)
    assert [rule["hits"] for rule in google.steer("GET", "faults")] == [1] * 5
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert copy.gmail_thread_id
    assert drafts(google) == []


@pytest.mark.parametrize("commits", range(5))
def test_a_worker_may_die_between_any_two_steps(session: Session, google: StandIn, copy: Copy, commits: int) -> None:
    steps(session, copy, commits)
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert drafts(google) == []


def test_a_worker_may_die_after_the_draft_and_before_its_id_is_stored(
    session: Session, google: StandIn, copy: Copy
) -> None:
    worker = send(session, copy.id)
    next(worker)
    session.commit()
    next(worker)  # the draft is made and its id written, but never committed
    session.rollback()
    worker.close()
    assert len(drafts(google)) == 1
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert drafts(google) == []


def test_a_worker_may_die_after_the_send_and_before_it_is_stored(session: Session, google: StandIn, copy: Copy) -> None:
    worker = send(session, copy.id)
    for _ in range(2):
        next(worker)
        session.commit()
    next(worker)  # sent, but never committed
    session.rollback()
    worker.close()
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert copy.rfc822_message_id == google.list_inbox(FLYNN)[0]["headers"]["message-id"]


@pytest.mark.parametrize("commits", [1, 2])
def test_a_stalled_worker_that_wakes_up_sends_nothing_more(
    session: Session, google: StandIn, copy: Copy, commits: int
) -> None:
    stalled = send(session, copy.id)
    for _ in range(commits):
        next(stalled)
        session.commit()
    run(session, copy)
    assert accepted(google, copy) == 1
    for _ in stalled:
        session.commit()
    session.refresh(copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert drafts(google) == []


def test_a_copy_has_one_holder_at_a_time(session: Session, copy: Copy) -> None:
    first = claim_copy(session, copy.id)
    session.commit()
    assert first is not None
    assert claim_copy(session, copy.id) is None
    make_due(session, copy)
    second = claim_copy(session, copy.id)
    session.commit()
    assert second is not None
    assert second.fence == first.fence + 1
    assert not store(session, first, gmail_draft_id="stale")
    assert store(session, second, gmail_draft_id="current")


def test_a_copy_waits_longer_after_each_failure(session: Session, google: StandIn, copy: Copy) -> None:
    google.script({"match": "drafts.create", "fault": "503"})
    waits = []
    with time_machine.travel(now(), tick=False):
        for _ in range(4):
            run(session, copy)
            waits.append((copy.due_at - now()).total_seconds())
        assert find_due(session) == []
    assert copy.state == CopyState.QUEUED
    assert "503" in copy.failure
    assert waits[0] < 1.6
    assert waits[3] > 3


def test_a_copy_gives_up_after_about_a_day(session: Session, google: StandIn, copy: Copy) -> None:
    change(session, copy, attempts=MAX_ATTEMPTS)
    run(session, copy)
    assert (copy.state, copy.failure) == (CopyState.FAILED, GAVE_UP)
    retry(session, copy)
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)


def test_withdrawn_access_fails_with_the_way_out(
    session: Session, google: StandIn, copy: Copy, linked: Mailbox
) -> None:
    google.steer("POST", "expire", {"email": DEMO, "what": "refresh_tokens"})
    run(session, copy)
    session.refresh(linked)
    assert (copy.state, linked.state) == (CopyState.FAILED, MailboxState.REVOKED)
    assert "Connect it again" in copy.failure


def test_nothing_leaves_from_a_disconnected_mailbox(
    session: Session, google: StandIn, copy: Copy, linked: Mailbox
) -> None:
    disconnect(session, linked)
    linked.refresh_token_sealed = None
    run(session, copy)
    session.refresh(linked)
    assert (copy.state, linked.state) == (CopyState.FAILED, MailboxState.DISCONNECTED)


def test_a_draft_that_its_member_deleted_is_never_sent_by_guess(session: Session, google: StandIn, copy: Copy) -> None:
    google.script({"match": "drafts.send", "fault": "drop_before", "count": 1})
    run(session, copy)
    assert copy.gmail_draft_id is not None
    google.gmail(DEMO).drafts().delete(userId="me", id=copy.gmail_draft_id).execute()
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.QUEUED, 0)
    change(session, copy, doubted_at=now() - timedelta(hours=1))
    run(session, copy)
    assert (copy.state, copy.failure, accepted(google, copy)) == (CopyState.FAILED, CANNOT_TELL, 0)
    retry(session, copy)
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)


def test_a_sent_mail_is_found_also_outside_its_thread(session: Session, google: StandIn, copy: Copy) -> None:
    google.script({"match": "drafts.send", "fault": "drop_after", "count": 1})
    run(session, copy)
    change(session, copy, gmail_thread_id="0123456789abcdef")
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert copy.gmail_thread_id != "0123456789abcdef"


def test_a_message_id_that_could_not_be_read_is_read_later(session: Session, google: StandIn, copy: Copy) -> None:
    google.script({"match": "messages.get", "fault": "503", "count": 1})
    with time_machine.travel(now(), tick=False):
        run(session, copy)
        assert (copy.state, copy.rfc822_message_id) == (CopyState.SENT, None)
        assert find_unread(session) == []
    change(session, copy, sent_at=now() - timedelta(minutes=1))
    assert find_unread(session) == [copy.id]
    session.commit()
    jobs.read_back(copy.id)
    session.refresh(copy)
    assert copy.rfc822_message_id == google.list_inbox(FLYNN)[0]["headers"]["message-id"]


def test_the_ticker_finds_what_is_due_or_abandoned(session: Session, copy: Copy) -> None:
    assert find_due(session) == [copy.id]
    change(session, copy, due_at=now() + timedelta(minutes=1))
    assert find_due(session) == []
    change(session, copy, state=CopyState.SENDING, lease_until=now() + timedelta(minutes=1))
    assert find_due(session) == []
    change(session, copy, lease_until=now() - timedelta(seconds=1))
    assert find_due(session) == [copy.id]


def test_an_orphaned_draft_is_found_among_many(session: Session, google: StandIn, copy: Copy) -> None:
    google.script({"match": "drafts.create", "fault": "drop_after", "count": 1})
    run(session, copy)
    for number in range(25):
        body = {"message": {"raw": make_raw(f"p{number}@x.example", "Later")}}
        google.gmail(DEMO).drafts().create(userId="me", body=body).execute()
    run(session, copy)
    assert (copy.state, accepted(google, copy)) == (CopyState.SENT, 1)
    assert len(drafts(google)) == 25


def test_individual_copies_name_only_their_own_recipient(
    session: Session, google: StandIn, member: Member, linked: Mailbox
) -> None:
    draft = Draft(to=[FLYNN], cc=[LORA], subject="Lunch?", html="<p>Hi</p>", individually=True)
    compose(session, member, linked, draft)
    session.commit()
    for copy in list(session.exec(select(Copy))):
        run(session, copy)
    for address in (FLYNN, LORA):
        [mail] = google.list_inbox(address)
        assert mail["headers"]["to"] == address
        assert "cc" not in mail["headers"]
