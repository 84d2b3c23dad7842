"""Reads what came into a mailbox since its cursor and hands each mail on, once, whatever dies in between."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

import structlog
from sqlmodel import Session

from server import queue
from server.clock import now
from server.gmail import backfill, gaps, mailboxes, quarantine
from server.gmail.answers import AddedMail, RawMail
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure, HistoryExpired, NotFound, RateLimited, TokenRevoked
from server.gmail.lease import Lease, LeaseLost, claim, hold, release, want_next
from server.gmail.models import GapCause, Mailbox
from server.gmail.quarantine import Receive as Receive

DRAFT, SENT = "DRAFT", "SENT"

log = structlog.get_logger()

Steps: TypeAlias = Generator[None, None, datetime | None]

BATCH_MAILS = 20
QUICK_PAUSES_SECONDS = (0.2, 0.6)  # before a mail is asked for again
LATE_HISTORY_SECONDS = (1, 3, 7)  # after a push whose history is still empty
PUSH_SETTLED_SECONDS = 60
LONGEST_PAUSE_SECONDS = 600
LONGEST_SYNC_SECONDS = 120  # then another job goes on, well before RQ would end this one


class Sent(Protocol):
    """Who wants to see mail that the member sent; it is fetched only while they await any."""

    def is_awaited(self, session: Session, mailbox: Mailbox) -> bool:
        """Return whether any is awaited."""

    def receive(self, session: Session, mailbox: Mailbox, mail: RawMail) -> object:
        """Take one."""


@dataclass(frozen=True, slots=True)
class _Takers:
    """Who takes which mail; nobody takes drafts."""

    receive: Receive
    sent: Sent | None

    def choose(self, session: Session, mailbox: Mailbox, added: Iterable[AddedMail]) -> list[AddedMail]:
        """Return those mails of a page of history that somebody takes.

        Asked after that page was read: whoever awaits a mail says so before it is sent, so none is overlooked.
        """
        mails = [mail for mail in added if DRAFT not in mail.label_ids]
        if any(SENT in mail.label_ids for mail in mails) and not (self.sent and self.sent.is_awaited(session, mailbox)):
            mails = [mail for mail in mails if SENT not in mail.label_ids]
        return mails

    def take(self, session: Session, mailbox: Mailbox, mail: RawMail) -> None:
        """Give one mail to whom it concerns."""
        if SENT not in mail.label_ids:
            self.receive(session, mailbox, mail)
        elif self.sent is not None:
            self.sent.receive(session, mailbox, mail)


def sync(session: Session, mailbox_id: int, receive: Receive, sent: Sent | None = None) -> Iterator[None]:
    """Bring the mailbox up to date, giving each new mail to `receive`, and what the member sent to `sent`.

    Yields wherever the caller must commit: Google is only called between those points, so that no transaction waits for
    the network. A mail for which `receive` raises is quarantined with its reason. Failures of Google are noted in the
    row, with a time for the next try; a second sync of the same mailbox returns at once.
    """
    began_at = now()
    lease = claim(session, mailbox_id)
    if lease is None:
        return
    yield
    try:
        with Gmail.open(lease.mailbox) as gmail:
            next_at = yield from _read_on(session, gmail, lease, _Takers(receive, sent))
        _finish(session, lease, next_at, began_at)
    except LeaseLost:
        log.info("another sync went on with this mailbox, or it is no longer linked", mailbox_id=mailbox_id)
        session.rollback()
    except GmailFailure as error:
        session.rollback()
        _note_failure(session, lease, error)
    yield


def _read_on(session: Session, gmail: Gmail, lease: Lease, takers: _Takers) -> Steps:
    """Read from the stored cursor, never from the pushed id."""
    start, page_token, began = lease.mailbox.history_id, None, time.monotonic()
    if start is None:
        hold(session, lease, history_id=gmail.get_profile().history_id)
        return None
    yield from _receive_pending(session, gmail, lease, takers)
    while True:
        try:
            page = gmail.list_history(start, page_token)
        except HistoryExpired:
            yield from backfill.start(session, gmail, lease)
            yield from _receive_pending(session, gmail, lease, takers)
            return now()  # for what came in since the search began
        is_late = page.last_id is None and page_token is None and _was_pushed_lately(lease.mailbox)
        # The mailbox's newest point may lie beyond mail that history does not list yet: stay on this side of it.
        reached = page.last_id or (None if is_late else page.history_id)
        wanted = takers.choose(session, lease.mailbox, page.added)
        yield
        yield from _receive_all(session, gmail, lease, wanted, takers, reached)
        if (page_token := page.next_page_token) is None:
            next_look = _find_next_look(lease.mailbox) if is_late else None
            return now() if backfill.has_pending(session, lease.mailbox.id) else next_look
        if time.monotonic() - began > LONGEST_SYNC_SECONDS:
            return now()


def _receive_pending(session: Session, gmail: Gmail, lease: Lease, takers: _Takers) -> Iterator[None]:
    """Receive the next portion of what a backfill listed."""
    if portion := backfill.find_portion(session, lease.mailbox.id):
        yield
        wanted = [AddedMail(gmail_id, frozenset(), 0) for gmail_id in portion]
        yield from _receive_all(session, gmail, lease, wanted, takers, None, is_pending=True)


def _receive_all(
    session: Session, gmail: Gmail, lease: Lease, wanted: Sequence[AddedMail], takers: _Takers, reached: int | None,
    *, is_pending: bool = False,
) -> Iterator[None]:  # fmt: skip
    """Receive the mails in batches, each of which takes the cursor along; the last one takes it to `reached`.

    What was fetched before a failure is received first: however often Gmail fails, each try gets further.
    """
    left = list(wanted)
    while True:
        mails, fetched, failure = yield from _fetch(session, gmail, lease, left[:BATCH_MAILS])
        done, left = left[:fetched], left[fetched:]
        for mail in mails:
            if reason := quarantine.receive_guarded(session, lease.mailbox, mail, takers.take):
                quarantine.set_aside(session, lease.mailbox, mail.gmail_id, reason)
        if is_pending and done:
            backfill.note_received(session, lease.mailbox.id, [mail.gmail_id for mail in done])
        hold(session, lease, **_find_progress(lease, done, left, reached))
        yield
        if failure is not None:
            raise failure
        if not left:
            return


def _fetch(
    session: Session, gmail: Gmail, lease: Lease, wanted: Sequence[AddedMail]
) -> Generator[None, None, tuple[list[RawMail], int, GmailFailure | None]]:
    """Fetch the mails; return those that are there, how many were looked for, and what stopped it."""
    mails: list[RawMail] = []
    for place, added in enumerate(wanted):
        try:
            mails += _find_mail(gmail, added.gmail_id)
        except GmailFailure as error:
            return mails, place, error
        if lease.is_aging():
            hold(session, lease)
            yield
    return mails, len(wanted), None


def _find_progress(
    lease: Lease, done: Sequence[AddedMail], left: Sequence[AddedMail], reached: int | None
) -> dict[str, Any]:  # fmt: skip
    """Return the columns that say how far the mailbox was read: never beyond a mail that is still to come."""
    values: dict[str, Any] = {}
    if left:
        first_left = min(mail.history_id for mail in left)
        reached = max((mail.history_id for mail in done if mail.history_id < first_left), default=None)
    if reached:
        values["history_id"] = reached
    if done and lease.mailbox.sync_failures > 1:
        values["sync_failures"] = 1  # it gets on: what fails next is waited for as if it were the first
    return values


def _find_mail(gmail: Gmail, gmail_id: str, pauses: Sequence[float] = QUICK_PAUSES_SECONDS) -> list[RawMail]:
    try:
        mail = gmail.get_raw(gmail_id)
    except NotFound:
        return []  # history may name a mail that is gone by now
    except GmailFailure as error:
        if not pauses or error.permanent or isinstance(error, RateLimited):
            raise
        time.sleep(pauses[0])
        return _find_mail(gmail, gmail_id, pauses[1:])
    return [] if DRAFT in mail.label_ids else [mail]


def _was_pushed_lately(mailbox: Mailbox) -> bool:
    pushed_at = mailbox.last_push_at
    return pushed_at is not None and now() - pushed_at < timedelta(seconds=PUSH_SETTLED_SECONDS)


def _find_next_look(mailbox: Mailbox) -> datetime | None:
    """Return when to look again for mail that a push announced and history does not list yet."""
    pushed_at, at = mailbox.last_push_at or now(), now()
    looks = (pushed_at + timedelta(seconds=seconds) for seconds in LATE_HISTORY_SECONDS)
    return next((look for look in looks if look > at), None)


def _finish(session: Session, lease: Lease, next_at: datetime | None, began_at: datetime) -> None:
    mailbox = lease.mailbox
    # A look is wanted while history lags behind a push: until then, what came in is not known to have been seen.
    seen: dict[str, Any] = {} if next_at else {"seen_until_at": began_at, "blind_cause": ""}
    if seen:
        session.refresh(mailbox)
        gaps.note_seen(session, mailbox, now())
    release(session, lease, **seen, last_sync_at=now(), sync_failures=0, sync_error="")
    if not want_next(session, lease, next_at):
        queue.wake(session, "sync_mailbox", mailbox.id or 0)
    if mailbox.sync_failures:
        queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)


def _note_failure(session: Session, lease: Lease, error: GmailFailure) -> None:
    mailbox = lease.mailbox
    try:
        if isinstance(error, TokenRevoked):
            release(session, lease)
            session.refresh(mailbox)
            mailboxes.mark_revoked(session, mailbox, error.message)
            return
        session.refresh(mailbox)
        failures = mailbox.sync_failures + 1
        pause = error.retry_after_seconds or (LONGEST_PAUSE_SECONDS if error.permanent else 2 ** min(failures, 9))
        next_at = now() + timedelta(seconds=min(pause, LONGEST_PAUSE_SECONDS))
        cause = mailbox.blind_cause or GapCause.GMAIL
        release(
            session, lease, sync_failures=failures, sync_error=error.message, sync_wanted_at=next_at, blind_cause=cause
        )
        queue.announce(session, "mailbox", member_id=mailbox.member_id, id=mailbox.id)
    except LeaseLost:
        session.rollback()
