"""The pages of campaigns: a draft from nothing to its start, and the board."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member
from server.campaigns.models import Campaign, CampaignState, Enrolment, Step
from server.gmail.models import Mailbox
from tests.campaigns.conftest import START, add_people, make_campaign, work
from tests.sign_in import sign_in


def test_a_draft_is_written_confirmed_and_taken_back(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 3)
    sign_in(client, alice)
    page = client.post("/campaigns", data={"name": "Spring", "kind": "batch"})
    assert page.status_code == 303
    address = page.location
    for kind in ("email", "wait", "email", "task", "condition", "end"):
        assert client.post(f"{address}/steps", data={"kind": kind}).status_code == 303
    assert (
        client.post(
            f"{address}/steps/1", data={"text": "0", "subject": "Hi {{nonsense}}", "html": "<p>x</p>"}
        ).status_code
        == 422
    )
    saved = client.post(
        f"{address}/steps/1", data={"text": "0", "subject": "Hi {{first_name|you}}", "html": "<p>Hello</p>"}
    )
    assert saved.status_code == 303
    assert client.post(f"{address}/steps/3/texts").status_code == 303
    assert client.get(f"{address}/steps/3?text=1").status_code == 200
    assert client.post(f"{address}/steps/2", data={"amount": "3", "unit": "days"}).status_code == 303
    assert client.post(f"{address}/steps/6/place", data={"to": "up"}).status_code == 303
    assert client.post(f"{address}/steps/5/removal").status_code == 303
    form = {
        "name": "Spring", "sender": "mailbox", "mailbox_id": str(mailbox.id), "recurrence": "once", "days": ["1", "2"],
        "window_start": "09:00", "window_end": "17:00", "zone_of": "sender", "per_minute": "20", "per_day": "100",
        "winner_sample": "50", "groups": "1", "0.rows": "1", "0.join": "all", "0.0.about": "owner", "0.0.value": "me",
        "0.0.was": "owner",
    }  # fmt: skip
    assert "Choose 1 to 60 a minute" in client.post(address, data={**form, "per_minute": "x"}).text
    assert client.post(address, data=form).status_code == 303
    assert "3 people now" in client.get(address).text
    assert client.post(f"{address}/confirmation", data={}).status_code == 303
    assert "Undo" in client.get(address).text
    assert client.post(f"{address}/undo").status_code == 303
    session.expire_all()
    assert session.exec(select(Campaign)).one().state == CampaignState.DRAFT
    assert [step.kind for step in session.exec(select(Step).order_by(Step.position))] == [
        "email", "wait", "email", "task", "condition",
    ]  # fmt: skip


def test_the_form_of_the_audience_keeps_what_was_typed(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    people = add_people(session, alice, 3)
    people[0].company = "Encom"
    session.add(people[0])
    session.commit()
    sign_in(client, alice)
    address = client.post("/campaigns", data={"name": "Spring", "kind": "batch"}).location
    typed = {"groups": "1", "0.rows": "1", "0.join": "all", "0.0.about": "field", "0.0.was": "field",
             "0.0.name": "company", "0.0.test": "equals", "0.0.value": "encom"}  # fmt: skip
    counted = client.post(f"{address}/audience", data={**typed, "change": "add-row:0"})
    assert 'name="0.1.about"' in counted.text and 'value="encom"' in counted.text
    assert "1 person now" in client.post(f"{address}/audience", data={**typed, "change": "count"}).text
    assert "cannot" not in client.post(f"{address}/audience", data={**typed, "0.0.about": "did"}).text


def test_the_board_shows_who_is_where_and_each_can_be_held_skipped_and_ended(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 3)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=11))
    work(session, campaign)
    sign_in(client, alice)
    address = f"/campaigns/{campaign.id}"
    assert "What goes out next" in client.get(address).text
    ids = [row.id for row in session.exec(select(Enrolment).order_by(Enrolment.id))]
    session.commit()
    for number, act in zip(ids, ("hold", "skip", "end"), strict=True):
        assert client.post(f"{address}/people/{number}/{act}").status_code == 303
    shown = client.get(f"{address}/people").text
    assert all(words in shown for words in ("Held back", "Ended by hand".lower(), "Under way"))
    assert client.post(f"{address}/pause").status_code == 303
    assert "Resume" in client.get(f"{address}/board").text


def test_a_colleague_and_a_stranger_see_nothing_of_it(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    from tests.factories import make_member

    campaign = make_campaign(session, alice, mailbox)
    bob = make_member(session, "Bob", workspace=None)
    session.commit()
    sign_in(client, bob)
    for path in ("", "/board", "/people", "/steps/1"):
        assert client.get(f"/campaigns/{campaign.id}{path}").status_code == 404
    assert client.post(f"/campaigns/{campaign.id}/pause").status_code == 404
