"""Changes to one step of a draft: all are read as plans, one is changed, all are written; so positions stay whole."""

from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session

from server.campaigns.models import Campaign, StepKind
from server.campaigns.steps import MOST_VARIANTS, StepPlan, Text, read_steps, write_steps
from server.errors import Refused

STARTS: dict[str, dict[str, Any]] = {
    StepKind.WAIT: {"minutes": 2 * 24 * 60},
    StepKind.TASK: {"name": "Call", "kind": "call", "due_days": 0},
    StepKind.CONDITION: {"kind": "clicked", "yes": None, "no": None},
}


def read_plans(session: Session, campaign_id: int) -> list[StepPlan]:
    """Return the steps of a campaign as they would be written."""
    return [
        StepPlan(step.kind, step.settings, [Text(one.subject, one.html) for one in variants])
        for step, variants in read_steps(session, campaign_id)
    ]


def add_step(session: Session, campaign: Campaign, kind: str) -> int:
    """Add a step at the end and return its position; an email begins with a text to be written over."""
    plans = read_plans(session, campaign.id)
    texts = [Text(_("Subject"), f"<p>{_('Hello')} {{{{first_name|}}}},</p>")] if kind == StepKind.EMAIL else []
    write_steps(session, campaign, [*plans, StepPlan(kind, dict(STARTS.get(kind, {})), texts)])
    return len(plans) + 1


def change_step(session: Session, campaign: Campaign, position: int, plan: StepPlan) -> None:
    """Write `plan` over the step at `position`; raises `Invalid` naming its faults."""
    plans = _plans_with(session, campaign, position)
    plans[position - 1] = plan
    write_steps(session, campaign, plans)


def add_text(session: Session, campaign: Campaign, position: int) -> int:
    """Give the email at `position` another text, beginning as its last one, and return its index."""
    plan = _plans_with(session, campaign, position)[position - 1]
    if plan.kind != StepKind.EMAIL or len(plan.texts) >= MOST_VARIANTS:
        raise Refused(_("An email has 1 to %(most)d texts.", most=MOST_VARIANTS))
    change_step(session, campaign, position, StepPlan(plan.kind, plan.settings, [*plan.texts, plan.texts[-1]]))
    return len(plan.texts)


def remove_text(session: Session, campaign: Campaign, position: int, index: int) -> None:
    """Take one of several texts out."""
    plan = _plans_with(session, campaign, position)[position - 1]
    if not 0 <= index < len(plan.texts) or len(plan.texts) == 1:
        raise Refused(_("An email has 1 to %(most)d texts.", most=MOST_VARIANTS))
    texts = [text for place, text in enumerate(plan.texts) if place != index]
    change_step(session, campaign, position, StepPlan(plan.kind, plan.settings, texts))


def move_step(session: Session, campaign: Campaign, position: int, to: int) -> None:
    """Put the step at `position` where `to` is."""
    plans = _plans_with(session, campaign, position)
    moved = plans.pop(position - 1)
    plans.insert(max(0, min(to - 1, len(plans))), moved)
    write_steps(session, campaign, [_forget_targets(plan) for plan in plans])


def remove_step(session: Session, campaign: Campaign, position: int) -> None:
    """Take the step at `position` out."""
    plans = _plans_with(session, campaign, position)
    plans.pop(position - 1)
    write_steps(session, campaign, [_forget_targets(plan) for plan in plans])


def _plans_with(session: Session, campaign: Campaign, position: int) -> list[StepPlan]:
    plans = read_plans(session, campaign.id)
    if not 1 <= position <= len(plans):
        raise Refused(_("There is no step %(position)d.", position=position), status=404)
    return plans


def _forget_targets(plan: StepPlan) -> StepPlan:
    """Let a condition go on with the next step: where it led may stand elsewhere now."""
    if plan.kind != StepKind.CONDITION:
        return plan
    return StepPlan(plan.kind, {**plan.settings, "yes": None, "no": None})
