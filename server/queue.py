"""Wake-ups through Redis: an RQ job names a verb and carries ids, a notice tells the live stream where to look.

The database is the record. What is lost here (a flush, a restart) is found again by the ticker from its row, so
a wake-up is sent only after the commit it speaks of, and a Redis that is away is logged, never an error.
"""

import json
from collections.abc import Callable
from typing import Any

import redis
import structlog
from flask import Flask, current_app
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlmodel import Session

log = structlog.get_logger()

QUEUE_OF_JOB = {"drain_hits": "hits", "convert_document": "documents"}
DEFAULT_QUEUE = "mail"
QUEUES = ("hits", "mail", "documents")
NOTICES = "warmline:notices"
JOB_SECONDS = 300
# After which a wake-up that a dying worker took along is sent again.
WAKE_SECONDS = {"hits": 2, "mail": 10, "documents": 120}
REDIS_SECONDS = 2.0


class Wakeups:
    """This process's way to the workers and to the streams."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self._queues = {name: Queue(name, connection=self.redis, serializer=JSONSerializer) for name in QUEUES}

    def wake(self, job: str, *ids: int) -> bool:
        """Enqueue `server.jobs.<job>(*ids)` unless the same wake-up already waits; return whether Redis answered."""
        try:
            queue = QUEUE_OF_JOB.get(job, DEFAULT_QUEUE)
            if self.redis.set(wake_key(job, *ids), 1, nx=True, ex=WAKE_SECONDS[queue]):
                self._queues[queue].enqueue(
                    f"server.jobs.{job}", *ids, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=7 * 86400
                )
        except redis.RedisError as error:
            log.warning("wake-up not sent; the ticker will find the row", job=job, ids=ids, error=str(error))
            return False
        return True

    def announce(self, topic: str, **ids: int | str | None) -> None:
        """Tell all live streams that something named `topic` changed."""
        try:
            self.redis.publish(NOTICES, json.dumps({"topic": topic, **ids}))
        except redis.RedisError as error:
            log.warning("notice not sent; streams look again by themselves", topic=topic, error=str(error))

    def lengths(self) -> dict[str, int]:
        """Return how many wake-ups wait in each queue; raises `redis.RedisError` while Redis is away."""
        return {name: queue.count for name, queue in self._queues.items()}

    def init_app(self, app: Flask) -> None:
        """Make these wake-ups those of `app`."""
        app.extensions["warmline_wakeups"] = self


def connect(url: str) -> "redis.Redis":
    """Return a client that gives up soon: nothing durable waits for Redis."""
    return redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)


def get_wakeups() -> Wakeups:
    """Return the wake-ups of the current app."""
    wakeups: Wakeups = current_app.extensions["warmline_wakeups"]
    return wakeups


def wake_key(job: str, *ids: int) -> str:
    """Return the key that is set while a wake-up waits in its queue; the job deletes it when it starts."""
    return ":".join(("wake", job, *map(str, ids)))


def wake(session: Session, job: str, *ids: int) -> None:
    """Wake a worker for `job` once `session` has committed."""
    _after_commit(session, lambda: get_wakeups().wake(job, *ids))


def announce(session: Session, topic: str, **ids: int | str | None) -> None:
    """Tell the live streams of a change once `session` has committed."""
    _after_commit(session, lambda: get_wakeups().announce(topic, **ids))


def _after_commit(session: Session, act: Callable[[], Any]) -> None:
    waiting = session.info.setdefault("after_commit", [])
    waiting.append(act)


@event.listens_for(Session, "after_commit")
def _act(session: Session) -> None:
    if session.in_nested_transaction():
        return  # SQLAlchemy calls this for a released savepoint too
    for act in session.info.pop("after_commit", []):
        act()


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if session.in_nested_transaction():
        return  # what waits may come from before the savepoint; a wake-up too many hurts nobody
    session.info.pop("after_commit", None)
