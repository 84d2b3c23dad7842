"""Campaigns as their owner works with them: written as drafts, confirmed, undone for ten seconds, paused, ended."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.audience import Asker, check_filter
from server.campaigns.history.history import note
from server.campaigns.history.models import ChangeKind
from server.campaigns.models import (
    Campaign,
    CampaignKind,
    CampaignState,
    EndReason,
    Enrolment,
    Recurrence,
    Run,
    RunState,
    Sender,
    Step,
    StepKind,
    Variant,
)
from server.campaigns.notices import tell
from server.campaigns.pace import MOST_PER_DAY, MOST_PER_MINUTE
from server.campaigns.runs import start_run
from server.campaigns.stops import UNDER_WAY, stop, take_back_queued
from server.clock import now
from server.errors import Invalid, Refused
from server.events.models import EventKind
from server.gmail.models import Mailbox, MailboxState

NAME_LENGTH = 120
UNDO_SECONDS = 10
DAY_MINUTES = 24 * 60
PERIODS = {Recurrence.DAILY: timedelta(days=1), Recurrence.WEEKLY: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign as somebody wants it; the fields are those of `models.Campaign`."""

    name: str
    kind: str = CampaignKind.BATCH
    sender: str = Sender.MAILBOX
    mailbox_id: int | None = None
    audience: dict[str, Any] = field(default_factory=dict)
    trigger: dict[str, Any] = field(default_factory=dict)
    recurrence: str = Recurrence.ONCE
    days: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    window_start_minutes: int = 9 * 60
    window_end_minutes: int = 17 * 60
    zone_of: str = "sender"
    per_minute: int = 10
    per_day: int = 400
    stops_on_click: bool = False
    stops_on_meeting: bool = True
    pauses_company: bool = False
    winner_sample: int = 50


def add_campaign(session: Session, member: Member, plan: Plan) -> Campaign:
    """Add a draft; raises `Invalid` naming every field at fault."""
    campaign = Campaign(workspace_id=member.workspace_id, member_id=member.id, name="")
    _write(session, campaign, plan)
    session.add(campaign)
    session.flush()
    _tell(session, campaign)
    return campaign


def edit_campaign(session: Session, campaign: Campaign, plan: Plan) -> None:
    """Write `plan` over a draft; raises `Refused` for one that was confirmed."""
    require_draft(campaign)
    _write(session, campaign, plan)
    _save(session, campaign)


def confirm(
    session: Session, campaign: Campaign, by: Member | None = None, starts_at: datetime | None = None
) -> None:  # fmt: skip
    """Let a draft start at `starts_at`, ten seconds from now at the earliest; raises `Invalid` where it cannot."""
    require_draft(campaign)
    problems = find_problems(session, campaign)
    if problems:
        raise Invalid(problems)
    earliest = now() + timedelta(seconds=UNDO_SECONDS)
    campaign.state, campaign.confirmed_at = CampaignState.CONFIRMED, now()
    campaign.starts_at = max(starts_at or earliest, earliest)
    note(session, campaign.id, ChangeKind.CONFIRMED, by)
    _save(session, campaign)


def undo_confirmation(session: Session, campaign: Campaign, by: Member | None = None) -> None:
    """Make a confirmed campaign that has not started a draft again."""
    if not _change_state(session, campaign, (CampaignState.CONFIRMED,), CampaignState.DRAFT):
        raise Refused(_("The campaign has started. You can pause it."), status=409)
    note(session, campaign.id, ChangeKind.UNDONE, by)


def pause(session: Session, campaign: Campaign, by: Member | None = None) -> None:
    """Send nothing more until somebody resumes the campaign; what waits in the outbox is taken back."""
    if not _change_state(session, campaign, (CampaignState.RUNNING,), CampaignState.PAUSED):
        raise Refused(_("Only a running campaign can be paused."), status=409)
    note(session, campaign.id, ChangeKind.PAUSED, by)
    take_back_queued(session, campaign.id)


def resume(session: Session, campaign: Campaign, by: Member | None = None) -> None:
    """Let a paused campaign go on; each mailbox keeps its speed."""
    if not _change_state(session, campaign, (CampaignState.PAUSED,), CampaignState.RUNNING):
        raise Refused(_("Only a paused campaign can be resumed."), status=409)
    note(session, campaign.id, ChangeKind.RESUMED, by)


def finish(session: Session, campaign: Campaign, by: Member | None = None) -> None:
    """End a campaign for everybody who is under way."""
    living = (CampaignState.CONFIRMED, CampaignState.RUNNING, CampaignState.PAUSED)
    if not _change_state(session, campaign, living, CampaignState.DONE):
        raise Refused(_("The campaign is not running."), status=409)
    note(session, campaign.id, ChangeKind.ENDED, by)
    session.execute(
        update(Run).where(col(Run.campaign_id) == campaign.id, col(Run.state) != RunState.DONE)
        .values(state=RunState.DONE, ended_at=now())
    )  # fmt: skip
    while some := list(
        session.scalars(
            select(Enrolment)
            .where(col(Enrolment.campaign_id) == campaign.id, col(Enrolment.state).in_(UNDER_WAY))
            .limit(500)
        )
    ):
        stop(session, some, EndReason.BY_HAND, "campaign_ended", by=by)


def remove(session: Session, campaign: Campaign) -> None:
    """Take a draft, or a campaign that is done, out of the lists; what it sent stays with the people."""
    if campaign.state not in (CampaignState.DRAFT, CampaignState.DONE):
        raise Refused(_("End the campaign first."), status=409)
    campaign.archived_at = now()
    _save(session, campaign)


