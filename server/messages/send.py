"""The dialogue with Gmail that sends a copy once: draft, send, read back; each step committed before the next effect.

That no second mail leaves, even while two workers hold the same copy, rests on Gmail: sending a draft consumes it, so
whoever comes second gets “not found”. Only the draft whose id is in the row is ever sent; on doubt we look for
that draft, then for the sent mail, before anything else.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

import structlog
from sqlmodel import Session

from server.config import get_settings
from server.gmail.answers import Draft, Sent
from server.gmail.client import Gmail
from server.gmail.errors import GmailFailure, NotFound
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.messages.followed import find_followed
from server.messages.models import Copy
from server.messages.outbox import (
    GAVE_UP,
    MAX_ATTEMPTS,
    Claim,
    claim_copy,
    exclude,
    fail,
    find_exclusion,
    hold_to_send,
    lease_end,
    note_doubt,
    note_failure,
    note_message_id,
    note_sent,
    store,
)
from server.messages.render import COPY_HEADER, render_copy

SENT_LOOKED_AT = 20

log = structlog.get_logger()


def send(session: Session, copy_id: int) -> Iterator[None]:
    """Send the copy where it is due; yields wherever the caller must commit before going on."""
    claim = claim_copy(session, copy_id)
    if claim is None:
        return
    exclusion = find_exclusion(session, claim)
    is_untried = claim.fence == 1
    if claim.copy.attempts > MAX_ATTEMPTS:
        fail(session, claim, GAVE_UP)
    elif exclusion and is_untried:
        exclude(session, claim, exclusion)
    yield
    if claim.copy.attempts > MAX_ATTEMPTS or (exclusion and is_untried):
        return
    try:
        with Gmail.open(claim.mailbox) as gmail:
            if not exclusion or not (yield from _take_back(session, claim, gmail, exclusion)):
                yield from _deliver(session, claim, gmail)
    except GmailFailure as failure:
        note_failure(session, claim, failure)  # stores nothing where the mail was sent already
        yield


def read_back(session: Session, copy_id: int) -> Iterator[None]:
    """Store the Message-ID under which Gmail really sent the copy (T1); yields where the caller must commit."""
    copy = session.get(Copy, copy_id)
    mailbox = session.get(Mailbox, copy.mailbox_id) if copy else None
    if copy is None or mailbox is None or copy.gmail_id is None or copy.rfc822_message_id is not None:
        return
    yield  # ends the transaction: none stays open while Gmail answers
    try:
        with Gmail.open(mailbox) as gmail:
            yield from _read_back(session, copy.id, copy.gmail_id, gmail)
    except GmailFailure as failure:
        log.warning("Message-ID not read back; looking again later", copy_id=copy_id, reason=failure.message)


def _take_back(session: Session, claim: Claim, gmail: Gmail, reason: str) -> Generator[None, None, bool]:
    """Delete the draft of an earlier try and keep the copy back; return False where that try may have sent it."""
    draft_id = claim.copy.gmail_draft_id
    if draft_id is None:
        draft = _find_own_draft(gmail, claim)
        draft_id = draft.draft_id if draft else None
    elif not gmail.has_draft(draft_id):
        return False
    if draft_id is not None:
        gmail.delete_draft(draft_id)
    exclude(session, claim, reason)
    yield
    return True


def _deliver(session: Session, claim: Claim, gmail: Gmail) -> Iterator[None]:
    draft_id, thread_id = claim.copy.gmail_draft_id, claim.copy.gmail_thread_id or ""
    is_new = draft_id is None
    if draft_id is None:
        draft = _find_own_draft(gmail, claim)
        if draft is None:
            followed = find_followed(session, claim.copy)
            raw = _render(session, claim, followed)
            if session.in_transaction():  # its documents' shares must exist before it leaves
                yield
            draft = _create_draft(gmail, raw, followed[0].gmail_thread_id if followed else None)
        draft_id, thread_id = draft.draft_id, draft.thread_id
        is_ours = store(session, claim, gmail_draft_id=draft_id, gmail_thread_id=thread_id, lease_until=lease_end())
        yield
        if not is_ours:
            yield from _drop_draft(session, claim, gmail, draft_id)
            return
    sent: Sent | None = None
    if is_new or gmail.has_draft(draft_id):
        if claim.copy.waits_for_sync or not is_new:
            may_leave = hold_to_send(session, claim)
            yield
            if not may_leave:
                yield from _drop_draft(session, claim, gmail, draft_id)
                return
        with suppress(NotFound):
            sent = gmail.send_draft(draft_id)
    sent = sent or gmail.find_sent(thread_id, COPY_HEADER, claim.mark) or _find_among_recent(gmail, claim)
    if sent is None:
        note_doubt(session, claim)
        yield
        return
    note_sent(session, claim, sent)
    yield
    yield from _read_back(session, claim.copy.id, sent.gmail_id, gmail)


def _find_own_draft(gmail: Gmail, claim: Claim) -> Draft | None:
    """Return the draft that an earlier try has made without living to store its id."""
    if claim.fence == 1:
        return None
    # Asking for the recipient first keeps this at one or two calls, however many drafts wait to be sent.
    return gmail.find_draft(COPY_HEADER, claim.mark, f"to:{claim.recipients[0].address}")


def _render(session: Session, claim: Claim, followed: Sequence[Copy]) -> bytes:
    return render_copy(
        session, get_settings(), get_keys(), claim.member, claim.mailbox, claim.message, claim.copy, claim.recipients,
        followed,
    )  # fmt: skip


def _create_draft(gmail: Gmail, raw: bytes, thread_id: str | None) -> Draft:
    if thread_id:
        with suppress(NotFound):  # somebody has deleted the thread
            return gmail.create_draft(raw, thread_id)
    return gmail.create_draft(raw)


def _find_among_recent(gmail: Gmail, claim: Claim) -> Sent | None:
    found = gmail.list_message_ids(f"in:sent to:{claim.recipients[0].address} newer_than:7d")
    for gmail_id in found.gmail_ids[:SENT_LOOKED_AT]:
        with suppress(NotFound):
            if gmail.get_headers(gmail_id, [COPY_HEADER]).get(COPY_HEADER.lower()) == claim.mark:
                return Sent(gmail_id, gmail.get_raw(gmail_id).thread_id)
    return None


def _drop_draft(session: Session, claim: Claim, gmail: Gmail, draft_id: str) -> Iterator[None]:
    # Whoever holds the copy now may have found this very draft and be about to send it: then it must stay.
    copy = session.get(Copy, claim.copy.id, populate_existing=True)
    is_stored = copy is not None and copy.gmail_draft_id == draft_id
    may_be_found = copy is not None and copy.gmail_draft_id is None and not copy.exclusion
    yield
    if not is_stored and not may_be_found:
        with suppress(NotFound):
            gmail.delete_draft(draft_id)


def _read_back(session: Session, copy_id: int, gmail_id: str, gmail: Gmail) -> Iterator[None]:
    message_id = gmail.get_headers(gmail_id, ["Message-ID"]).get("message-id", "").strip()
    if message_id:
        note_message_id(session, copy_id, message_id)
        yield
