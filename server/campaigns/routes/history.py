"""The page of what happened in a campaign."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.campaigns.history.history import read_history
from server.campaigns.history.words import tell_change
from server.campaigns.queries import get_campaign
from server.campaigns.routes import CAMPAIGN, bp
from server.db import get_session
from server.people.people import LARGEST_ID
from server.security import allow


@bp.get(f"{CAMPAIGN}/history")
@allow("rep")
def show_history(campaign_id: int) -> ResponseReturnValue:
    """Show what happened in a campaign, the newest first."""
    session = get_session(write=False)
    campaign = get_campaign(session, current_user, campaign_id)
    before = request.args.get("before", type=int)
    happened, following = read_history(session, campaign.id, min(before, LARGEST_ID) if before is not None else None)
    return render_template(
        "campaigns/history.html", campaign=campaign, happened=happened, next=following, tell_change=tell_change
    )
