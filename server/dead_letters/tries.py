"""How often a job was started without coming to an end; counted in Redis, which may forget it: then it counts again."""

from collections.abc import Sequence
from contextlib import suppress

from redis import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from server.errors import ForeignFailure
from server.queue import get_wakeups

MOST_TRIES = 5
KEPT_SECONDS = 86_400
# Not the job's fault: what it needs is away.
PASSING = (OperationalError, InterfaceError, RedisError)


def count_start(job: str, ids: Sequence[int]) -> int:
    """Note that a job starts, and return how often it did since it last came to its end; 1 while Redis is away."""
    with suppress(RedisError):
        redis = get_wakeups().redis
        count = int(redis.incr(_key(job, ids)))
        redis.expire(_key(job, ids), KEPT_SECONDS)
        return count
    return 1


def count_tries(job: str, ids: Sequence[int]) -> int:
    """Return how often a job was started since it last came to its end; 0 while Redis is away."""
    with suppress(RedisError):
        return int(get_wakeups().redis.get(_key(job, ids)) or 0)
    return 0


def forget_starts(job: str, ids: Sequence[int]) -> None:
    """Note that a job came to its end, or did not for reasons that pass."""
    with suppress(RedisError):
        get_wakeups().redis.delete(_key(job, ids))


def is_passing(error: BaseException) -> bool:
    """Return whether what stopped a job lies outside it and passes."""
    if isinstance(error, ForeignFailure):
        return not error.permanent
    return isinstance(error, PASSING)


def _key(job: str, ids: Sequence[int]) -> str:
    return ":".join(("starts", job, *map(str, ids)))
