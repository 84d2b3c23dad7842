"""The steps of a draft: added, changed, moved and removed; positions stay 1, 2, 3 …"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlmodel import Session, col

from server.campaigns.campaigns import require_draft
from server.campaigns.models import Campaign, Step, StepKind, Variant
from server.config import get_settings
from server.errors import Invalid
from server.events.models import EventKind
from server.keys import get_keys
from server.library.fields import list_known
from server.library.language import MergeError
from server.library.merge import read_html, read_plain
from server.messages.html import clean_html
from server.tasks.models import TaskKind

MOST_STEPS = 30
MOST_VARIANTS = 4
LABELS = "ABCD"
MOST_WAIT_MINUTES = 365 * 24 * 60
BRANCHING = (EventKind.VIEWED, EventKind.CLICKED, EventKind.DOCUMENT_OPENED, EventKind.PAGE_READ, EventKind.DOWNLOADED)


Check = Callable[..., Iterator[str]]


@dataclass(frozen=True, slots=True)
class Text:
    """One variant as written."""

    subject: str
    html: str


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step as somebody wants it; only an email has texts."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    texts: Sequence[Text] = ()


def write_steps(session: Session, campaign: Campaign, plans: Sequence[StepPlan]) -> list[Step]:
    """Put `plans` in the place of a draft's steps; raises `Invalid` naming the step and its fault."""
    require_draft(campaign)
    problems = list(_find_problems(session, campaign, plans))
    if problems:
        raise Invalid(problems)
    old = select(col(Step.id)).where(col(Step.campaign_id) == campaign.id)
    session.execute(delete(Variant).where(col(Variant.step_id).in_(old)))
    session.execute(delete(Step).where(col(Step.campaign_id) == campaign.id))
    return [_add_step(session, campaign, position, plan) for position, plan in enumerate(plans, 1)]


def read_steps(session: Session, campaign_id: int) -> list[tuple[Step, list[Variant]]]:
    """Return the steps in their order, each with its variants."""
    steps = session.scalars(select(Step).where(col(Step.campaign_id) == campaign_id).order_by(col(Step.position))).all()
    chosen = select(Variant).where(col(Variant.step_id).in_([step.id for step in steps]))
    variants = session.scalars(chosen.order_by(col(Variant.label))).all()
    return [(step, [one for one in variants if one.step_id == step.id]) for step in steps]


def _add_step(session: Session, campaign: Campaign, position: int, plan: StepPlan) -> Step:
    step = Step(campaign_id=campaign.id, position=position, kind=plan.kind, settings=plan.settings)
    session.add(step)
    session.flush()
    for label, text in zip(LABELS, plan.texts, strict=False):
        html = clean_html(get_settings(), get_keys(), text.html)
        session.add(Variant(step_id=step.id, label=label, subject=text.subject.strip(), html=html))
    session.flush()
    return step


def _find_problems(session: Session, campaign: Campaign, plans: Sequence[StepPlan]) -> Iterator[tuple[str, str]]:
    if len(plans) > MOST_STEPS:
        yield "steps", _("A campaign has at most %(most)d steps.", most=MOST_STEPS)
        return
    known = {one.key for one in list_known(session, campaign.workspace_id)}
    for position, plan in enumerate(plans, 1):
        check: Check = (
            CHECKS.get(StepKind(plan.kind), _check_unknown) if plan.kind in list(StepKind) else _check_unknown
        )
        for problem in check(plan, position, len(plans), known):
            yield f"steps.{position}", _("Step %(position)d: %(problem)s", position=position, problem=problem)


def _check_unknown(plan: StepPlan, *_rest: Any) -> Iterator[str]:
    yield _("“%(kind)s” is not a kind of step.", kind=plan.kind[:30])


def _check_email(plan: StepPlan, _position: int, _steps: int, known: set[str]) -> Iterator[str]:
    if not 1 <= len(plan.texts) <= MOST_VARIANTS:
        yield _("an email has 1 to %(most)d texts.", most=MOST_VARIANTS)
    for text in plan.texts:
        if not text.subject.strip():
            yield _("the subject is missing.")
        if not text.html.strip():
            yield _("the text is missing.")
        try:
            read_plain(text.subject).check(known)
            read_html(clean_html(get_settings(), get_keys(), text.html)).check(known)
        except MergeError as error:
            yield error.message


def _check_wait(plan: StepPlan, *_rest: Any) -> Iterator[str]:
    minutes = plan.settings.get("minutes")
    if not isinstance(minutes, int) or not 1 <= minutes <= MOST_WAIT_MINUTES:
        yield _("choose how long to wait, at most a year.")


def _check_task(plan: StepPlan, *_rest: Any) -> Iterator[str]:
    name, due = str(plan.settings.get("name", "")).strip(), plan.settings.get("due_days", 0)
    if not 0 < len(name) <= 200:
        yield _("give the task a name.")
    if plan.settings.get("kind", TaskKind.CUSTOM) not in list(TaskKind):
        yield _("choose email, call, InMail or custom.")
    if not isinstance(due, int) or not 0 <= due <= 365:
        yield _("a task is due within 365 days.")


def _check_condition(plan: StepPlan, position: int, steps: int, _known: set[str]) -> Iterator[str]:
    if plan.settings.get("kind") not in BRANCHING:
        yield _("choose what the person must have done.")
    for name in ("yes", "no"):
        target = plan.settings.get(name)
        if target is not None and (not isinstance(target, int) or not position < target <= steps + 1):
            yield _("it can only lead to a step further down.")


def _check_end(*_rest: Any) -> Iterator[str]:
    return iter(())


CHECKS: dict[StepKind, Check] = {
    StepKind.EMAIL: _check_email,
    StepKind.WAIT: _check_wait,
    StepKind.TASK: _check_task,
    StepKind.CONDITION: _check_condition,
    StepKind.END: _check_end,
}
