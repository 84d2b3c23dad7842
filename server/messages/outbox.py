"""The copy row as outbox: who may send it now, and what is stored about how that went.

A copy is claimed by one conditional UPDATE that takes a lease and a new fence; whatever a worker stores, it stores
under its fence. A worker that dies or stalls loses the copy when the lease ends.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, CursorResult, and_, delete, or_, update
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.consent.suppression import find_suppressed
from server.dead_letters.letters import release
from server.errors import Refused
from server.gmail.answers import Sent
from server.gmail.errors import GmailFailure, TokenRevoked
from server.gmail.mailboxes import mark_revoked
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy, CopyState, Message, MessageSource, Recipient
from server.messages.render import copy_mark
from server.queue import announce, wake

LEASE_SECONDS = 10
FIRST_BACK_OFF_SECONDS = 1
LONGEST_BACK_OFF_SECONDS = 600
MAX_ATTEMPTS = 150  # about a day at the longest back-off
DOUBT_SECONDS = 120  # how long a sent mail may take to appear in the mailbox
READ_BACK_SECONDS = 3  # the worker that sent it has read it back by then, if it could
READ_BACK_DAYS = 2
SEEN_SECONDS = 4  # a reply that has been in the mailbox for 5 s is never overlooked (mission, T4)
GAVE_UP = "Gmail could not be reached for about a day."
STOPPED = "Warmline stopped trying: sending this failed again and again, for a reason of its own."
CANNOT_TELL = (
    "We cannot tell whether Gmail sent this: its draft is gone, and the mail is not among the sent ones. Look into the "
    "folder Sent in Gmail; if it is not there, try again."
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """A copy that this worker holds under `fence`, with all that is needed to send it without another read."""

    copy: Copy
    fence: int
    message: Message
    mailbox: Mailbox
    member: Member
    recipients: list[Recipient]

    @property
    def mark(self) -> str:
        """The value of our header in this copy."""
        return copy_mark(self.copy)


def claim_copy(session: Session, copy_id: int) -> Claim | None:
    """Take the copy where it is due or its holder's lease has ended; None where it is not ours to send."""
    taken = {"state": CopyState.SENDING, "lease_until": lease_end(), "failure": ""}
    taken |= {"fence": Copy.fence + 1, "attempts": Copy.attempts + 1}
    if not update_copy(session, copy_id, taken, _is_due(now())):
        return None
    copy = session.get_one(Copy, copy_id, populate_existing=True)
    message = session.get_one(Message, copy.message_id)
    recipients = select(Recipient).where(Recipient.copy_id == copy.id).order_by(col(Recipient.id))
    _announce(session, copy)
    return Claim(
        copy, copy.fence, message, session.get_one(Mailbox, copy.mailbox_id, populate_existing=True),
        session.get_one(Member, message.member_id), list(session.exec(recipients)),
    )  # fmt: skip


def retry(session: Session, copy: Copy, *, of_campaign: bool = False) -> None:
    """Send a copy after all that failed or was kept back; raises `Refused` for any other, and for a campaign's unless
    the campaign asks: it knows whether the person may still get it."""
    if not of_campaign and session.get_one(Message, copy.message_id).source == MessageSource.CAMPAIGN:
        raise Refused(_("This mail belongs to a campaign. Try again on the page of the campaign."), status=409)
    again = {"state": CopyState.QUEUED, "due_at": now(), "attempts": 0, "doubted_at": None}
    again |= {"failure": "", "exclusion": ""}
    if not update_copy(session, copy.id, again, col(Copy.state).in_((CopyState.FAILED, CopyState.EXCLUDED))):
        raise Refused(_("Only a mail that failed can be tried again."), status=409)
    session.refresh(copy)
    release(session, "send_copy", [copy.id])
    wake(session, "send_copy", copy.id)
    _announce(session, copy)


def give_up(session: Session, copy_id: int, reason: str) -> None:
    """Let no worker begin with a copy again whose sending ends its workers; its member may try again."""
    waiting = col(Copy.state).in_((CopyState.QUEUED, CopyState.SENDING))
    values = {"state": CopyState.FAILED, "failure": f"{STOPPED} {reason}", "fence": Copy.fence + 1, "lease_until": None}
    if update_copy(session, copy_id, values, waiting):
        log.warning("copy not sent", copy_id=copy_id, reason=reason)
        _announce(session, session.get_one(Copy, copy_id, populate_existing=True))


