"""Reminders: each is given once, by whoever clears `remind_at` first."""

from sqlalchemy import select, update
from sqlmodel import Session, col

from server.clock import now
from server.queue import announce
from server.tasks.models import Task

BATCH = 500


def has_due(session: Session) -> bool:
    """Return whether a reminder is due."""
    return session.scalar(select(col(Task.id)).where(col(Task.remind_at) <= now()).limit(1)) is not None


def give_due(session: Session) -> None:
    """Announce "reminder" for each task whose reminder is due, once however many tickers look."""
    at = now()
    due = select(col(Task.id)).where(col(Task.remind_at) <= at).order_by(col(Task.remind_at)).limit(BATCH)
    given = session.execute(
        update(Task)
        .where(col(Task.id).in_(due), col(Task.remind_at) <= at)
        .values(remind_at=None)
        .returning(col(Task.id), col(Task.assignee_id), col(Task.name)),
        execution_options={"synchronize_session": False},
    )
    for task_id, member_id, name in given.all():
        announce(session, "reminder", member_id=member_id, id=task_id, name=name)
