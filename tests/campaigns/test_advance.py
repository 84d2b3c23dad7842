"""A campaign's way: who is taken, what is sent when, and how it ends."""

from datetime import timedelta

import time_machine
from sqlmodel import Session, select

from server.accounts.models import Member
from server.campaigns.models import CampaignState, Run
from server.gmail.models import Mailbox
from server.messages.models import Copy, Message
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, ways, work


def test_everybody_gets_each_step_once_and_the_campaign_is_done(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 3)
    campaign = make_campaign(session, alice, mailbox)
    work(session, campaign)
    assert ways(session) == []  # it can still be undone
    clock.move_to(START + timedelta(seconds=10))
    for _second in range(5):
        work(session, campaign)
        send_all(session)
        clock.shift(1)
    work(session, campaign)
    assert states(session) == [("sent", "")] * 3
    assert ways(session) == [("active", "", 3)] * 3
    clock.shift(timedelta(days=2))
    for _second in range(5):
        work(session, campaign)
        send_all(session)
        clock.shift(1)
    work(session, campaign)
    work(session, campaign)
    assert states(session) == [("sent", "")] * 6
    assert ways(session) == [("ended", "finished", 4)] * 3
    session.refresh(campaign)
    assert campaign.state == CampaignState.DONE
    assert len(session.exec(select(Copy)).all()) == 6
    assert sorted(row.subject for row in session.exec(select(Copy))) == ["Again"] * 3 + ["Hello Person"] * 3
    assert len(session.exec(select(Message)).all()) == 2
    assert [run.state for run in session.exec(select(Run))] == ["done"]