def find_due(session: Session, limit: int = 200) -> list[int]:
    """Return the ids of copies that are due or abandoned, the longest waiting first."""
    return list(session.exec(select(Copy.id).where(_is_due(now())).order_by(col(Copy.due_at)).limit(limit)))


def find_unread(session: Session, limit: int = 50) -> list[int]:
    """Return the ids of copies sent in the last days whose real Message-ID was not read back."""
    newest, oldest = now() - timedelta(seconds=READ_BACK_SECONDS), now() - timedelta(days=READ_BACK_DAYS)
    rows = select(Copy.id).join(Mailbox, col(Mailbox.id) == Copy.mailbox_id)
    rows = rows.where(Copy.state == CopyState.SENT, col(Copy.sent_at).between(oldest, newest))
    rows = rows.where(col(Copy.rfc822_message_id).is_(None), Mailbox.state == MailboxState.LINKED)
    return list(session.exec(rows.limit(limit)))


def note_sent(session: Session, claim: Claim, sent: Sent) -> None:
    """Store that Gmail sent the copy."""
    # A fact, whoever holds the copy by now: stored without asking for the fence.
    values = {"gmail_id": sent.gmail_id, "gmail_thread_id": sent.thread_id, "sent_at": now()}
    values |= {"state": CopyState.SENT, "failure": "", "lease_until": None, "doubted_at": None}
    if update_copy(session, claim.copy.id, values, col(Copy.state) != CopyState.SENT):
        _announce(session, claim.copy)


def note_message_id(session: Session, copy_id: int, message_id: str) -> None:
    """Store the Message-ID that the sent mail really has."""
    update_copy(session, copy_id, {"rfc822_message_id": message_id})
    _announce(session, session.get_one(Copy, copy_id))


def note_doubt(session: Session, claim: Claim) -> None:
    """Look again later, or give up, where the draft is gone and the sent mail is not to be found."""
    since = claim.copy.doubted_at or now()
    if now() - since < timedelta(seconds=DOUBT_SECONDS):
        _postpone(session, claim, "Looking for the mail among those that Gmail sent.", doubted_at=since)
    else:
        fail(session, claim, CANNOT_TELL, gmail_draft_id=None, gmail_thread_id=None)


def note_failure(session: Session, claim: Claim, failure: GmailFailure) -> None:
    """Try again later where that can help, else fail with a reason that names the way out."""
    if isinstance(failure, TokenRevoked):
        mark_revoked(session, claim.mailbox, failure.message)
    if failure.permanent:
        fail(session, claim, failure.message)
    else:
        _postpone(session, claim, failure.message, failure.retry_after_seconds or 0)


def find_exclusion(session: Session, claim: Claim) -> str:
    """Return why the copy must not leave: the reason of the first of its recipients who gets no mail; "" for none."""
    if claim.copy.exclusion:
        return claim.copy.exclusion  # it was withdrawn while an earlier try had it
    if claim.message.source == MessageSource.SAMPLE:
        return ""
    addresses = [recipient.address for recipient in claim.recipients]
    found = find_suppressed(session, claim.message.workspace_id, addresses)
    return next((found[address.lower()] for address in addresses if address.lower() in found), "")


def exclude(session: Session, claim: Claim, reason: str) -> None:
    """Keep the copy from leaving, for a `consent.models.Reason`; its member may send it after that is lifted."""
    values = {"exclusion": reason, "failure": "", "gmail_draft_id": None, "gmail_thread_id": None}
    if store(session, claim, state=CopyState.EXCLUDED, lease_until=None, **values):
        _announce(session, claim.copy)


def fail(session: Session, claim: Claim, reason: str, **values: Any) -> None:
    """Give the copy up; its member may try again."""
    if store(session, claim, state=CopyState.FAILED, failure=reason, lease_until=None, **values):
        log.warning("copy not sent", copy_id=claim.copy.id, reason=reason)
        _announce(session, claim.copy)


def store(session: Session, claim: Claim, **values: Any) -> bool:
    """Write `values` where this worker still holds the copy; return whether it does."""
    return update_copy(
        session, claim.copy.id, values, col(Copy.state) == CopyState.SENDING, col(Copy.fence) == claim.fence
    )


def update_copy(session: Session, copy_id: int, values: dict[str, Any], *conditions: ColumnElement[bool]) -> bool:
    """Write `values` in one UPDATE where `conditions` hold; return whether they did."""
    statement = update(Copy).where(col(Copy.id) == copy_id, *conditions).values(**values)
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return bool(cast(CursorResult[Any], result).rowcount)


