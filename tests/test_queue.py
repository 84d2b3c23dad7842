"""Wake-ups leave after the commit they speak of: not before, not for a savepoint, never after a rollback."""

from sqlmodel import Session, select

from server import queue
from server.accounts.models import Workspace
from server.queue import get_wakeups, wake_key


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
