"""Wake-ups through Redis: an RQ job names a verb and carries ids, a notice tells the live stream where to look.

The database is the record. What is lost here (a flush, a restart) is found again by the ticker from its row, so
a wake-up is sent only after the commit it speaks of, and a Redis that is away is logged, never an error.
"""

import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import redis
import structlog
from flask import Flask, current_app
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlmodel import Session

log = structlog.get_logger()

QUEUE_OF_JOB = {"drain_hits": "hits", "convert_document": "documents"}
DEFAULT_QUEUE = "mail"
QUEUES = ("hits", "mail", "documents")
NOTICES = "warmline:notices"
JOB_SECONDS = 300
FAILURE_SECONDS = 3600  # for a look at it in Redis; what fails again and again is in the database (`dead_letters`)
JOBS = "server.jobs."
# After which a wake-up that a dying worker took along is sent again.
WAKE_SECONDS = {"hits": 2, "mail": 10, "documents": 120}
REDIS_SECONDS = 2.0
AWAY_SECONDS = 1.0


class UnknownWakeup(Exception):
    """The queue holds something else than a wake-up of ours."""


class Wakeup(Job):
    """A job as our workers run it: one of `server/jobs.py`, and nothing that anybody else names in Redis."""

    @property
    def func(self) -> Callable[..., Any]:
        """Return the job's function; raises `UnknownWakeup` for any that is not marked as a job."""
        module, _dot, name = str(self.func_name).rpartition(".")
        found = None if self.instance or f"{module}." != JOBS else getattr(import_module(module), name, None)
        if not getattr(found, "is_job", False) or self._has_more():
            raise UnknownWakeup(self.id)
        return cast(Callable[..., Any], found)

    def _has_more(self) -> bool:
        return bool(self._success_callback_name or self._failure_callback_name or self._stopped_callback_name)


class Wakeups:
    """This process's way to the workers and to the streams.

    Where Redis does not answer, the next wake-ups and notices are left out for a moment instead of waiting for it too:
    a request, or a look of the ticker, sends many.
    """

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self._away_until = 0.0
        self._queues = {name: Queue(name, connection=self.redis, serializer=JSONSerializer) for name in QUEUES}

    def wake(self, job: str, *ids: int) -> bool:
        """Enqueue `server.jobs.<job>(*ids)` unless the same wake-up already waits; return whether Redis answered."""
        if time.monotonic() < self._away_until:
            return False
        try:
            queue = QUEUE_OF_JOB.get(job, DEFAULT_QUEUE)
            if self.redis.set(wake_key(job, *ids), 1, nx=True, ex=WAKE_SECONDS[queue]):
                self._queues[queue].enqueue(
                    f"server.jobs.{job}", *ids, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=FAILURE_SECONDS
                )
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("wake-up not sent; the ticker will find the row", job=job, ids=ids, error=str(error))
            return False
        return True

    def announce(self, topic: str, **ids: int | str | None) -> None:
        """Tell all live streams that something named `topic` changed."""
        if time.monotonic() < self._away_until:
            return
        try:
            self.redis.publish(NOTICES, json.dumps({"topic": topic, **ids}))
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
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
