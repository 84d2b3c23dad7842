"""Variants: the same person always gets the same one, and a winner is named only beyond doubt."""

from collections import Counter
from datetime import timedelta

import time_machine
from sqlalchemy import update
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns.models import Delivery, Step, Variant
from server.campaigns.steps import StepPlan, Text
from server.campaigns.variants import Result, choose, find_winner, name_winners
from server.gmail.models import Mailbox
from server.messages.models import Copy
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, work

TWO = (StepPlan("email", texts=[Text("A", "<p>A</p>"), Text("B", "<p>B</p>")]),)


def results(*rows: tuple[int, int, int]) -> list[Result]:
    return [Result(number, sent, replied, clicked, 0) for number, (sent, replied, clicked) in enumerate(rows, 1)]


def test_a_winner_needs_the_sample_and_a_difference_beyond_chance() -> None:
    assert find_winner(results((49, 40, 0), (100, 0, 0)), 2, 50) is None
    assert find_winner(results((100, 12, 0), (100, 10, 0)), 2, 50) is None
    assert find_winner(results((100, 10, 0), (100, 30, 0)), 2, 50) == 2
    assert find_winner(results((100, 30, 0)), 2, 50) is None
    assert find_winner(results((100, 30, 0)), 1, 50) is None


def test_clicks_decide_where_nobody_replied() -> None:
    assert find_winner(results((100, 0, 40), (100, 0, 10)), 2, 50) == 1
    assert find_winner(results((100, 1, 40), (100, 0, 10)), 2, 50) is None


def test_each_gets_one_by_their_id_and_after_the_winner_is_named_all_get_that(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 40)
    campaign = make_campaign(session, alice, mailbox, TWO, winner_sample=10)
    clock.move_to(START + timedelta(seconds=10))
    for _second in range(45):
        work(session, campaign)
        clock.shift(1)
    send_all(session)
    work(session, campaign)
    step = session.exec(select(Step)).one()
    given = {row.person_id: row.variant_id for row in session.exec(select(Delivery))}
    again = {person_id: choose(session, step, person_id) for person_id in given}
    assert given == {person_id: variant.id if variant else None for person_id, variant in again.items()}
    assert min(Counter(given.values()).values()) >= 10
    name_winners(session)
    assert step.winner_id is None
    better = session.exec(select(Variant).where(Variant.label == "B")).one()
    copies = select(col(Delivery.copy_id)).where(Delivery.variant_id == better.id)
    session.execute(update(Copy).where(col(Copy.id).in_(copies)).values(replies=1))
    name_winners(session)
    assert step.winner_id == better.id
    assert {choose(session, step, person_id).label for person_id in range(1, 30)} == {"B"}  # type: ignore[union-attr]
