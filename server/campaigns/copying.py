"""A copy of a campaign: a draft with the same plan and steps, to be changed and sent again."""

from dataclasses import fields

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.campaigns.campaigns import NAME_LENGTH, Plan, add_campaign
from server.campaigns.models import Campaign
from server.campaigns.plans import read_plans
from server.campaigns.steps import write_steps


def copy_campaign(session: Session, member: Member, campaign: Campaign) -> Campaign:
    """Add a draft of the member's with the plan and the steps of `campaign`."""
    given = {one.name: getattr(campaign, one.name) for one in fields(Plan)}
    given["name"] = _("%(name)s (copy)", name=campaign.name)[:NAME_LENGTH]
    if campaign.member_id != member.id:
        given["mailbox_id"] = None
    made = add_campaign(session, member, Plan(**given))
    write_steps(session, made, read_plans(session, campaign.id))
    return made
