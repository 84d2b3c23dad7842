"""Starts one worker inside the app context: `hits`, `mail`, `documents` (RQ, one queue each), or another by its name.

One queue per worker process: a worker on two queues can lose a job for ever (facts.md, Storage and queue).
"""

import signal
import sys
import time
from types import FrameType

import structlog
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from server.base import create_base_app
from server.config import load_settings
from server.errors import Refused
from server.jobs import note_unknown
from server.queue import QUEUES, Wakeup
from server.recurring import RECURRING
from server.ticker import run_ticker
from server.valkey import find_redis_url

RECONNECT_SECONDS = 0.5
# RQ waits 15 s less than this for a job and 10 s more for an answer: it leaves a hanging connection in half a minute.
WORKER_SECONDS = 30
log = structlog.get_logger()


class Worker(SimpleWorker):
    """RQ's worker, which remembers that it was told to stop: with Redis away its farewell ends in an error of Redis."""

    is_told_to_stop = False  # of the process, which has one at a time

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop once the job at work is done."""
        Worker.is_told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def make_worker(queue: str, redis: Redis) -> Worker:
    """Return a worker that runs the jobs of `server/jobs.py` and unpickles nothing."""
    return Worker(
        [queue], connection=redis, serializer=JSONSerializer, job_class=Wakeup, exception_handlers=[note_unknown],
        worker_ttl=WORKER_SECONDS,
    )  # fmt: skip


def work_queue(queue: str, redis_url: str) -> None:
    """Run the jobs of one `queue` until told to stop; while Redis is away, wait for it."""
    while True:
        try:
            make_worker(queue, Redis.from_url(redis_url)).work(logging_level="WARNING")
            return
        except (RedisConnectionError, StopRequested) as error:
            if Worker.is_told_to_stop:
                return
            for number in (signal.SIGINT, signal.SIGTERM):  # nothing is at work that would have to be done first
                signal.signal(number, signal.SIG_DFL)
            log.warning("Redis is away; trying again", queue=queue, error=str(error))
            time.sleep(RECONNECT_SECONDS)


def main(role: str) -> None:
    """Run the worker of this `role` until it is told to stop."""
    settings = load_settings()
    with create_base_app(settings).app_context():
        if role in QUEUES:
            work_queue(role, find_redis_url(settings))
        elif role == "ticker":
            run_ticker(RECURRING)
        elif role == "pull":
            from server.gmail.pull import run_pull

            run_pull()
        elif role == "ship":
            from server.tracking.shipping.ship import run_shipping

            try:
                run_shipping(settings)
            except Refused as error:
                sys.exit(error.message)
        elif role == "recipients":
            from server.sandbox.recipients import run_recipients

            run_recipients()
        else:
            sys.exit(f"worker.py knows {', '.join(QUEUES)}, ticker, pull, ship and recipients, not {role!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
