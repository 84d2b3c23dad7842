"""Wake-ups leave after the commit they speak of: not before, not for a savepoint, never after a rollback."""

import json
from pathlib import Path
from typing import Any

from flask import Flask
from rq import Queue
from rq.serializers import JSONSerializer
from sqlmodel import Session, select

from server import queue
from server.accounts.models import Workspace
from server.jobs import job
from server.queue import Wakeups, get_wakeups, wake_key


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
