"""Somebody added to a running trigger campaign by hand or by a program, without its event."""

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.campaigns.models import Campaign, CampaignKind, CampaignState, Enrolment, Run, RunState
from server.campaigns.notices import tell
from server.campaigns.runs import enrol
from server.errors import Refused
from server.people.models import Person


def add_person(session: Session, campaign: Campaign, person: Person) -> tuple[Enrolment, bool]:
    """Let a person begin a trigger campaign now; return their way through it, and whether it is new.

    Nobody goes twice: who is or was in it keeps their way. Raises `Refused` (409) where the campaign takes nobody.
    """
    takes = campaign.state in (CampaignState.RUNNING, CampaignState.PAUSED)
    if campaign.kind != CampaignKind.TRIGGER or not takes:
        raise Refused(_("Only a running trigger campaign takes people one by one."), status=409)
    chosen = select(Run).where(Run.campaign_id == campaign.id, Run.state == RunState.RUNNING)
    run = session.exec(chosen.order_by(col(Run.number).desc())).first()
    if run is None:
        raise Refused(_("Only a running trigger campaign takes people one by one."), status=409)
    found = select(Enrolment).where(Enrolment.run_id == run.id, Enrolment.person_id == person.id)
    known = session.exec(found).first()
    if known is not None:
        return known, False
    enrol(session, campaign, run, [person.id or 0])
    tell(session, campaign.id)
    return session.exec(found).one(), True
