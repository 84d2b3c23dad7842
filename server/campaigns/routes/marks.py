"""Campaigns as other pages mention them: those that a person is in, and the one that sent a mail."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.campaigns.queries import find_campaign, may_open, read_ways
from server.campaigns.routes import CAMPAIGN, bp
from server.campaigns.routes.board import words_of_ways
from server.campaigns.words import STATES, WAYS
from server.db import get_session
from server.errors import Refused
from server.htmx import render
from server.people.people import get_person
from server.security import allow


@bp.get("/campaigns/people/<int(max=2147483647):person_id>")
@allow("rep")
def show_person(person_id: int) -> ResponseReturnValue:
    """Show the campaigns that a person is or was in, and why they ended."""
    session = get_session(write=False)
    person = get_person(session, current_user, person_id)
    ways = read_ways(session, current_user, person_id)
    context = {"person": person, "found": ways, "ways": WAYS, **words_of_ways(session)}
    return render("campaigns/person.html", "campaigns/_person.html", **context)


@bp.get(f"{CAMPAIGN}/mark")
@allow("rep")
def show_mark(campaign_id: int) -> ResponseReturnValue:
    """Show the name of a campaign of the workspace, with its state and the way there where one may go."""
    session = get_session(write=False)
    campaign = find_campaign(session, current_user, campaign_id)
    if campaign is None:
        raise Refused(_("There is no such campaign."), status=404)
    is_open = may_open(session, current_user, campaign)
    return render_template("campaigns/_mark.html", campaign=campaign, may_open=is_open, states=STATES)
