"""Changes to one step of a draft: all are read as plans, one is changed, all are written; so positions stay whole."""

from collections.abc import Mapping, Sequence
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
    added = StepPlan(kind, dict(STARTS.get(kind, {})), texts)
    places = {place: place for place in range(1, len(plans) + 1)} | {len(plans) + 1: len(plans) + 2}
    kept = [_lead_on(plan, place, places) for place, plan in enumerate(plans, 1)]
    write_steps(session, campaign, [*kept, added])
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
    """Put the step at `position` where `to` is; conditions go on leading to the same steps where these stand below."""
    plans = _plans_with(session, campaign, position)
    order = [place for place in range(1, len(plans) + 1) if place != position]
    order.insert(max(0, min(to - 1, len(order))), position)
    write_steps(session, campaign, _reorder(plans, order))


def remove_step(session: Session, campaign: Campaign, position: int) -> None:
    """Take the step at `position` out; a condition that led there goes on with the next step."""
    plans = _plans_with(session, campaign, position)
    write_steps(session, campaign, _reorder(plans, [place for place in range(1, len(plans) + 1) if place != position]))


def _reorder(plans: Sequence[StepPlan], order: Sequence[int]) -> list[StepPlan]:
    """Return the plans whose positions are in `order`, in that order; what is behind the last one stays the end."""
    places = {old: new for new, old in enumerate(order, 1)} | {len(plans) + 1: len(order) + 1}
    return [_lead_on(plans[old - 1], new, places) for new, old in enumerate(order, 1)]


def _lead_on(plan: StepPlan, position: int, places: Mapping[int, int]) -> StepPlan:
    """Return a plan that stands at `position` now, with what it names by position where `places` says it is."""
    if plan.kind != StepKind.CONDITION:
        return plan
    named = {name: places.get(plan.settings.get(name) or 0) for name in ("yes", "no", "step")}
    kept = {name: place for name, place in named.items() if place and (place < position) == (name == "step")}
    return StepPlan(plan.kind, {**plan.settings, "yes": None, "no": None, "step": None, **kept})


def _plans_with(session: Session, campaign: Campaign, position: int) -> list[StepPlan]:
    plans = read_plans(session, campaign.id)
    if not 1 <= position <= len(plans):
        raise Refused(_("There is no step %(position)d.", position=position), status=404)
    return plans
