"""Tells the pages that show a campaign that it changed."""

from sqlmodel import Session

from server.campaigns.models import Campaign
from server.queue import announce


def tell(session: Session, campaign_id: int) -> None:
    """Tell every page of the workspace that shows this campaign."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is not None:
        announce(session, "campaign", workspace_id=campaign.workspace_id, id=campaign_id)
