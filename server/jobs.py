"""ALL background jobs, on one page; what wakes them again and again stands in `server/recurring.py`.

A job loads by id, returns quietly if the row is gone, calls one verb and commits. Each may run twice, late, or beside
itself: what must happen once is claimed in the database. The recurring looks find rows that are due and wake their job.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial, wraps

from redis import RedisError
from rq.exceptions import DeserializationError
from rq.job import Job
from sqlmodel import Session

from server.campaigns import advance, deliveries, follow, replies, runs
from server.config import get_settings
from server.consent import erasure, retention
from server.db import get_db, give_way
from server.dead_letters import letters, tries
from server.documents import conversion
from server.gmail import history, mailboxes, quarantine, watch
from server.keys import get_keys
from server.messages import inbound, outbox, send, sent
from server.people import imports
from server.queue import UnknownWakeup, get_wakeups, wake_key
from server.sandbox.lab import play as lab
from server.scoring import recompute
from server.tracking.drain import drain_batch, hold_journal

SLICE_SECONDS = 1.0  # then the next job of the queue


def job(run: Callable[..., None]) -> Callable[..., None]:
    """Let the next wake-up of the same job and ids through as soon as this one starts."""

    @wraps(run)
    def start(*ids: int) -> None:
        with suppress(RedisError):
            get_wakeups().redis.delete(wake_key(run.__name__, *ids))
        if not _may_start(run.__name__, ids):
            return
        try:
            run(*ids)
        except Exception as error:
            _note_failure(run.__name__, ids, error)
            raise
        tries.forget_starts(run.__name__, ids)

    start.is_job = True  # type: ignore[attr-defined]
    return start


def _may_start(name: str, ids: tuple[int, ...]) -> bool:
    """Count this start, and hold the job where the last ones never came to an end: it may be what ends its worker."""
    with get_db().session(write=False) as session:
        if ids and letters.find_letter(session, name, ids) is not None:
            return False
    if tries.count_start(name, ids) > tries.MOST_TRIES:
        _set_aside(name, ids, letters.ENDED_ITS_WORKER)
        return not ids
    return True


def _note_failure(name: str, ids: tuple[int, ...], error: Exception) -> None:
    if tries.is_passing(error):
        tries.forget_starts(name, ids)
    elif tries.count_tries(name, ids) >= tries.MOST_TRIES:
        _set_aside(name, ids, letters.tell(error))


def _set_aside(name: str, ids: tuple[int, ...], reason: str) -> None:
    with get_db().session() as session:
        letters.set_aside(session, name, ids, reason)
        if name == "send_copy":
            outbox.give_up(session, ids[0], reason)
        session.commit()
    tries.forget_starts(name, ids)


def note_unknown(_job: Job, kind: type[BaseException], *_more: object) -> bool:
    """Note a wake-up in the queue that is none of ours; return whether RQ is to do what it does with any failure."""
    if issubclass(kind, UnknownWakeup | DeserializationError):
        _set_aside(letters.UNREADABLE_JOB, (), letters.UNREADABLE)
    return True


@job
def send_copy(copy_id: int) -> None:
    """Send one copy of a message."""
    _commit_each(send.send, copy_id)


@job
def read_back(copy_id: int) -> None:
    """Read back the Message-ID that Gmail gave a sent copy."""
    _commit_each(send.read_back, copy_id)


@job
def drain_hits() -> None:
    """Bring the hits in the edge's journal into the event log."""
    folder, keys = get_settings().journal_dir, get_keys()
    with hold_journal(folder) as is_ours, get_db().session() as session:
        begun = time.monotonic()
        while is_ours and drain_batch(session, folder, keys):
            session.commit()
            begun = give_way(session, begun)


@job
def sync_mailbox(mailbox_id: int) -> None:
    """Take in what came into a mailbox since its cursor."""
    _commit_each(partial(history.sync, receive=replies.receive, sent=sent), mailbox_id)


@job
def renew_watch(mailbox_id: int) -> None:
    """Let Gmail push for another week."""
    _commit_each(watch.renew, mailbox_id)


@job
def disconnect_mailbox(mailbox_id: int) -> None:
    """Give a mailbox's access back to Google and delete what was copied from it."""
    _commit_each(partial(mailboxes.finish_disconnect, forget_mail=inbound.forget), mailbox_id)


@job
def retry_quarantined(mailbox_id: int) -> None:
    """Try mail again that could not be read."""
    _commit_each(partial(quarantine.retry, receive=replies.receive), mailbox_id)


@job
def recompute_scores(workspace_id: int) -> None:
    """Go on building a workspace's scores under its new rules."""
    _commit_each(recompute.recompute, workspace_id, is_long=True)


@job
def prepare_run(run_id: int) -> None:
    """Take the next people of a campaign's audience into its run."""
    _commit_while(runs.prepare_batch, run_id)


@job
def advance_campaign(campaign_id: int) -> None:
    """Let the people of a campaign whose step is due do it."""
    _commit_while(advance.advance_batch, campaign_id)


@job
def settle_deliveries() -> None:
    """Follow what became of the campaigns' mail in the outbox."""
    _commit_while(deliveries.settle_batch)


@job
def follow_events() -> None:
    """Let campaigns follow the newest events."""
    _commit_while(follow.follow_batch)


@job
def import_people(import_id: int) -> None:
    """Take in the next lines of an uploaded file of people."""
    _commit_each(imports.run, import_id, is_long=True)


@job
def erase_person(erasure_id: int) -> None:
    """Erase somebody who asked for it."""
    _commit_each(erasure.run, erasure_id)


@job
def forget_evidence(workspace_id: int) -> None:
    """Delete IP addresses, programs and devices that are older than a workspace keeps them."""
    _commit_each(retention.run, workspace_id, is_long=True)


@job
def play_scenarios() -> None:
    """Play the scenarios of the tracking lab that wait, one after the other, for a slice."""
    end = time.monotonic() + SLICE_SECONDS
    is_idle = False
    while not is_idle and time.monotonic() < end:
        is_idle = True
        with get_db().session() as session:
            for _ in lab.play_next(session):
                session.commit()
                is_idle = False
    if not is_idle:
        get_wakeups().wake("play_scenarios")


@job
def convert_document(version_id: int) -> None:
    """Make the pages of one version of a document."""
    _commit_each(conversion.convert, version_id)


def _commit_each(steps: Callable[[Session, int], Iterator[None]], row_id: int, *, is_long: bool = False) -> None:
    """Commit after each step; those that are `is_long`, without a network between them, leave others their turn."""
    with get_db().session() as session:
        begun = time.monotonic()
        for _ in steps(session, row_id):
            session.commit()
            if is_long:
                begun = give_way(session, begun)


def _commit_while(step: Callable[..., bool], *ids: int) -> None:
    """Call `step`, a transaction a time, while it says that there is more, but for no longer than a slice."""
    begun = time.monotonic()
    end = begun + SLICE_SECONDS
    with get_db().session() as session:
        while step(session, *ids):
            session.commit()
            begun = give_way(session, begun)
            if begun > end:
                return  # the ticker finds what is left
        session.commit()