def hold_to_send(session: Session, claim: Claim) -> bool:
    """Hold the copy for the send itself; return whether it may leave: it is still ours, and no reply is overlooked.

    One that is ours, but whose mailbox was not read lately, waits for that in the outbox with its draft.
    """
    at = now()
    held = col(Copy.state) == CopyState.SENDING, col(Copy.fence) == claim.fence
    if update_copy(session, claim.copy.id, {"lease_until": lease_end()}, *held, _may_leave(at)):
        return True
    store(session, claim, state=CopyState.QUEUED, due_at=at, lease_until=None, attempts=Copy.attempts - 1)
    return False


def withdraw(session: Session, copy_ids: Collection[int], reason: str) -> None:
    """Let none of these leave any more, for `reason`, also where a worker holds one or an earlier try may have sent it.

    What nobody has begun is out at once. For the rest a worker is woken, which deletes the draft, or finds that Gmail
    has sent the mail; whoever held it till then notices by the fence.
    """
    chosen = update(Copy).where(col(Copy.id).in_(copy_ids))
    waiting = (CopyState.QUEUED, CopyState.SENDING)
    untouched = chosen.where(col(Copy.state) == CopyState.QUEUED, col(Copy.fence) == 0)
    begun = chosen.where(col(Copy.state).in_(waiting), col(Copy.fence) > 0)
    again = {"state": CopyState.QUEUED, "due_at": now(), "fence": Copy.fence + 1, "lease_until": None}
    options = {"synchronize_session": False}
    session.execute(untouched.values(state=CopyState.EXCLUDED, exclusion=reason), execution_options=options)
    session.execute(begun.values(exclusion=reason, **again), execution_options=options)
    for copy_id in copy_ids:
        wake(session, "send_copy", copy_id)


def lease_end() -> datetime:
    """Return until when a worker that begins a step now holds its copy."""
    return now() + timedelta(seconds=LEASE_SECONDS)


def _postpone(session: Session, claim: Claim, reason: str, at_least_seconds: float = 0, **values: Any) -> None:
    exponent = min(claim.copy.attempts - 1, 20)
    back_off = min(LONGEST_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2**exponent) * random.uniform(0.5, 1.5)  # noqa: S311
    due_at = now() + timedelta(seconds=max(at_least_seconds, back_off))
    if store(session, claim, state=CopyState.QUEUED, due_at=due_at, failure=reason, lease_until=None, **values):
        _announce(session, claim.copy)


def find_overlooked(session: Session) -> list[int]:
    """Return the ids of mailboxes that must be read before a copy that is due may leave."""
    at = now()
    waiting = select(Copy.mailbox_id).where(_is_wanted(at), col(Copy.waits_for_sync).is_(True), ~_is_seen(at))
    return list(session.exec(waiting.distinct()))


def take_back(session: Session, copy_id: int) -> bool:
    """Delete a copy that nobody has begun to send; return whether it could be."""
    is_untouched = col(Copy.state) == CopyState.QUEUED, col(Copy.fence) == 0
    if not update_copy(session, copy_id, {"state": CopyState.EXCLUDED}, *is_untouched):
        return False
    session.execute(delete(Recipient).where(col(Recipient.copy_id) == copy_id))
    session.execute(delete(Copy).where(col(Copy.id) == copy_id))
    return True


def _is_seen(at: datetime) -> ColumnElement[bool]:
    """Say that a copy's mailbox was read to within seconds."""
    seen = select(Mailbox.id).where(
        Mailbox.id == Copy.mailbox_id, col(Mailbox.seen_until_at) >= at - timedelta(seconds=SEEN_SECONDS)
    )
    return seen.exists()


def _may_leave(at: datetime) -> ColumnElement[bool]:
    return or_(col(Copy.waits_for_sync).is_(False), col(Copy.exclusion) != "", _is_seen(at))


def _is_wanted(at: datetime) -> ColumnElement[bool]:
    due = and_(col(Copy.state) == CopyState.QUEUED, col(Copy.due_at) <= at)
    return or_(due, and_(col(Copy.state) == CopyState.SENDING, col(Copy.lease_until) < at))


def _is_due(at: datetime) -> ColumnElement[bool]:
    return and_(_is_wanted(at), _may_leave(at))


def _announce(session: Session, copy: Copy) -> None:
    message = session.get_one(Message, copy.message_id)
    announce(session, "message", member_id=message.member_id, id=message.id)
