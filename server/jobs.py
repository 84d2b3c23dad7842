"""ALL background jobs and all recurring work, on one page.

A job loads by id, returns quietly if the row is gone, calls one verb and commits. Each may run twice, late, or beside
itself: what must happen once is claimed in the database. The recurring looks find rows that are due and wake their job.
"""

from collections.abc import Callable
from functools import wraps

from server.queue import get_wakeups, wake_key
from server.ticker import Recurring


def job(run: Callable[..., None]) -> Callable[..., None]:
    """Let the next wake-up of the same job and ids through as soon as this one starts."""

    @wraps(run)
    def start(*ids: int) -> None:
        get_wakeups().redis.delete(wake_key(run.__name__, *ids))
        run(*ids)

    return start


RECURRING: tuple[Recurring, ...] = ()
