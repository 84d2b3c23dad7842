"""Routes of the REST API for the people in campaigns: listed, added, held back, moved on, stopped."""

from collections.abc import Callable
from typing import Any

from flask_login import current_user
from spectree import Response as Answers
from sqlmodel import Session

from server.accounts.models import Member
from server.api.campaigns import show_line
from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.routes.campaigns import CAMPAIGN
from server.api.shapes import campaign_answers as answers
from server.api.shapes import campaigns as shapes
from server.api.shapes import inputs
from server.campaigns import by_hand
from server.campaigns.entries import add_person
from server.campaigns.models import Enrolment
from server.campaigns.queries import find_run, get_campaign, get_enrolment, make_lines, read_lines
from server.db import get_session
from server.keys import get_keys
from server.people.people import get_person
from server.security import allow

ENROLMENT = f"{CAMPAIGN}/enrolments/<int:enrolment_id>"


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


@bp.get(ENROLMENT)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="getEnrolment")
def show_enrolment(campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """One person's way through a campaign."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    return show_line(make_lines(session, [get_enrolment(session, campaign, enrolment_id)])[0])


@bp.put(f"{ENROLMENT}/pause")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="pauseEnrolment")
def pause_enrolment(campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """Hold a campaign back for one person, until somebody resumes it."""
    return _change(campaign_id, enrolment_id, by_hand.hold)


@bp.delete(f"{ENROLMENT}/pause")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="resumeEnrolment")
def resume_enrolment(campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """Let a person go on who is held back; who is not, goes on as they were."""
    return _change(campaign_id, enrolment_id, by_hand.resume)


@bp.post(f"{ENROLMENT}/skip")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="skipStep")
def skip_step(json: shapes.NewSkip, campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """Let a person go on with the step after `position`; where they are beyond it already, they stay."""
    return _change(campaign_id, enrolment_id, lambda session, one, by: by_hand.skip(session, one, by, json.position))


@bp.put(f"{ENROLMENT}/end")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.EnrolmentAnswer), operation_id="endEnrolment")
def end_enrolment(campaign_id: int, enrolment_id: int) -> answers.EnrolmentAnswer:
    """Stop a campaign for one person; where it is over already, it stays as it is."""
    return _change(campaign_id, enrolment_id, by_hand.end)


def _change(
    campaign_id: int, enrolment_id: int, verb: Callable[[Session, Enrolment, Member], None]
) -> answers.EnrolmentAnswer:
    session = get_session()
    enrolment = get_enrolment(session, get_campaign(session, current_user, campaign_id), enrolment_id, held=True)
    verb(session, enrolment, current_user)
    session.commit()
    return show_line(make_lines(session, [enrolment])[0])
