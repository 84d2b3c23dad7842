"""Advancing: people whose step is due do it, in batches; each step does one thing and says when the next is due."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

from sqlalchemy import Table, select
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.aside import do_or_set_aside
from server.campaigns.batch import Batch
from server.campaigns.ends import end
from server.campaigns.history.history import note_ends
from server.campaigns.models import (
    Campaign,
    CampaignState,
    Delivery,
    EndReason,
    Enrolment,
    EnrolmentState,
    Step,
    StepKind,
)
from server.campaigns.notices import tell
from server.campaigns.sending import send
from server.clock import now
from server.consent.suppression import find_suppressed
from server.events.models import COUNTED_VERDICTS, Event
from server.people.models import Person
from server.tasks.tasks import Draft, add_task

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
BATCH = 100
MOST_STEPS_AT_ONCE = 20


def find_due(session: Session) -> list[int]:
    """Return the ids of running campaigns in which somebody's step is due."""
    someone = select(col(Enrolment.id)).where(
        col(Enrolment.campaign_id) == Campaign.id, col(Enrolment.state) == EnrolmentState.ACTIVE,
        col(Enrolment.due_at) <= now(),
    )  # fmt: skip
    return list(session.scalars(select(col(Campaign.id)).where(col(Campaign.state) == CampaignState.RUNNING,
                                                           someone.exists())))  # fmt: skip


def advance_batch(session: Session, campaign_id: int) -> bool:
    """Let the people who are due do their step; return whether there were as many as a batch takes."""
    campaign = session.get(Campaign, campaign_id, with_for_update={"read": True})
    if campaign is None or campaign.state != CampaignState.RUNNING:
        return False
    due = (
        select(Enrolment)
        .where(
            col(Enrolment.campaign_id) == campaign_id, col(Enrolment.state) == EnrolmentState.ACTIVE,
            col(Enrolment.due_at) <= now(),
        )
        .order_by(col(Enrolment.due_at), col(Enrolment.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    enrolments = list(session.scalars(due))
    if not enrolments:
        return False
    steps = session.scalars(select(Step).where(col(Step.campaign_id) == campaign_id))
    batch = Batch(session, campaign, {step.position: step for step in steps}, now())
    addresses = {enrolment.address for enrolment in enrolments}
    batch.suppressed = {key: str(reason) for key, reason in
                        find_suppressed(session, campaign.workspace_id, addresses).items()}  # fmt: skip
    for enrolment in sorted(enrolments, key=lambda one: (one.mailbox_id or 0, one.due_at, one.id)):
        do_or_set_aside(session, enrolment, partial(_advance, batch, enrolment), batch.save)
    batch.save()
    session.flush()
    note_ends(session, [one for one in enrolments if one.state == EnrolmentState.ENDED])
    tell(session, campaign.id)
    return len(enrolments) == BATCH


def _advance(batch: Batch, enrolment: Enrolment) -> None:
    """Do steps until one takes time."""
    if enrolment.person_id is None:
        end(enrolment, EndReason.EXCLUDED, "erased")
        return
    for _count in range(MOST_STEPS_AT_ONCE):
        step = batch.steps.get(enrolment.position)
        if step is None or step.kind == StepKind.END:
            end(enrolment, EndReason.FINISHED)
            return
        if not ACTS[StepKind(step.kind)](batch, enrolment, step):
            return


def _wait(batch: Batch, enrolment: Enrolment, step: Step) -> bool:
    enrolment.position += 1
    enrolment.due_at = enrolment.due_at + timedelta(minutes=int(step.settings.get("minutes", 0)))
    return enrolment.due_at <= batch.at


def _add_task(batch: Batch, enrolment: Enrolment, step: Step) -> bool:
    session = batch.session
    member = session.get_one(Member, enrolment.member_id or batch.campaign.member_id)
    person = session.get_one(Person, enrolment.person_id)
    zone = batch.zone(member.id)
    due = (batch.at.astimezone(zone) + timedelta(days=int(step.settings.get("due_days", 0)))).date()
    given = step.settings
    add_task(
        session, member,
        Draft(str(given.get("name", "")), due, str(given.get("kind", "custom")), person=person,
              details=str(given.get("details", ""))),
    )  # fmt: skip
    enrolment.position += 1
    return True


def _branch(batch: Batch, enrolment: Enrolment, step: Step) -> bool:
    given = step.settings
    did = _has_done(batch.session, enrolment, str(given.get("kind", "")), given.get("step"), batch)
    target = int(given.get("yes" if did else "no") or enrolment.position + 1)
    enrolment.position = max(target, enrolment.position + 1)
    return True


def _has_done(session: Session, enrolment: Enrolment, kind: str, position: Any, batch: Batch) -> bool:
    """Return whether the person did `kind` with the mail of a step, or of any step: people only, never machines."""
    copies = select(col(Delivery.copy_id)).where(col(Delivery.enrolment_id) == enrolment.id)
    if isinstance(position, int) and position in batch.steps:
        copies = copies.where(col(Delivery.step_id) == batch.steps[position].id)
    done = select(EVENT.c.id).where(
        EVENT.c.copy_id.in_(copies), EVENT.c.kind == kind, EVENT.c.verdict.in_(COUNTED_VERDICTS)
    )
    return session.execute(done.limit(1)).first() is not None


Act = Callable[[Batch, Enrolment, Step], bool]
ACTS: dict[StepKind, Act] = cast(
    dict[StepKind, Act],
    {StepKind.WAIT: _wait, StepKind.TASK: _add_task, StepKind.CONDITION: _branch, StepKind.EMAIL: send},
)
