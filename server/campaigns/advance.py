"""Advancing: people whose step is due do it, in batches; each step does one thing and says when the next is due."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Table, select
from sqlmodel import Session, col

from server.accounts.models import Member, Workspace
from server.campaigns import variants
from server.campaigns.aside import do_or_set_aside
from server.campaigns.deliveries import RETRY_HOURS, withdraw
from server.campaigns.mail import Incomplete, StepMail, add_copy, open_mail
from server.campaigns.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EnrolmentState,
    Run,
    Step,
    StepKind,
    Variant,
)
from server.campaigns.notices import tell
from server.campaigns.pace import STALE_SECONDS, Planner, Window, most_per_day
from server.clock import now
from server.consent.suppression import find_suppressed
from server.events.models import COUNTED_VERDICTS, Event
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy
from server.people.models import Person
from server.tasks.tasks import Draft, add_task

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
BATCH = 100
MAILBOX_AWAY_MINUTES = 10
MOST_STEPS_AT_ONCE = 20
GONE = (DeliveryState.SENT, DeliveryState.BOUNCED)


@dataclass(slots=True)
class Batch:
    """What the people of one batch share, read once."""

    session: Session
    campaign: Campaign
    steps: dict[int, Step]
    at: datetime
    suppressed: dict[str, str] = field(default_factory=dict)
    planners: dict[int, Planner] = field(default_factory=dict)
    mails: dict[tuple[int, int, int], StepMail] = field(default_factory=dict)
    zones: dict[int, ZoneInfo] = field(default_factory=dict)

    def planner(self, mailbox: Mailbox) -> Planner:
        """Return the planner of a mailbox, which this transaction then holds."""
        if mailbox.id not in self.planners:
            per_minute, per_day = self.campaign.per_minute, min(self.campaign.per_day, most_per_day(mailbox.email))
            self.planners[mailbox.id] = Planner(self.session, mailbox.id, per_minute, per_day, self.at)
        return self.planners[mailbox.id]

    def window(self, enrolment: Enrolment) -> Window:
        """Return when this person may get mail: by the sender's clock, or by theirs where it is known."""
        campaign = self.campaign
        zone = self._zone(enrolment.member_id or campaign.member_id)
        if campaign.zone_of == "recipient":
            person = self.session.get_one(Person, enrolment.person_id)
            zone = _read_zone(person.time_zone) or zone
        days = frozenset(campaign.days) or frozenset(range(1, 8))
        return Window(days, campaign.window_start_minutes, campaign.window_end_minutes, zone)

    def mail(self, run_id: int, variant: Variant, mailbox: Mailbox) -> StepMail:
        """Return a step's message from a mailbox."""
        key = (run_id, variant.id, mailbox.id)
        if key not in self.mails:
            run = self.session.get_one(Run, run_id)
            self.mails[key] = open_mail(self.session, self.campaign, run, variant, mailbox)
        return self.mails[key]

    def save(self) -> None:
        """Write how far the mailboxes are planned, and forget what was read: some of it may just have been undone."""
        for planner in self.planners.values():
            planner.save()
        self.planners.clear()
        self.mails.clear()

    def _zone(self, member_id: int) -> ZoneInfo:
        if member_id not in self.zones:
            member = self.session.get_one(Member, member_id)
            workspace = self.session.get_one(Workspace, member.workspace_id)
            zone = _read_zone(member.time_zone) or _read_zone(workspace.time_zone)
            self.zones[member_id] = zone or ZoneInfo("UTC")
        return self.zones[member_id]


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
    tell(session, campaign.id)
    return len(enrolments) == BATCH


def end(enrolment: Enrolment, reason: str, detail: str = "") -> None:
    """Bring a person's way to its end."""
    enrolment.state, enrolment.ended_at = EnrolmentState.ENDED, now()
    enrolment.end_reason, enrolment.end_detail = reason, detail
    enrolment.paused_until, enrolment.paused_reason = None, ""


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
    zone = batch._zone(member.id)
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


