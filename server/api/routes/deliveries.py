"""Routes of the REST API for what became of a campaign's mails, and for its history."""

from flask_login import current_user
from spectree import Response as Answers

from server.api.campaigns import show_change, show_delivery
from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.routes.campaigns import CAMPAIGN
from server.api.shapes import campaign_answers as answers
from server.api.shapes import campaigns as shapes
from server.api.shapes import inputs
from server.campaigns.deliveries import try_again
from server.campaigns.history.history import read_history
from server.campaigns.queries import find_run, get_campaign
from server.campaigns.sent import read_deliveries, read_delivery
from server.db import get_session
from server.keys import get_keys
from server.people.people import LARGEST_ID
from server.security import allow


@bp.get(f"{CAMPAIGN}/deliveries")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=answers.DeliveryPage), operation_id="listDeliveries")
def list_deliveries(query: shapes.DeliveriesQuery, campaign_id: int) -> answers.DeliveryPage:
    """List the emails of a run, one for each person and step: how each stands, and why."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    place = read_cursor(get_keys(), current_user.id, "deliveries", query.cursor)
    run, after = find_run(session, campaign.id, query.run), place[0] if place else 0
    rows, following = read_deliveries(session, run, query.state or "", after, query.limit) if run else ([], None)
    items = [show_delivery(row) for row in rows]
    return answers.DeliveryPage(items=items, next=make_next("deliveries", (following,) if following else None))


@bp.post(f"{CAMPAIGN}/deliveries/<int:delivery_id>/retry")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=answers.DeliveryAnswer), operation_id="retryDelivery")
def retry_delivery(campaign_id: int, delivery_id: int) -> answers.DeliveryAnswer:
    """Try again what could not be sent; anything else is refused with 409."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    delivery = try_again(session, campaign.id, min(delivery_id, LARGEST_ID), current_user)
    session.commit()
    return show_delivery(read_delivery(session, delivery))


@bp.get(f"{CAMPAIGN}/history")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=answers.ChangePage), operation_id="listCampaignHistory")
def list_history(query: shapes.HistoryQuery, campaign_id: int) -> answers.ChangePage:
    """List what happened in a campaign: to the whole of it, and to its people, the newest first."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    place = read_cursor(get_keys(), current_user.id, "history", query.cursor)
    rows, following = read_history(session, campaign.id, place[0] if place else None, query.limit)
    items = [show_change(row) for row in rows]
    return answers.ChangePage(items=items, next=make_next("history", (following,) if following else None))
