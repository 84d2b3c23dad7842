"""Pushes what is none of ours into the queues of running workers, and looks whether any of it runs.

    .venv/bin/python chaos/pickles.py --pushes 200 --seed 1

Pickles that write a file where they are unpickled, calls of functions that are no jobs, torn payloads. None is run, all
workers live on, and a good wake-up behind them is worked off.
"""

import sys
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rq import Queue
from rq.serializers import JSONSerializer

from chaos.grounds import Ground, make_parser, perform, wait_for
from server.db import get_db
from server.dead_letters.letters import UNREADABLE_JOB, list_letters
from server.queue import get_wakeups

KINDS = ("pickle", "call", "torn")


class Bomb:
    """Writes a file where it is unpickled, or called."""

    __name__, __module__ = "bomb", "chaos.pickles"  # RQ takes nothing of a script

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> None:
        """Do what unpickling does."""
        self.path.write_text("called")

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what unpickling runs."""
        return Path.write_text, (self.path, "unpickled")


def main() -> int:
    """Run the experiment and return 0 when nothing foreign ran."""
    parser = make_parser(__doc__)
    parser.add_argument("--pushes", type=int, default=200)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    ground.start("valkey", "worker-mail-0", "worker-hits")
    pids = {name: _pid(ground, name) for name in ("worker-mail-0", "worker-hits")}
    touched = ground.settings.warmline_home / "touched"
    for _ in range(ground.options.pushes):
        _push(ground.dice.choice(KINDS), ground.dice.choice(("mail", "hits")), touched)
    get_wakeups().wake("settle_deliveries")
    get_wakeups().wake("drain_hits")
    seconds = wait_for(lambda: not any(get_wakeups().lengths().values()), "the queues to be empty", 120)
    with get_db().session(write=False) as session:
        noted = sum(letter.times for letter in list_letters(session) if letter.job == UNREADABLE_JOB)
    is_alive = all(_pid(ground, name) == pid for name, pid in pids.items())
    return {
        "holds": not touched.exists() and is_alive and noted > 0, "pushes": ground.options.pushes, "noted": noted,
        "unpickled": touched.exists(), "workers_lived_on": is_alive, "worked_off_after_seconds": seconds,
    }  # fmt: skip


def _push(kind: str, queue: str, touched: Path) -> None:
    redis = get_wakeups().redis
    if kind == "pickle":
        Queue(queue, connection=redis).enqueue(Bomb(touched))
    elif kind == "call":
        ours = Queue(queue, connection=redis, serializer=JSONSerializer)
        ours.enqueue("os.mkdir", str(touched))
    else:
        job = Queue(queue, connection=redis, serializer=JSONSerializer).enqueue("server.jobs.drain_hits")
        redis.hset(job.key, "data", zlib.compress(b"\x80\x05torn"))


def _pid(ground: Ground, name: str) -> int:
    process = ground.programs[name].process
    return process.pid if process is not None else 0


if __name__ == "__main__":
    sys.exit(main())
