"""Routes of the REST API for campaigns: written, changed, confirmed, paused, ended."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers

from server.api.campaigns import change_plan, make_plan, make_steps, show, show_whole
from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.shapes import campaign_answers as answers
from server.api.shapes import campaigns as shapes
from server.api.shapes import inputs
from server.campaigns import campaigns
from server.campaigns.queries import get_campaign, list_campaigns
from server.campaigns.steps import write_steps
from server.db import get_session
from server.keys import get_keys
from server.security import allow

CAMPAIGN = "/campaigns/<int:campaign_id>"  # without limits: an id beyond them would answer 405


@bp.get("/campaigns")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=answers.CampaignPage), operation_id="listCampaigns")
def list_all_campaigns(query: shapes.CampaignsQuery) -> answers.CampaignPage:
    """List campaigns, the newest first: yours, or your team's where you may see those."""
    place = read_cursor(get_keys(), current_user.id, "campaigns", query.cursor)
    before = place[0] if place else None
    rows, following = list_campaigns(get_session(), current_user, query.state or "", before, query.limit)
    items = [show(row) for row in rows]
    return answers.CampaignPage(items=items, next=make_next("campaigns", (following,) if following else None))


@bp.post("/campaigns")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=answers.CampaignDetail), operation_id="addCampaign")
def add_campaign(json: shapes.NewCampaign) -> Any:
    """Add a draft with its steps; nothing is sent until it is confirmed."""
    session = get_session()
    campaign = campaigns.add_campaign(session, current_user, make_plan(session, current_user, json))
    write_steps(session, campaign, make_steps(json))
    session.commit()
    return show_whole(session, campaign), 201, {"Location": url_for("api.show_campaign", campaign_id=campaign.id)}


@bp.get(CAMPAIGN)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignDetail), operation_id="getCampaign")
def show_campaign(campaign_id: int) -> answers.CampaignDetail:
    """One campaign, its steps, and how its newest run stands."""
    session = get_session()
    return show_whole(session, get_campaign(session, current_user, campaign_id))


@bp.patch(CAMPAIGN)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignDetail), operation_id="changeCampaign")
def change_campaign(json: shapes.CampaignChange, campaign_id: int) -> answers.CampaignDetail:
    """Change what is named of a draft; `steps` are replaced as a whole."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    campaigns.edit_campaign(session, campaign, change_plan(campaign, json))
    if "steps" in json.model_fields_set:
        write_steps(session, campaign, make_steps(json))
    session.commit()
    return show_whole(session, campaign)


@bp.delete(CAMPAIGN)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers("HTTP_204"), operation_id="deleteCampaign")
def delete_campaign(campaign_id: int) -> Any:
    """Take a draft, or a campaign that is done, out of the lists."""
    session = get_session()
    campaigns.remove(session, get_campaign(session, current_user, campaign_id))
    session.commit()
    return "", 204


@bp.post(f"{CAMPAIGN}/confirmation")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=answers.CampaignAnswer), operation_id="confirmCampaign")
def confirm_campaign(json: shapes.NewConfirmation, campaign_id: int) -> Any:
    """Let a draft start, in ten seconds at the earliest."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    campaigns.confirm(session, campaign, current_user, json.starts_at)
    session.commit()
    return show(campaign), 201


@bp.delete(f"{CAMPAIGN}/confirmation")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignAnswer), operation_id="undoConfirmation")
def undo_confirmation(campaign_id: int) -> answers.CampaignAnswer:
    """Make a confirmed campaign that has not started a draft again."""
    return _change(campaign_id, campaigns.undo_confirmation)


@bp.put(f"{CAMPAIGN}/pause")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignAnswer), operation_id="pauseCampaign")
def pause_campaign(campaign_id: int) -> answers.CampaignAnswer:
    """Send nothing more until the campaign is resumed."""
    return _change(campaign_id, campaigns.pause)


@bp.delete(f"{CAMPAIGN}/pause")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignAnswer), operation_id="resumeCampaign")
def resume_campaign(campaign_id: int) -> answers.CampaignAnswer:
    """Let a paused campaign go on."""
    return _change(campaign_id, campaigns.resume)


@bp.put(f"{CAMPAIGN}/end")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.CampaignAnswer), operation_id="endCampaign")
def end_campaign(campaign_id: int) -> answers.CampaignAnswer:
    """End a campaign for everybody who is under way."""
    return _change(campaign_id, campaigns.finish)


def _change(campaign_id: int, verb: Any) -> answers.CampaignAnswer:
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    verb(session, campaign, current_user)
    session.commit()
    return show(campaign)
