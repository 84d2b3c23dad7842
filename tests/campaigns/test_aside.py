"""What cannot be done for one person holds back that person, says why, and nobody else."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import stops
from server.campaigns.models import Enrolment
from server.gmail.models import Mailbox
from server.messages.models import Copy
from server.people.custom_fields import add_field
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, ways, work
from tests.sign_in import sign_in


def test_one_bad_row_is_set_aside_with_its_reason_and_the_others_go_on(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    sign_in(client, alice)
    people = add_people(session, alice, 3)
    add_field(session, alice.workspace_id, "Plan")
    people[0].custom = "no fields at all"  # type: ignore[assignment]
    session.add(people[0])
    session.commit()
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=10))
    for _second in range(4):
        work(session, campaign)
        send_all(session)
        clock.shift(1)
    work(session, campaign)
    assert [way[0] for way in ways(session)] == ["paused", "active", "active"]
    assert states(session) == [("sent", ""), ("sent", "")]
    first = session.exec(select(Enrolment).order_by(col(Enrolment.person_id)).limit(1)).one()
    assert first.paused_reason.startswith("failed:AttributeError in ")
    board = f"/campaigns/{campaign.id}/board"
    again = f"/campaigns/{campaign.id}/people/{first.id}/resumption"
    people[0].custom = {}
    session.add(people[0])
    session.commit()
    shown = client.get(board).text
    assert "the step could not be done (AttributeError in" in shown and "Try again" in shown
    assert client.post(again).status_code == 303
    clock.shift(200)
    work(session, campaign)
    clock.shift(1)
    work(session, campaign)
    assert len(session.exec(select(Copy)).all()) == 3
    assert ways(session)[0][0] == "active"


def test_one_bad_row_at_the_first_mail_of_a_mailbox_leaves_no_half_of_it(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    people = add_people(session, alice, 2)
    add_field(session, alice.workspace_id, "Plan")
    people[0].custom = ["nor", "here"]  # type: ignore[assignment]
    session.add(people[0])
    session.commit()
    campaign = make_campaign(session, alice, mailbox, per_minute=1)
    for seconds in (10, 71, 131):
        clock.move_to(START + timedelta(seconds=seconds))
        work(session, campaign)
    stops.resume(session, list(session.scalars(select(Enrolment).where(Enrolment.state == "paused"))))
    session.commit()
    clock.shift(200)
    work(session, campaign)
    assert [way[0] for way in ways(session)] == ["paused", "active"]
    assert len(session.exec(select(Copy)).all()) == 1
