"""Routes of the REST API for campaigns: written, confirmed, paused, ended, and the people in them."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers

from server.api.campaigns import make_plan, make_steps, show, show_line, show_whole
from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.shapes import campaign_answers as answers
from server.api.shapes import campaigns as shapes
from server.api.shapes import inputs
from server.campaigns import campaigns
from server.campaigns.entries import add_person
from server.campaigns.models import EndReason
from server.campaigns.queries import find_run, get_campaign, get_enrolment, list_campaigns, make_lines, read_lines
from server.campaigns.steps import write_steps
from server.campaigns.stops import UNDER_WAY, stop
from server.db import get_session
from server.keys import get_keys
from server.people.people import get_person
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


@bp.post(f"{CAMPAIGN}/confirmation")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=answers.CampaignAnswer), operation_id="confirmCampaign")
def confirm_campaign(json: shapes.NewConfirmation, campaign_id: int) -> Any:
    """Let a draft start, in ten seconds at the earliest."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    campaigns.confirm(session, campaign, json.starts_at)
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


@bp.get(f"{CAMPAIGN}/enrolments")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=answers.EnrolmentPage), operation_id="listEnrolments")
def list_enrolments(query: shapes.EnrolmentsQuery, campaign_id: int) -> answers.EnrolmentPage:
    """List the people of a run, where each of them is, and why they ended."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    place = read_cursor(get_keys(), current_user.id, "enrolments", query.cursor)
    run, after = find_run(session, campaign.id, query.run), place[0] if place else 0
    lines, following = read_lines(session, run, query.state or "", "", after, query.limit) if run else ([], None)
    items = [show_line(line) for line in lines]
    return answers.EnrolmentPage(items=items, next=make_next("enrolments", (following,) if following else None))


@bp.post(f"{CAMPAIGN}/enrolments")
@allow("rep")
@spec.validate(
    query=inputs.NoQuery, resp=Answers(HTTP_201=answers.EnrolmentAnswer, HTTP_200=answers.EnrolmentAnswer),
    operation_id="addEnrolment",
)  # fmt: skip
def add_enrolment(json: shapes.NewEnrolment, campaign_id: int) -> Any:
    """Let a person begin a running trigger campaign; who is or was in it keeps their way, and the answer is 200."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    person = get_person(session, current_user, json.person_id)
    enrolment, is_new = add_person(session, campaign, person)
    session.commit()
    return show_line(make_lines(session, [enrolment])[0]), 201 if is_new else 200


@bp.put(f"{CAMPAIGN}/enrolments/<int:enrolment_id>/end")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="endEnrolment")
def end_enrolment(campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """Stop a campaign for one person; where it is over already, it stays as it is."""
    session = get_session()
    enrolment = get_enrolment(session, get_campaign(session, current_user, campaign_id), enrolment_id)
    if enrolment.state in UNDER_WAY:
        stop(session, [enrolment], EndReason.BY_HAND)
    session.commit()
    return show_line(make_lines(session, [enrolment])[0])


def _change(campaign_id: int, verb: Any) -> answers.CampaignAnswer:
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    verb(session, campaign)
    session.commit()
    return show(campaign)
