"""Jobs that are held: set aside with their reason, tried again, or let go."""

import traceback
from collections.abc import Sequence

import structlog
from sqlmodel import Session, col, select

from server import queue
from server.clock import now
from server.dead_letters.models import DeadLetter
from server.dead_letters.tries import forget_starts

ENDED_ITS_WORKER = "It ended its worker, or its worker was ended."
UNREADABLE = "A wake-up in the queue is none that Warmline wrote; it was not run."
UNREADABLE_JOB = ""
LIMIT = 100

log = structlog.get_logger()


def tell(error: BaseException) -> str:
    """Return why a job failed: the kind of the error and where, never its text, which may quote a mail."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {frames[-1].name}" if frames else type(error).__name__


def find_letter(session: Session, job: str, ids: Sequence[int] = ()) -> DeadLetter | None:
    """Return the job's row where it is held."""
    return session.exec(select(DeadLetter).where(DeadLetter.job == job, DeadLetter.ids == _join(ids))).first()


def set_aside(session: Session, job: str, ids: Sequence[int], reason: str) -> DeadLetter:
    """Hold a job with its latest reason; one that is held already counts once more."""
    letter = find_letter(session, job, ids)
    if letter is None:
        letter = DeadLetter(job=job, ids=_join(ids), reason=reason)
    else:
        letter.reason, letter.times = reason, letter.times + 1
    session.add(letter)
    session.flush()
    log.error("a job is set aside", job=job, ids=list(ids), reason=reason)
    return letter


def retry(session: Session, letter: DeadLetter) -> None:
    """Let a job start again, and wake it."""
    ids = [int(one) for one in letter.ids.split(",") if one]
    release(session, letter.job, ids)
    if letter.job:
        queue.wake(session, letter.job, *ids)


def release(session: Session, job: str, ids: Sequence[int]) -> None:
    """Let a job start again where it is held."""
    if letter := find_letter(session, job, ids):
        forget_starts(job, ids)
        session.delete(letter)
        session.flush()


def let_go(session: Session, letter: DeadLetter) -> None:
    """Take a job off the list; it stays held."""
    letter.let_go_at = now()
    session.add(letter)
    session.flush()


def list_letters(session: Session, limit: int = LIMIT) -> list[DeadLetter]:
    """Return the newest jobs that are held and were not let go."""
    rows = select(DeadLetter).where(col(DeadLetter.let_go_at).is_(None))
    return list(session.exec(rows.order_by(col(DeadLetter.set_aside_at).desc()).limit(limit)))


def _join(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
