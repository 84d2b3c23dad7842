"""Whom a member may choose for a task: to whom it is given, and about whom it is."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.members import get_colleague, list_members
from server.accounts.models import Member
from server.errors import Refused
from server.people.models import Person
from server.people.people import get_person
from server.tasks.models import Task


def list_assignees(session: Session, member: Member) -> Sequence[Member]:
    """Return to whom the member may give a task: themselves, then every active colleague."""
    colleagues = [row for row in list_members(session, member.workspace_id) if row.is_active and row.id != member.id]
    return [member, *colleagues]


def choose_assignee(session: Session, member: Member, assignee_id: int) -> Member:
    """Return a member of the same workspace; refuses any other, naming the field."""
    try:
        return get_colleague(session, member.workspace_id, assignee_id)
    except Refused as error:
        raise Refused(_("Choose an active member of your workspace."), field="assignee_id") from error


def choose_person(session: Session, member: Member, person_id: int, task: Task | None = None) -> Person | None:
    """Return a person whom the member may see, or whom `task` is about already; refuses any other."""
    if task is not None and task.person_id == person_id:
        return session.get(Person, person_id)
    try:
        return get_person(session, member, person_id)
    except Refused as error:
        raise Refused(error.message, field="person_id") from error