def start_due(session: Session) -> None:
    """Start each confirmed campaign whose time has come, and each further run of those that recur."""
    due = select(Campaign).where(
        col(Campaign.state).in_((CampaignState.CONFIRMED, CampaignState.RUNNING)), col(Campaign.starts_at) <= now()
    )
    for campaign in session.scalars(due.limit(50).with_for_update(skip_locked=True)).all():
        run = start_run(session, campaign)
        if campaign.kind == CampaignKind.TRIGGER:
            run.state = RunState.RUNNING  # its audience comes one by one
        campaign.state = CampaignState.RUNNING
        period = PERIODS.get(Recurrence(campaign.recurrence)) if campaign.kind == CampaignKind.BATCH else None
        campaign.starts_at = _find_next(campaign.starts_at or now(), period) if period else None
        _save(session, campaign)


def has_due_start(session: Session) -> bool:
    """Return whether a campaign's time to start has come."""
    living = (CampaignState.CONFIRMED, CampaignState.RUNNING)
    due = select(col(Campaign.id)).where(col(Campaign.state).in_(living), col(Campaign.starts_at) <= now())
    return session.scalars(due.limit(1)).first() is not None


def find_problems(session: Session, campaign: Campaign) -> list[tuple[str, str]]:
    """Return what keeps a draft from starting: (field, sentence)."""
    problems: list[tuple[str, str]] = []
    steps = session.scalars(select(Step).where(col(Step.campaign_id) == campaign.id)).all()
    emails = [step for step in steps if step.kind == StepKind.EMAIL]
    if not emails:
        problems.append(("steps", _("Add at least one email.")))
    for step in emails:
        if session.scalars(select(col(Variant.id)).where(col(Variant.step_id) == step.id)).first() is None:
            problems.append(("steps", _("The email in step %(position)d has no text.", position=step.position)))
    if campaign.sender == Sender.MAILBOX:
        mailbox = session.get(Mailbox, campaign.mailbox_id or 0)
        if mailbox is None or mailbox.member_id != campaign.member_id or mailbox.state != MailboxState.LINKED:
            problems.append(("mailbox_id", _("Choose one of your linked mailboxes to send from.")))
    if campaign.kind == CampaignKind.TRIGGER and campaign.trigger.get("kind") not in list(EventKind):
        problems.append(("trigger", _("Choose what starts the campaign for a person.")))
    if campaign.kind == CampaignKind.BATCH and not campaign.audience:
        problems.append(("audience", _("Choose whom the campaign is for.")))
    return problems


def require_draft(campaign: Campaign) -> None:
    """Raise `Refused` for a campaign that is no draft any more."""
    if campaign.state != CampaignState.DRAFT:
        raise Refused(_("Only a draft can be changed. Copy the campaign to change it."), status=409)


def _write(session: Session, campaign: Campaign, plan: Plan) -> None:
    name = " ".join(plan.name.split())
    problems = [
        ("name", "" if 0 < len(name) <= NAME_LENGTH else _("Give the campaign a name of at most %(most)d characters.",
                                                           most=NAME_LENGTH)),
        ("kind", "" if plan.kind in list(CampaignKind) else _("Choose batch or trigger.")),
        ("sender", "" if plan.sender in list(Sender) else _("Choose whose mailbox sends.")),
        ("mailbox_id", "" if plan.mailbox_id is None or _is_own(session, campaign, plan.mailbox_id)
         else _("Choose one of your linked mailboxes to send from.")),
        ("recurrence", "" if plan.recurrence in list(Recurrence) else _("Choose once, daily or weekly.")),
        ("days", "" if plan.days and set(plan.days) <= set(range(1, 8)) else _("Choose at least one day.")),
        ("window", "" if 0 <= plan.window_start_minutes < plan.window_end_minutes <= DAY_MINUTES
         else _("The time must end after it begins.")),
        ("zone_of", "" if plan.zone_of in ("sender", "recipient") else _("Choose whose clock counts.")),
        ("per_minute", "" if 1 <= plan.per_minute <= MOST_PER_MINUTE else _("Choose 1 to %(most)d a minute.",
                                                                            most=MOST_PER_MINUTE)),
        ("per_day", "" if 1 <= plan.per_day <= MOST_PER_DAY else _("Gmail takes at most %(most)d mails a day.",
                                                                   most=MOST_PER_DAY)),
        ("winner_sample", "" if 10 <= plan.winner_sample <= 100_000 else _("Choose 10 to 100,000.")),
    ]  # fmt: skip
    if found := [(name, problem) for name, problem in problems if problem]:
        raise Invalid(found)
    check_filter(session, Asker(campaign.workspace_id, campaign.member_id), plan.audience)
    for key in Plan.__dataclass_fields__:
        setattr(campaign, key, getattr(plan, key))
    campaign.name = name


def _is_own(session: Session, campaign: Campaign, mailbox_id: int) -> bool:
    mailbox = session.get(Mailbox, mailbox_id) if 0 < mailbox_id < 2**31 else None
    return mailbox is not None and mailbox.member_id == campaign.member_id


def _change_state(
    session: Session, campaign: Campaign, before: tuple[CampaignState, ...], after: CampaignState
) -> bool:
    """Change the state where it is one of `before`, decided by the database; return whether it was."""
    session.refresh(campaign, with_for_update=True)
    if campaign.state not in before:
        return False
    campaign.state = after
    if after in (CampaignState.DRAFT, CampaignState.DONE):
        campaign.starts_at = None
    _save(session, campaign)
    return True


def _find_next(start: datetime, period: timedelta) -> datetime:
    """Return the next start after now, on the same beat."""
    behind = max(now() - start, timedelta(0))
    return start + period * (behind // period + 1)


def _save(session: Session, campaign: Campaign) -> None:
    session.add(campaign)
    session.flush()
    _tell(session, campaign)


def _tell(session: Session, campaign: Campaign) -> None:
    tell(session, campaign.id)