def _send(batch: Batch, enrolment: Enrolment, step: Step) -> bool:
    session = batch.session
    delivery = session.scalars(
        select(Delivery).where(col(Delivery.enrolment_id) == enrolment.id, col(Delivery.step_id) == step.id)
    ).one_or_none()
    if delivery is None:
        delivery = Delivery(
            campaign_id=batch.campaign.id, run_id=enrolment.run_id, enrolment_id=enrolment.id, step_id=step.id,
            person_id=enrolment.person_id,
        )  # fmt: skip
    if delivery.state == DeliveryState.WAITING:
        _give_slot_or_queue(batch, enrolment, step, delivery)
    elif delivery.state == DeliveryState.QUEUED:  # the retry window is over
        withdraw(session, [delivery], "retry_window")
        end(enrolment, EndReason.ERROR, "retry_window")
    else:  # sent, and killed before going on
        enrolment.position += 1
        return True
    session.add(delivery)
    return False


def _give_slot_or_queue(batch: Batch, enrolment: Enrolment, step: Step, delivery: Delivery) -> None:
    if reason := batch.suppressed.get(enrolment.address):
        _exclude(enrolment, delivery, reason)
        return
    mailbox = batch.session.get(Mailbox, enrolment.mailbox_id or 0)
    if mailbox is None or mailbox.state == MailboxState.DISCONNECTED:
        _exclude(enrolment, delivery, "no_mailbox")
        return
    if mailbox.state != MailboxState.LINKED:  # it may come back: nothing is lost by waiting
        enrolment.due_at = delivery.due_at = batch.at + timedelta(minutes=MAILBOX_AWAY_MINUTES)
        return
    is_fresh = delivery.slot_at is not None and batch.at - delivery.slot_at < timedelta(seconds=STALE_SECONDS)
    if not is_fresh:
        slot = batch.planner(mailbox).give(batch.window(enrolment))
        delivery.slot_at = slot.at if slot.is_taken else None
        enrolment.due_at = delivery.due_at = slot.at
        if not slot.is_taken or slot.at > batch.at:
            return
    _queue(batch, enrolment, step, delivery, mailbox)


def _queue(batch: Batch, enrolment: Enrolment, step: Step, delivery: Delivery, mailbox: Mailbox) -> None:
    session = batch.session
    variant = variants.choose(session, step, enrolment.person_id)
    person = session.get_one(Person, enrolment.person_id)
    if variant is None:
        _exclude(enrolment, delivery, "no_text")
        return
    try:
        mail = batch.mail(enrolment.run_id, variant, mailbox)
        copy = add_copy(
            session, mail, enrolment, person, _find_earlier(session, enrolment), bool(step.settings.get("in_thread"))
        )  # fmt: skip
    except Incomplete as error:
        _exclude(enrolment, delivery, f"missing_field:{error.args[0]}")
        return
    delivery.state, delivery.copy_id, delivery.variant_id = DeliveryState.QUEUED, copy.id, variant.id
    delivery.queued_at = batch.at
    enrolment.due_at = batch.at + timedelta(hours=RETRY_HOURS)


def _find_earlier(session: Session, enrolment: Enrolment) -> Copy | None:
    """Return the last copy that the person got."""
    earlier = (
        select(Copy)
        .join(Delivery, col(Delivery.copy_id) == Copy.id)
        .where(col(Delivery.enrolment_id) == enrolment.id, col(Delivery.state).in_(GONE))
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )
    return session.scalars(earlier).first()


def _exclude(enrolment: Enrolment, delivery: Delivery, reason: str) -> None:
    delivery.state, delivery.reason = DeliveryState.EXCLUDED, reason
    end(enrolment, EndReason.EXCLUDED, reason)


def _read_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


Act = Callable[[Batch, Enrolment, Step], bool]
ACTS: dict[StepKind, Act] = cast(
    dict[StepKind, Act],
    {StepKind.WAIT: _wait, StepKind.TASK: _add_task, StepKind.CONDITION: _branch, StepKind.EMAIL: _send},
)
