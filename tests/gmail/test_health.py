"""Mailbox health: what could not be seen is noted once, nothing listed is dropped, and what is wrong has a way out."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from server import jobs, recurring
from server.accounts.members import deactivate, reactivate
from server.accounts.models import Member, Role, Workspace
from server.clock import now
from server.config import Settings
from server.errors import Unreadable
from server.gmail import backfill, client, ending, gaps, history, mailboxes, quarantine, schedule
from server.gmail.answers import RawMail
from server.gmail.health import Trouble, find_trouble, read_health
from server.gmail.models import (
    Backfill,
    GapCause,
    Mailbox,
    MailboxGap,
    MailboxState,
    PendingMail,
    QuarantinedMail,
)
from server.gmail.oauth import MAILBOX_SCOPES, Grant
from tests.factories import add, make_copy, make_mailbox, make_member
from tests.sign_in import sign_in
from tests.stand_in import DEMO, FLYNN, StandIn


def ignore(_session: Session, _mailbox: Mailbox, _mail: RawMail) -> None:
    """Take a mail and leave no trace."""


def refuse(_session: Session, _mailbox: Mailbox, _mail: RawMail) -> None:
    raise Unreadable("it names no sender")


def run(session: Session, steps: Iterator[None]) -> None:
    session.commit()
    for _ in steps:
        session.commit()


def sync(session: Session, mailbox: Mailbox, receive: history.Receive = ignore) -> None:
    run(session, history.sync(session, mailbox.id, receive))
    session.refresh(mailbox)
    session.commit()


def change(session: Session, mailbox: Mailbox, **values: object) -> None:
    for name, value in values.items():
        setattr(mailbox, name, value)
    session.add(mailbox)
    session.commit()


def list_causes(session: Session) -> list[str]:
    causes = list(session.exec(select(MailboxGap.cause).order_by(col(MailboxGap.id))))
    session.commit()
    return causes


def test_a_long_silence_is_noted_once_and_a_short_one_is_not(session: Session, mailbox: Mailbox) -> None:
    change(session, mailbox, seen_until_at=now() - timedelta(minutes=14))
    sync(session, mailbox)
    assert list_causes(session) == []
    start_at = now() - timedelta(minutes=16)
    change(session, mailbox, seen_until_at=start_at)
    sync(session, mailbox)
    sync(session, mailbox)
    gap = session.exec(select(MailboxGap)).one()
    assert (gap.start_at, gap.cause, gap.mailbox_id) == (start_at, GapCause.AWAY, mailbox.id)
    assert now() - gap.end_at < timedelta(minutes=5) and mailbox.blind_cause == ""


def test_gmail_that_fails_is_the_cause_until_a_sync_is_complete(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    change(session, mailbox, seen_until_at=now() - timedelta(hours=1))
    stand_in.script({"match": "GET .*/history", "fault": "503"})
    sync(session, mailbox)
    assert (list_causes(session), mailbox.blind_cause) == ([], GapCause.GMAIL)
    assert Trouble.BLIND in read_health(session, mailbox).troubles
    stand_in.script()
    sync(session, mailbox)
    assert list_causes(session) == [GapCause.GMAIL]


def test_withdrawn_access_is_the_cause_after_it_is_given_again(session: Session, mailbox: Mailbox) -> None:
    change(session, mailbox, seen_until_at=now() - timedelta(hours=3), granted_at=now() - timedelta(days=7))
    mailboxes.mark_revoked(session, mailbox, "gone")
    assert mailbox.token_seconds == pytest.approx(7 * 86400, abs=60)
    assert read_health(session, mailbox).troubles == [Trouble.REVOKED]
    change(session, mailbox, state=MailboxState.LINKED)
    sync(session, mailbox)
    assert list_causes(session) == [GapCause.REVOKED]


def test_expired_history_is_a_gap_however_short_with_what_was_found(
    session: Session, mailbox: Mailbox, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "HISTORY_PAGE_SIZE", 2)
    monkeypatch.setattr(backfill, "MOST_MAILS", 4)
    monkeypatch.setattr(backfill, "PORTION_MAILS", 3)
    change(session, mailbox, seen_until_at=now() - timedelta(seconds=5))
    for number in range(7):
        stand_in.send(FLYNN, DEMO, f"n{number}")
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "history"})
    sync(session, mailbox)
    found = session.get_one(Backfill, mailbox.id)
    assert (found.found, found.beyond, found.finished_at) == (4, 3, None)
    health = read_health(session, mailbox)
    assert (health.pending, health.troubles) == (1, [Trouble.BACKFILL])
    assert list_causes(session) == []
    sync(session, mailbox)
    session.refresh(found)
    assert found.finished_at is not None and session.exec(select(PendingMail)).all() == []
    assert list_causes(session) == [GapCause.HISTORY]


def test_a_quarantined_mail_is_tried_again_on_request(
    session: Session, mailbox: Mailbox, stand_in: StandIn, client: FlaskClient, alice: Member
) -> None:
    stand_in.send(FLYNN, DEMO, "odd")
    sync(session, mailbox, refuse)
    row = session.exec(select(QuarantinedMail)).one()
    sign_in(client, alice)
    page = client.get(f"/mailboxes/{mailbox.id}/health").text
    assert "it names no sender" in page and "Try again" in page
    assert client.post(f"/mailboxes/{mailbox.id}/quarantine/{row.id}/trial").status_code == 302
    assert "being tried" in client.get(f"/mailboxes/{mailbox.id}/health").text
    assert quarantine.find_wanted(session) == [mailbox.id]
    run(session, quarantine.retry(session, mailbox.id, refuse))
    session.refresh(row)
    assert row.retry_wanted_at is None and row.retried_at is not None
    quarantine.want_retry(session, mailbox)
    session.commit()
    jobs.retry_quarantined(mailbox.id)
    session.expire_all()
    assert session.exec(select(QuarantinedMail)).all() == []


def test_nobody_sees_or_tries_a_colleagues_mailbox(session: Session, mailbox: Mailbox, client: FlaskClient) -> None:
    sign_in(client, make_member(session, "Mallory"))
    assert client.get(f"/mailboxes/{mailbox.id}/health").status_code == 404
    assert client.post(f"/mailboxes/{mailbox.id}/quarantine/1/trial").status_code == 404


@pytest.mark.parametrize("status", ["testing", ""])
def test_the_end_of_a_token_in_testing_is_told_from_day_5_once(
    session: Session, mailbox: Mailbox, settings: Settings, client: FlaskClient, alice: Member, status: str
) -> None:
    settings.google_app_status = status  # type: ignore[assignment]
    change(session, mailbox, granted_at=now() - timedelta(days=4, hours=23))
    if not status:  # an earlier token lived 7 days
        change(session, mailbox, token_seconds=7 * 86400 + 300)
    assert ending.find_unwarned(session) == [] and ending.find_end(session, mailbox) is None
    granted_at = now() - timedelta(days=5, minutes=1)
    change(session, mailbox, granted_at=granted_at)
    assert ending.find_end(session, mailbox) == granted_at + timedelta(days=7)
    sign_in(client, alice)
    assert "Testing" in client.get("/mailboxes/banner").text
    assert "In production" in client.get(f"/mailboxes/{mailbox.id}/health").text
    recurring.warn_of_ending_access()
    session.expire_all()
    assert mailbox.warned_at is not None and ending.find_unwarned(session) == []


def test_an_app_in_production_or_one_whose_tokens_live_longer_warns_of_nothing(
    session: Session, mailbox: Mailbox, settings: Settings
) -> None:
    change(session, mailbox, granted_at=now() - timedelta(days=6), token_seconds=7 * 86400)
    assert ending.is_testing(session)
    add(session, make_mailbox(session, make_member(session, "Bob"), granted_at=now() - timedelta(days=9)))
    assert not ending.is_testing(session)
    settings.google_app_status = "production"
    assert ending.find_end(session, mailbox) is None


def test_linking_anew_begins_the_seven_days_again(session: Session, alice: Member) -> None:
    grant = Grant("refresh", "access", frozenset(MAILBOX_SCOPES), "sub", alice.email, email_verified=True)
    mailbox = mailboxes.link(session, alice, grant)
    assert mailbox.granted_at is not None and now() - mailbox.granted_at < timedelta(minutes=1)


def test_the_mailboxes_of_a_deactivated_member_rest(session: Session, mailbox: Mailbox, alice: Member) -> None:
    make_member(session, "Ada", session.get_one(Workspace, alice.workspace_id), role=Role.ADMIN)
    change(session, mailbox, sync_wanted_at=now(), seen_until_at=now() - timedelta(hours=1))
    cursor = mailbox.history_id
    deactivate(session, alice)
    session.commit()
    session.refresh(mailbox)
    assert mailbox.is_paused and schedule.find_due_syncs(session) == schedule.find_due_polls(session) == []
    assert schedule.find_due_watches(session) == []
    schedule.want_syncs(session, [mailbox.id])
    assert list(history.sync(session, mailbox.id, ignore)) == [] and mailbox.history_id == cursor
    reactivate(session, alice)
    session.commit()
    assert schedule.find_due_syncs(session) == [mailbox.id]
    session.refresh(mailbox)
    sync(session, mailbox)
    assert list_causes(session) == [GapCause.PAUSED]


def test_the_feed_shows_a_gap_at_its_place_and_what_is_wrong_in_one_line(
    session: Session, mailbox: Mailbox, alice: Member, client: FlaskClient
) -> None:
    from server.events.models import EventKind
    from server.events.record import Fact, record

    copy = make_copy(session, mailbox)

    def view(at: datetime) -> None:
        record(session, [Fact(EventKind.REPLIED, at, at.isoformat(), copy.id)])

    end_at = now() - timedelta(hours=5)
    view(end_at - timedelta(hours=3))
    view(end_at + timedelta(hours=1))
    for member_id in (alice.id, alice.id + 1000):
        add(
            session,
            MailboxGap(
                mailbox_id=mailbox.id, workspace_id=mailbox.workspace_id, member_id=member_id,
                start_at=end_at - timedelta(hours=1), end_at=end_at, cause=GapCause.GMAIL,
            ),
        )  # fmt: skip
    change(session, mailbox, seen_until_at=now() - timedelta(hours=1))
    assert (find_trouble(session, alice.id) or pytest.fail()).trouble == Trouble.BLIND
    sign_in(client, alice)
    page = client.get("/").text
    newer, gap, older = page.index('id="event-2"'), page.index('id="gap-1"'), page.index('id="event-1"')
    assert newer < gap < older
    assert 'id="gap-2"' not in page and "Gmail did not answer." in page
    assert f"/mailboxes/{mailbox.id}/health" in page
    change(session, mailbox, seen_until_at=now())
    assert "/health" not in client.get("/mailboxes/trouble").text


def test_a_mailbox_that_is_well_says_so(session: Session, mailbox: Mailbox, alice: Member, client: FlaskClient) -> None:
    sync(session, mailbox)
    change(session, mailbox, watched_at=now(), watch_expires_at=now() + timedelta(days=6))
    sign_in(client, alice)
    page = client.get(f"/mailboxes/{mailbox.id}/health").text
    assert "Nothing is wrong." in page and str(mailbox.history_id) in page
    assert gaps.find_gap(mailbox, now()) is None
    assert "/health" in client.get("/mailboxes").text
