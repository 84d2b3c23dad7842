"""A draft's page: its plan, audience and steps, how many people it means, and its confirmation."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlmodel import Session, col

from server.campaigns import campaigns
from server.campaigns.audience import Asker, count_audience, read_some
from server.campaigns.audience_form import make_filter, read_form, show_filter
from server.campaigns.copying import copy_campaign
from server.campaigns.forms import read_plan, show_time
from server.campaigns.lists import read_lists
from server.campaigns.models import Campaign, CampaignState
from server.campaigns.queries import get_campaign
from server.campaigns.routes import CAMPAIGN, bp
from server.campaigns.routes.board import show_board
from server.campaigns.steps import read_steps
from server.campaigns.words import DONE_KINDS, ENGAGEMENT_KINDS, STARTING_KINDS, STATES, STEPS
from server.db import get_session
from server.errors import Invalid, Refused
from server.gmail.models import Mailbox, MailboxState
from server.people.custom_fields import list_fields
from server.security import allow
from server.tasks.days import zone_of


@bp.get(CAMPAIGN)
@allow("rep")
def show(campaign_id: int) -> ResponseReturnValue:
    """Show a draft to work on, or how a campaign stands."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    return show_draft(session, campaign) if campaign.state == CampaignState.DRAFT else show_board(session, campaign)


@bp.post(CAMPAIGN)
@allow("rep")
def edit(campaign_id: int) -> ResponseReturnValue:
    """Write the form over a draft's plan; a button that changes the form's rows shows the form again instead."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    if request.form.get("change"):
        session.rollback()
        return show_draft(session, campaign, typed=True)
    try:
        campaigns.edit_campaign(session, campaign, read_plan(request.form, campaign))
    except Refused as error:
        session.rollback()
        return show_draft(session, campaign, error, typed=True)
    session.commit()
    if position := request.form.get("then", type=int):  # saved on the way to a step
        return redirect(url_for(".show_step", campaign_id=campaign_id, position=position), 303)
    flash(_("Saved."))
    return redirect(url_for(".show", campaign_id=campaign_id), 303)


@bp.post(f"{CAMPAIGN}/audience")
@allow("rep")
def show_audience(campaign_id: int) -> ResponseReturnValue:
    """Show the form of the audience as typed, a row more or less, and how many people it means now."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    return render_template("campaigns/_audience.html", campaign=campaign, **_read_audience(session, campaign, True))


@bp.post(f"{CAMPAIGN}/confirmation")
@allow("rep")
def confirm(campaign_id: int) -> ResponseReturnValue:
    """Let a draft start; it can be undone for ten seconds."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    try:
        save_typed(session, campaign)
        campaigns.confirm(session, campaign, current_user, _read_start(session, request.form.get("starts_at", "")))
    except Refused as error:
        session.rollback()
        return show_draft(session, campaign, error, typed="name" in request.form)
    session.commit()
    return redirect(url_for(".show", campaign_id=campaign_id), 303)


@bp.post(f"{CAMPAIGN}/copies")
@allow("rep")
def add_copy(campaign_id: int) -> ResponseReturnValue:
    """Add a draft that begins like this campaign."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    try:
        save_typed(session, campaign)
        made = copy_campaign(session, current_user, campaign)
    except Refused as error:
        session.rollback()
        return show_draft(session, campaign, error, typed="name" in request.form)
    session.commit()
    return redirect(url_for(".show", campaign_id=made.id), 303)


def save_typed(session: Session, campaign: Campaign) -> None:
    """Write what the draft's page sends along with an act over its plan, so that nothing typed is lost."""
    if "name" in request.form:
        campaigns.edit_campaign(session, campaign, read_plan(request.form, campaign))


def show_draft(
    session: Session, campaign: Campaign, error: Refused | None = None, *, typed: bool = False
) -> ResponseReturnValue:
    """Answer the draft's page, with what was typed where something is wrong with it."""
    problems = dict(error.errors) if isinstance(error, Invalid) else {}
    if error is not None and error.field in ("audience", "starts_at"):
        problems[error.field] = error.message
    plan = read_plan(request.form, campaign) if typed else campaign
    mailboxes = select(Mailbox).where(
        col(Mailbox.member_id) == campaign.member_id, col(Mailbox.state) == MailboxState.LINKED
    )
    page = render_template(
        "campaigns/draft.html", campaign=campaign, plan=plan, error=error, problems=problems, states=STATES,
        steps=read_steps(session, campaign.id), step_kinds=STEPS, done_kinds=DONE_KINDS,
        starting_kinds=STARTING_KINDS, show_time=show_time,
        starts_at=request.form.get("starts_at", ""),
        mailboxes=session.scalars(mailboxes.order_by(col(Mailbox.id))).all(),
        **_read_audience(session, campaign, typed),
    )  # fmt: skip
    return page, error.status if error else 200


def _read_audience(session: Session, campaign: Campaign, typed: bool) -> dict[str, Any]:
    """Return what the audience's partial shows."""
    is_typed = typed and "groups" in request.form
    form = read_form(request.form) if is_typed else show_filter(campaign.audience)
    tree = campaign.audience if form.raw else make_filter(form)
    asker = Asker(campaign.workspace_id, campaign.member_id)
    try:
        people, some, audience_error = count_audience(session, asker, tree), read_some(session, asker, tree), ""
    except Refused as error:
        people, some, audience_error = None, [], error.message
    return {
        "audience": form, "people": people, "some": some, "audience_error": audience_error,
        "engagement_kinds": ENGAGEMENT_KINDS,
        "custom_fields": list_fields(session, campaign.workspace_id),
        "lists": read_lists(session, campaign.workspace_id),
    }  # fmt: skip


def _read_start(session: Session, text: str) -> datetime | None:
    if not text.strip():
        return None
    zone: ZoneInfo = zone_of(session, current_user)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise Refused(_("“%(time)s” is no time.", time=text[:40]), field="starts_at") from error
