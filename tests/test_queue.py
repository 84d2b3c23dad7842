"""Wake-ups leave after the commit they speak of: not before, not for a savepoint, never after a rollback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlmodel import Session, select

from server import queue
from server.accounts.models import Workspace
from server.dead_letters.models import DeadLetter
from server.jobs import job
from server.queue import Wakeup, Wakeups, get_wakeups, wake_key
from server.valkey import start_valkey
from tests.stand_in import wait_until
from worker import make_worker


def _is_waiting(number: int) -> bool:
    return bool(get_wakeups().redis.exists(wake_key("send_copy", number)))


def test_wake_up_waits_for_the_commit_around_its_savepoint(session: Session) -> None:
    with session.begin_nested():
        session.add(Workspace(name="ENCOM"))
        queue.wake(session, "send_copy", 1)
    assert not _is_waiting(1)
    session.commit()
    assert _is_waiting(1)


def test_wake_up_survives_the_rollback_of_a_later_savepoint(session: Session) -> None:
    session.add(Workspace(name="ENCOM"))
    queue.wake(session, "send_copy", 1)
    savepoint = session.begin_nested()
    session.add(Workspace(name="Dillinger"))
    session.flush()
    savepoint.rollback()
    session.commit()
    assert _is_waiting(1)
    assert session.exec(select(Workspace.name)).all() == ["ENCOM"]


def test_wake_up_is_forgotten_with_its_transaction(session: Session) -> None:
    session.add(Workspace(name="ENCOM"))
    queue.wake(session, "send_copy", 1)
    session.rollback()
    session.commit()
    assert not _is_waiting(1)


def test_what_is_due_twice_is_enqueued_once(session: Session) -> None:
    for _ in range(3):
        assert get_wakeups().wake("send_copy", 1)
    assert get_wakeups().wake("send_copy", 2)
    assert get_wakeups().lengths() == {"hits": 0, "mail": 2, "documents": 0}


def test_a_job_lets_the_next_wake_up_through_as_soon_as_it_starts(session: Session) -> None:
    started = []

    @job
    def send_copy(copy_id: int) -> None:
        started.append(_is_waiting(copy_id))

    get_wakeups().wake("send_copy", 1)
    send_copy(1)
    assert started == [False]
    get_wakeups().wake("send_copy", 1)
    assert get_wakeups().lengths()["mail"] == 2


def test_each_job_goes_to_the_queue_of_its_worker(session: Session) -> None:
    get_wakeups().wake("drain_hits")
    get_wakeups().wake("sync_mailbox", 1)
    get_wakeups().wake("convert_document", 1)
    assert get_wakeups().lengths() == {"hits": 1, "mail": 1, "documents": 1}


def test_a_wake_up_names_its_job_and_carries_ids_only(session: Session) -> None:
    get_wakeups().wake("send_copy", 7)
    (waiting,) = Queue("mail", connection=get_wakeups().redis, serializer=JSONSerializer).jobs
    assert (waiting.func_name, waiting.args) == ("server.jobs.send_copy", [7])


def test_a_notice_leaves_after_the_commit(session: Session) -> None:
    redis: Any = get_wakeups().redis
    listener = redis.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(queue.NOTICES)
    listener.get_message(timeout=5)  # the confirmation
    session.add(Workspace(name="ENCOM"))
    queue.announce(session, "message", member_id=3, id=4)
    assert listener.get_message(timeout=0.05) is None
    session.commit()
    notice = listener.get_message(timeout=5)
    listener.close()
    assert notice is not None
    assert json.loads(notice["data"]) == {"topic": "message", "member_id": 3, "id": 4}


def test_a_redis_that_is_away_is_no_error(app: Flask, session: Session, tmp_path: Path) -> None:
    reached = get_wakeups()
    Wakeups(f"unix://{tmp_path}/nothing.sock").init_app(app)
    session.add(Workspace(name="ENCOM"))
    queue.wake(session, "send_copy", 1)
    queue.announce(session, "event")
    session.commit()
    assert get_wakeups().wake("send_copy", 1) is False
    reached.init_app(app)
    assert session.exec(select(Workspace.name)).all() == ["ENCOM"]


def test_where_redis_hangs_only_the_first_wake_up_waits(app: Flask, session: Session) -> None:
    reached = get_wakeups()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        Wakeups(f"redis://127.0.0.1:{silent.getsockname()[1]}").init_app(app)
        begun = time.monotonic()
        assert not any(get_wakeups().wake("send_copy", number) for number in range(50))
        get_wakeups().announce("event")
        assert time.monotonic() - begun < 5 * queue.REDIS_SECONDS
    get_wakeups().redis.close()
    reached.init_app(app)


@pytest.mark.parametrize("name", ["os.getcwd", "server.jobs.get_db", "server.jobs.nothing", "builtins.print"])
def test_a_worker_runs_nothing_but_our_jobs(session: Session, name: str) -> None:
    redis = get_wakeups().redis
    foreign = Queue("mail", connection=redis, serializer=JSONSerializer).enqueue(name)
    _work(redis)
    assert Wakeup.fetch(foreign.id, connection=redis, serializer=JSONSerializer).get_status() == "failed"
    [letter] = session.exec(select(DeadLetter)).all()
    assert letter.job == ""


def test_a_pickle_in_the_queue_is_never_unpickled(session: Session, tmp_path: Path) -> None:
    touched = tmp_path / "unpickled"
    redis = get_wakeups().redis
    Queue("mail", connection=redis).enqueue(Bomb(touched))
    _work(redis)
    assert not touched.exists()
    assert session.exec(select(DeadLetter.job)).all() == [""]


class Bomb:
    """Writes a file where it is unpickled."""

    __name__ = "bomb"

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> None:
        """Do nothing; RQ wants something that can be called."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what unpickling runs."""
        return Path.write_text, (self.path, "unpickled")


def _work(redis: Any) -> None:
    make_worker("mail", redis).work(burst=True, logging_level="CRITICAL")


def test_a_worker_ends_when_told_to_while_redis_is_away(tmp_path: Path) -> None:
    valkey, url = start_valkey(tmp_path)
    environment = {**os.environ, "WARMLINE_HOME": str(tmp_path), "REDIS_URL": url}
    log = tmp_path / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "worker.py", "hits"], cwd=Path(__file__).parents[1], env=environment, stderr=output
        )
    with Redis.from_url(url) as redis:
        wait_until(lambda: redis.scard("rq:workers") == 1, "the worker")
    valkey.kill()
    valkey.wait()
    wait_until(lambda: log.read_text().count("could not connect") >= 4, "the worker's noticing")
    worker.send_signal(signal.SIGTERM)
    try:
        assert worker.wait(60) in (0, -signal.SIGTERM)
    finally:
        worker.kill()
