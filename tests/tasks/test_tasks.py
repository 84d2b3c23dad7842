"""What can be done with a task, who may, and who hears of it."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from redis.client import PubSub
from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace
from server.clock import now
from server.errors import Invalid, Refused
from server.queue import NOTICES, get_wakeups
from server.tasks import reminders, tasks
from server.tasks.choices import choose_assignee, choose_person, list_assignees
from server.tasks.models import Task
from server.tasks.persons import search_people
from server.tasks.queries import get_task
from server.tasks.tasks import Draft
from tests.factories import make_member
from tests.tasks.conftest import NOON, make_person, make_task


@pytest.fixture
def heard(session: Session) -> Iterator[PubSub]:
    """Somebody who listens to what is announced."""
    with get_wakeups().redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(NOTICES)
        while pubsub.get_message(timeout=5) is not None:
            pass
        yield pubsub


def notices(heard: PubSub) -> list[dict[str, Any]]:
    """Return what was announced since the last call, without waiting for more."""
    get_wakeups().announce("last", id=0)
    found: list[dict[str, Any]] = []
    while True:
        message = heard.get_message(timeout=5)
        if message is None:
            continue
        notice = json.loads(message["data"])
        if notice["topic"] == "last":
            return found
        found.append(notice)


def tell_whom(heard: PubSub) -> set[int]:
    """Return the members who heard of a task."""
    return {notice["member_id"] for notice in notices(heard) if notice["topic"] == "task"}


def test_a_new_task_is_its_creators_and_reminds_when_it_is_due(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    task = make_task(session, alice, "  Call \t Flynn ", NOON + timedelta(hours=2))
    assert (task.name, task.assignee_id, task.creator_id) == ("Call Flynn", alice.id, alice.id)
    assert (task.has_time, task.remind_at) == (True, NOON + timedelta(hours=2))


def test_a_days_task_is_due_when_its_day_ends_and_reminds_in_the_morning(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    alice.time_zone = "Europe/Paris"
    task = make_task(session, alice, due=date(2026, 3, 29))  # whose clocks change
    assert task.due_at == datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC)
    assert task.remind_at == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)


def test_a_day_given_to_a_colleague_is_the_colleagues(session: Session, alice: Member, bob: Member) -> None:
    bob.time_zone = "Pacific/Kiritimati"
    task = make_task(session, alice, due=date(2026, 3, 29), assignee=bob)
    assert task.due_at == datetime(2026, 3, 29, 9, 59, 59, tzinfo=UTC)


def test_everything_wrong_is_named_at_once(session: Session, alice: Member, mallory: Member) -> None:
    draft = Draft(" ", date(1999, 1, 1), "fax", "urgent", "x" * 5001, assignee=mallory)
    with pytest.raises(Invalid) as refused:
        tasks.add_task(session, alice, draft)
    assert [field for field, _ in refused.value.errors] == [
        "name", "kind", "priority", "details", "due_on", "assignee_id",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "a" * 201, "bell\a", "right-to-left\u202e"])
def test_a_name_is_a_line_of_text(session: Session, alice: Member, name: str) -> None:
    with pytest.raises(Invalid):
        tasks.add_task(session, alice, Draft(name, now()))


def test_done_stays_done_and_opens_again(session: Session, alice: Member, noon: time_machine.Traveller) -> None:
    task = make_task(session, alice, due=NOON + timedelta(hours=2))
    tasks.complete(session, task)
    assert (task.completed_at, task.remind_at) == (NOON, None)
    noon.shift(60)
    tasks.complete(session, task)
    assert task.completed_at == NOON
    tasks.reopen(session, task)
    assert (task.completed_at, task.remind_at) == (None, task.due_at)


def test_a_deleted_task_comes_back_until_it_is_swept(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    task = make_task(session, alice)
    tasks.remove(session, task)
    with pytest.raises(Refused):
        get_task(session, alice, task.id)
    tasks.sweep(session)
    tasks.restore(session, task)
    assert get_task(session, alice, task.id) is task
    tasks.remove(session, task)
    noon.shift(timedelta(days=1, seconds=1))
    session.commit()
    session.expunge_all()
    tasks.sweep(session)
    assert session.get(Task, task.id) is None


def test_moving_keeps_the_time_of_day_unless_it_has_passed(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    task = make_task(session, alice, due=NOON - timedelta(days=3, hours=2))
    tasks.reschedule(session, task, date(2026, 3, 6))
    assert (task.due_at, task.has_time) == (datetime(2026, 3, 6, 10, 0, tzinfo=UTC), True)
    tasks.reschedule(session, task, date(2026, 3, 4))
    assert (task.due_at, task.has_time) == (datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC), False)
    with pytest.raises(Invalid):
        tasks.reschedule(session, task, date(9999, 12, 31))


def test_editing_leaves_a_given_reminder_alone_and_a_new_time_reminds_anew(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    task = make_task(session, alice, due=NOON + timedelta(minutes=1))
    noon.shift(120)
    reminders.give_due(session)
    session.refresh(task)
    tasks.edit_task(session, task, Draft("Call Kevin Flynn", task.due_at))
    assert task.remind_at is None
    tasks.edit_task(session, task, Draft("Call Kevin Flynn", NOON + timedelta(hours=1)))
    assert task.remind_at == NOON + timedelta(hours=1)


def test_a_change_is_told_after_the_commit_to_all_whom_it_concerns(
    session: Session, alice: Member, bob: Member, heard: PubSub
) -> None:
    session.commit()
    task = tasks.add_task(session, alice, Draft("Call Flynn", now()))
    assert notices(heard) == []
    session.commit()
    assert notices(heard) == [{"topic": "task", "member_id": alice.id, "id": task.id}]
    tasks.edit_task(session, task, Draft("Call Flynn", now(), assignee=bob))
    session.rollback()
    assert notices(heard) == []


def test_who_loses_a_task_hears_of_it_too(session: Session, alice: Member, bob: Member, heard: PubSub) -> None:
    carol = make_member(session, "Carol", session.get_one(Workspace, alice.workspace_id))
    task = make_task(session, alice, assignee=bob)
    assert tell_whom(heard) == {alice.id, bob.id}
    tasks.edit_task(session, task, Draft("Call Flynn", now(), assignee=carol))
    session.commit()
    assert tell_whom(heard) == {alice.id, bob.id, carol.id}


def test_a_reminder_is_given_once_to_who_has_the_task(
    session: Session, alice: Member, bob: Member, noon: time_machine.Traveller, heard: PubSub
) -> None:
    task = make_task(session, alice, due=NOON + timedelta(minutes=5), assignee=bob)
    notices(heard)
    assert not reminders.has_due(session)
    noon.shift(300)
    assert reminders.has_due(session)
    for _ticker in range(2):
        reminders.give_due(session)
        session.commit()
    assert notices(heard) == [{"topic": "reminder", "member_id": bob.id, "id": task.id, "name": "Call Flynn"}]


def test_nobody_is_reminded_of_what_is_done_deleted_or_was_late_from_the_start(
    session: Session, alice: Member, noon: time_machine.Traveller, heard: PubSub
) -> None:
    done, deleted = (make_task(session, alice, due=NOON + timedelta(minutes=5)) for _ in range(2))
    make_task(session, alice, due=NOON - timedelta(minutes=5))
    tasks.complete(session, done)
    tasks.remove(session, deleted)
    session.commit()
    noon.shift(600)
    notices(heard)
    reminders.give_due(session)
    session.commit()
    assert notices(heard) == []


def test_a_snoozed_task_reminds_again_and_stays_due_when_it_was(
    session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    task = make_task(session, alice, due=NOON + timedelta(minutes=5))
    noon.shift(300)
    reminders.give_due(session)
    session.refresh(task)
    tasks.snooze(session, task)
    assert (task.remind_at, task.due_at) == (NOON + timedelta(minutes=20), NOON + timedelta(minutes=5))


def test_a_task_is_seen_by_who_has_it_who_gave_it_and_a_manager(
    session: Session, alice: Member, bob: Member, mallory: Member
) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    carol = make_member(session, "Carol", workspace)
    mona = make_member(session, "Mona", workspace, role=Role.MANAGER)
    task = make_task(session, alice, assignee=bob)
    for member in (alice, bob, mona):
        assert get_task(session, member, task.id) is task
    workspace.managers_see_team = False
    for member in (carol, mallory, mona):
        with pytest.raises(Refused) as refused:
            get_task(session, member, task.id)
        assert refused.value.status == 404


def test_a_task_is_given_to_active_members_of_the_workspace_only(
    session: Session, alice: Member, bob: Member, mallory: Member
) -> None:
    gone = make_member(session, "Gone", session.get_one(Workspace, alice.workspace_id), deactivated_at=now())
    assert list_assignees(session, bob) == [bob, alice]
    with pytest.raises(Refused):
        choose_assignee(session, alice, mallory.id)
    with pytest.raises(Invalid):
        tasks.add_task(session, alice, Draft("Call Flynn", now(), assignee=gone))


def test_a_task_is_about_people_whom_the_member_sees(
    session: Session, alice: Member, bob: Member, mallory: Member
) -> None:
    mine, bobs = make_person(session, alice, alice.workspace_id), make_person(session, bob, alice.workspace_id, "Ram")
    theirs = make_person(session, mallory, mallory.workspace_id, "Tron")
    assert choose_person(session, alice, mine.id) is mine
    for person in (bobs, theirs):
        with pytest.raises(Refused) as refused:
            choose_person(session, alice, person.id)
        assert refused.value.field == "person_id"
    given = make_task(session, bob, assignee=alice, person=bobs)
    assert choose_person(session, alice, bobs.id, given) is bobs
    assert [person.name for person, _ in search_people(session, alice, "")] == ["Flynn"]
