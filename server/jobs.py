"""ALL background jobs and all recurring work, on one page.

A job loads by id, returns quietly if the row is gone, calls one verb and commits. Each may run twice, late, or beside
itself: what must happen once is claimed in the database. The recurring looks find rows that are due and wake their job.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

from sqlmodel import Session

from server.db import get_db
from server.messages import outbox, send
from server.queue import get_wakeups, wake_key
from server.ticker import Recurring


def job(run: Callable[..., None]) -> Callable[..., None]:
    """Let the next wake-up of the same job and ids through as soon as this one starts."""

    @wraps(run)
    def start(*ids: int) -> None:
        get_wakeups().redis.delete(wake_key(run.__name__, *ids))
        run(*ids)

    return start


@job
def send_copy(copy_id: int) -> None:
    """Send one copy of a message."""
    _commit_each(send.send, copy_id)


@job
def read_back(copy_id: int) -> None:
    """Read back the Message-ID that Gmail gave a sent copy."""
    _commit_each(send.read_back, copy_id)


def _commit_each(steps: Callable[[Session, int], Iterator[None]], row_id: int) -> None:
    with get_db().session() as session:
        for _ in steps(session, row_id):
            session.commit()


def wake_due_copies() -> None:
    """Wake a worker for each copy that is due, or whose worker is gone."""
    _wake_each("send_copy", outbox.find_due)


def wake_unread_copies() -> None:
    """Wake a worker for each sent copy whose Message-ID is not known yet."""
    _wake_each("read_back", outbox.find_unread)


def _wake_each(name: str, find: Callable[[Session], Iterable[int]]) -> None:
    with get_db().session(write=False) as session:
        ids = list(find(session))
    for row_id in ids:
        get_wakeups().wake(name, row_id)


RECURRING: tuple[Recurring, ...] = (
    Recurring(1, wake_due_copies),
    Recurring(30, wake_unread_copies),
)
