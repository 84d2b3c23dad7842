"""Two people who turn out to be one, while a campaign writes to both."""

from datetime import timedelta

import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns.lists import add_list, fill_from_addresses
from server.campaigns.models import Enrolment, ListedPerson
from server.gmail.models import Mailbox
from server.people.merge import merge
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, ways, work


def test_of_two_ways_in_one_run_one_goes_on(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    one, two, three = add_people(session, alice, 3)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=11))
    work(session, campaign)
    merge(session, one, two)
    session.commit()
    assert sorted(ways(session)) == [("active", "", 1), ("active", "", 1), ("ended", "excluded", 1)]
    for _second in range(3):
        work(session, campaign)
        clock.shift(1)
    assert len(send_all(session)) <= 2
    ids = set(session.exec(select(Enrolment.person_id).where(col(Enrolment.person_id).is_not(None))))
    assert ids == {one.id, three.id}


def test_a_list_holds_the_one_who_stays(session: Session, alice: Member, mailbox: Mailbox) -> None:
    one, two, _three = add_people(session, alice, 3)
    listed, other = add_list(session, alice, "Spring"), add_list(session, alice, "Autumn")
    assert fill_from_addresses(session, listed, ["person1@prospect.example", "PERSON2@prospect.example"]) == []
    assert fill_from_addresses(session, other, ["person2@prospect.example", "nobody@x.example"]) == ["nobody@x.example"]
    merge(session, one, two)
    session.commit()
    rows = session.exec(select(ListedPerson.list_id, ListedPerson.person_id)).all()
    assert sorted(rows) == [(listed.id, one.id), (other.id, one.id)]
