"""The list of campaigns, and a new one."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.campaigns.campaigns import Plan, add_campaign
from server.campaigns.campaigns import remove as remove_campaign
from server.campaigns.models import CampaignKind, CampaignState
from server.campaigns.queries import get_campaign, list_campaigns
from server.campaigns.routes import CAMPAIGN, bp
from server.campaigns.words import STATES
from server.db import get_session
from server.errors import Refused
from server.gmail.mailboxes import find_mailbox
from server.security import allow


@bp.get("/campaigns")
@allow("rep")
def list_all() -> ResponseReturnValue:
    """Show the member's campaigns, or their team's."""
    return _listing()


@bp.post("/campaigns")
@allow("rep")
def add() -> ResponseReturnValue:
    """Add a draft with a name and a kind; the rest is chosen on its page."""
    session = get_session()
    mailbox = find_mailbox(session, current_user)
    plan = Plan(
        request.form.get("name", ""), request.form.get("kind", CampaignKind.BATCH),
        mailbox_id=mailbox.id if mailbox else None,
    )  # fmt: skip
    try:
        campaign = add_campaign(session, current_user, plan)
    except Refused as error:
        session.rollback()
        return _listing(error)
    session.commit()
    return redirect(url_for(".show", campaign_id=campaign.id), 303)


@bp.post(f"{CAMPAIGN}/removal")
@allow("rep")
def remove(campaign_id: int) -> ResponseReturnValue:
    """Take a draft, or a campaign that is done, out of the lists."""
    session = get_session()
    campaign = get_campaign(session, current_user, campaign_id)
    remove_campaign(session, campaign)
    session.commit()
    flash(_("“%(name)s” is removed.", name=campaign.name))
    return redirect(url_for(".list_all"), 303)


def _listing(error: Refused | None = None) -> ResponseReturnValue:
    session = get_session(write=False)
    state = request.args.get("state", "")
    before = request.args.get("before", type=int)
    campaigns, following = list_campaigns(session, current_user, state, before)
    page = render_template(
        "campaigns/campaigns.html", campaigns=campaigns, next=following, state=state, states=STATES, error=error,
        form=request.form, kinds=[(CampaignKind.BATCH, _("Batch: to an audience, at a time")),
                                  (CampaignKind.TRIGGER, _("Trigger: to whoever does something"))],
        is_filtered=state in list(CampaignState),
    )  # fmt: skip
    return page, error.status if error else 200
