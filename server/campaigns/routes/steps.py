"""The steps of a draft, one act each: added, changed, moved, removed; a text more for an email."""

from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.campaigns import plans
from server.campaigns.forms import read_step, show_wait
from server.campaigns.models import Campaign, StepKind
from server.campaigns.queries import get_campaign
from server.campaigns.routes import CAMPAIGN, bp
from server.campaigns.routes.editor import save_typed, show_draft
from server.campaigns.steps import MOST_VARIANTS, StepPlan, Text
from server.campaigns.words import DONE_KINDS, STEPS
from server.db import get_session
from server.errors import Refused
from server.library.fields import list_known
from server.library.forms import TemplateForm
from server.library.models import TemplateKind
from server.library.queries import make_filter, read_templates
from server.library.routes.preview import preview_form
from server.library.templates import get_template
from server.security import allow, allow_framing
from server.tasks.models import TaskKind

STEP = f"{CAMPAIGN}/steps/<int(max=999):position>"


@bp.post(f"{CAMPAIGN}/steps")
@allow("rep")
def add_step(campaign_id: int) -> ResponseReturnValue:
    """Add a step at the end, and show its form."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    kind = request.form.get("kind", "")
    try:
        save_typed(session, campaign)
        position = plans.add_step(session, campaign, kind)
    except Refused as error:
        session.rollback()
        return show_draft(session, campaign, error, typed="name" in request.form)
    session.commit()
    if kind == StepKind.END:
        return redirect(url_for(".show", campaign_id=campaign_id, _anchor="steps"), 303)
    return redirect(url_for(".show_step", campaign_id=campaign_id, position=position), 303)


@bp.get(STEP)
@allow("rep")
@allow_framing
def show_step(campaign_id: int, position: int) -> ResponseReturnValue:
    """Show the form of one step."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    return _form(session, campaign, position, _get(session, campaign, position))


@bp.post(STEP)
@allow("rep")
@allow_framing
def change_step(campaign_id: int, position: int) -> ResponseReturnValue:
    """Write the form over a step."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    plan = read_step(request.form, _get(session, campaign, position))
    try:
        plans.change_step(session, campaign, position, plan)
    except Refused as error:
        session.rollback()
        return _form(session, campaign, position, plan, error)
    session.commit()
    if (text := request.form.get("then", type=int)) is not None:  # saved on the way to another text
        return redirect(url_for(".show_step", campaign_id=campaign_id, position=position, text=text), 303)
    return redirect(url_for(".show", campaign_id=campaign_id, _anchor="steps"), 303)


@bp.post(f"{STEP}/texts")
@allow("rep")
@allow_framing
def add_text(campaign_id: int, position: int) -> ResponseReturnValue:
    """Add another text to an email, beginning as its last one, to see which does better."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    plan = _get(session, campaign, position)
    try:
        if "subject" in request.form:  # the page sends the text along, so that nothing typed is lost
            plan = read_step(request.form, plan)
            plans.change_step(session, campaign, position, plan)
        index = plans.add_text(session, campaign, position)
    except Refused as error:
        session.rollback()
        return _form(session, campaign, position, plan, error)
    session.commit()
    return redirect(url_for(".show_step", campaign_id=campaign_id, position=position, text=index), 303)


@bp.post(f"{STEP}/texts/<int(max=9):index>/removal")
@allow("rep")
def remove_text(campaign_id: int, position: int, index: int) -> ResponseReturnValue:
    """Take one of several texts of an email out."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    plans.remove_text(session, campaign, position, index)
    session.commit()
    return redirect(url_for(".show_step", campaign_id=campaign_id, position=position), 303)


@bp.post(f"{STEP}/place")
@allow("rep")
def move_step(campaign_id: int, position: int) -> ResponseReturnValue:
    """Put a step one up or down."""
    to = position + (-1 if request.form.get("to") == "up" else 1)
    return _change_steps(campaign_id, lambda session, campaign: plans.move_step(session, campaign, position, to))


@bp.post(f"{STEP}/removal")
@allow("rep")
def remove_step(campaign_id: int, position: int) -> ResponseReturnValue:
    """Take a step out."""
    return _change_steps(campaign_id, lambda session, campaign: plans.remove_step(session, campaign, position))


def _change_steps(campaign_id: int, verb: Callable[[Session, Campaign], None]) -> ResponseReturnValue:
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    try:
        save_typed(session, campaign)
        verb(session, campaign)
    except Refused as error:
        session.rollback()
        return show_draft(session, campaign, error, typed="name" in request.form)
    session.commit()
    return redirect(url_for(".show", campaign_id=campaign_id, _anchor="steps"), 303)


def _get(session: Session, campaign: Campaign, position: int) -> StepPlan:
    every = plans.read_plans(session, campaign.id)
    if not 1 <= position <= len(every):
        raise Refused(_("There is no step %(position)d.", position=position), status=404)
    return every[position - 1]


def _form(
    session: Session, campaign: Campaign, position: int, plan: StepPlan, error: Refused | None = None
) -> ResponseReturnValue:
    amount, unit = show_wait(plan.settings)
    context: dict[str, Any] = {
        "campaign": campaign, "position": position, "plan": plan, "error": error, "step_kinds": STEPS,
        "amount": amount, "unit": unit, "done_kinds": DONE_KINDS, "task_kinds": list(TaskKind),
        "steps": plans.read_plans(session, campaign.id), "most_texts": MOST_VARIANTS,
    }  # fmt: skip
    if plan.kind == StepKind.EMAIL:
        context |= _read_text(session, campaign, plan)
    return render_template("campaigns/step.html", **context), error.status if error else 200


def _read_text(session: Session, campaign: Campaign, plan: StepPlan) -> dict[str, Any]:
    """Return what the editor of a text shows, and beside it: the text itself or the template to start from."""
    text = min(_asked_text(), max(len(plan.texts) - 1, 0))
    written = plan.texts[text] if plan.texts else Text("", "")
    template_id = request.args.get("template", type=int)
    if template_id is not None:
        template = get_template(session, current_user, template_id)
        written = Text(template.subject, template.html)
    form = TemplateForm(
        TemplateKind.TEMPLATE, campaign.name, written.subject, written.html, sample_key=token_urlsafe(16)
    )
    return {
        "text": text, "written": written, "known_fields": list_known(session, campaign.workspace_id),
        "template_id": template_id, "form": form, "shown": preview_form(session, form),
        "templates": read_templates(session, current_user, make_filter("", TemplateKind.TEMPLATE, "")).lines,
    }  # fmt: skip


def _asked_text() -> int:
    return max(0, request.values.get("text", 0, type=int) or 0)
