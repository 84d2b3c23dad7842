"""Starts one worker process inside the app context: `hits`, `mail` (RQ, one queue each), `ticker`, `pull`, `recipients`.

One queue per worker process: a worker on two queues can lose a job for ever (facts.md, Storage and queue).
"""

import sys

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from server import jobs
from server.app import create_base_app
from server.config import load_settings
from server.queue import QUEUES
from server.ticker import run_ticker
from server.valkey import find_redis_url


def main(role: str) -> None:
    """Run the worker of this `role` until it is told to stop."""
    settings = load_settings()
    with create_base_app(settings).app_context():
        if role in QUEUES:
            connection = Redis.from_url(find_redis_url(settings))
            SimpleWorker([role], connection=connection, serializer=JSONSerializer).work(logging_level="WARNING")
        elif role == "ticker":
            run_ticker(jobs.RECURRING)
        elif role == "pull":
            from server.gmail.pull import run_pull

            run_pull()
        elif role == "recipients":
            from server.sandbox.recipients import run_recipients

            run_recipients()
        else:
            sys.exit(f"worker.py knows {', '.join(QUEUES)}, ticker, pull and recipients, not {role!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
