"""The pages of campaigns: a draft from nothing to its start, and the board."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member
from server.campaigns.models import Campaign, CampaignState, Delivery, Enrolment, Step, Variant
from server.campaigns.stops import stop_on_reply
from server.gmail.models import Mailbox
from server.library.models import Template
from server.messages.models import Copy, CopyState, InboundKind, InboundMail
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, work
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
    shown = client.get(address).text
    assert "3 people now" in shown and "Among them: Person 1, Person 2, Person 3<" in shown
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
    assert all(words in shown for words in ("Held back", "held back by hand", "Ended by hand".lower(), "Under way"))
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


def test_what_could_not_be_sent_is_named_and_tried_again(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 1)
    campaign = make_campaign(session, alice, mailbox)
    for seconds in (11, 200):
        clock.move_to(START + timedelta(seconds=seconds))
        work(session, campaign)
    copy = session.exec(select(Copy)).one()
    copy.state, copy.failure = CopyState.FAILED, "Gmail refused the address."
    session.add(copy)
    session.commit()
    work(session, campaign)
    sign_in(client, alice)
    address = f"/campaigns/{campaign.id}"
    again = f"{address}/failures/{session.exec(select(Delivery.id)).one()}/retry"
    session.commit()
    board = client.get(address).text
    assert "Could not be sent" in board and "Gmail refused the address." in board
    assert client.post(again).status_code == 303
    assert states(session) == [("queued", "")]
    session.commit()
    assert client.post(again).status_code == 409


def test_a_reply_is_told_with_its_mail_on_the_campaign_and_on_the_person(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    person = add_people(session, alice, 1)[0]
    campaign = make_campaign(session, alice, mailbox)
    for seconds in (11, 200):
        clock.move_to(START + timedelta(seconds=seconds))
        work(session, campaign)
    copy = send_all(session)[0]
    work(session, campaign)
    mail = InboundMail(
        mailbox_id=mailbox.id, copy_id=copy.id, gmail_id="reply", kind=InboundKind.REPLY, subject="Re: Hello",
        sender_address="kevinf@flynnsarcade.com", sender_name="Kevin F.", received_at=START + timedelta(hours=1),
    )  # fmt: skip
    session.add(mail)
    session.flush()
    stop_on_reply(session, copy, mail)
    session.commit()
    sign_in(client, alice)
    for path in (f"/campaigns/{campaign.id}/people", f"/campaigns/people/{person.id}"):
        shown = client.get(path).text
        assert "ended: reply from Kevin F. at 3/2/26, 11:00" in shown.replace("\u202f", " ")
        assert f'href="/messages/{copy.message_id}"' in shown and "Re: Hello" in shown
    assert f"/campaigns/people/{person.id}" in client.get(f"/people/{person.id}").text
    assert f"/campaigns/{campaign.id}/mark" in client.get(f"/messages/{copy.message_id}").text
    assert "Spring" in client.get(f"/campaigns/{campaign.id}/mark").text


def test_who_acts_on_a_person_comes_back_to_the_same_list(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    add_people(session, alice, 2)
    campaign = make_campaign(session, alice, mailbox)
    clock.move_to(START + timedelta(seconds=11))
    work(session, campaign)
    enrolment_id = session.exec(select(Enrolment.id).order_by(Enrolment.id)).first()
    session.commit()
    sign_in(client, alice)
    address = f"/campaigns/{campaign.id}/people"
    held = client.post(f"{address}/{enrolment_id}/hold?run=1&state=active")
    assert held.location == f"{address}?run=1&state=active"
    shown = client.get(f"{address}?state=paused", headers={"HX-Request": "true"}).text
    assert shown.lstrip().startswith('<div id="ways"') and "Person 1" in shown
    assert client.get(f"{address}?run=99999999999999999999&after=-1").status_code == 200


def test_a_confirmation_saves_what_was_typed_and_a_text_starts_from_a_template(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    add_people(session, alice, 2)
    sign_in(client, alice)
    address = client.post("/campaigns", data={"name": "Spring", "kind": "batch"}).location
    client.post(f"{address}/steps", data={"kind": "email"})
    client.post("/library/templates", data={"name": "First", "subject": "Hello", "html": "<p>From the library</p>"})
    template = session.exec(select(Template)).one()
    session.commit()
    shown = client.get(f"{address}/steps/1?template={template.id}").text
    assert "From the library" in shown and "of the 102 KB" in shown and "Send a sample" in shown
    assert client.get(f"{address}/steps/1?template=999").status_code == 404
    form = {"name": "Summer", "sender": "mailbox", "mailbox_id": str(mailbox.id), "days": "1", "window_start": "09:00",
            "window_end": "17:00", "zone_of": "sender", "per_minute": "20", "per_day": "100", "winner_sample": "50",
            "groups": "1", "0.rows": "1", "0.join": "all", "0.0.about": "owner", "0.0.value": "me"}  # fmt: skip
    wrong = client.post(f"{address}/confirmation", data={**form, "starts_at": "soon"})
    assert wrong.status_code == 422 and "is no time" in wrong.text and 'value="Summer"' in wrong.text
    assert client.post(f"{address}/confirmation", data={**form, "mailbox_id": "999"}).status_code == 422
    assert client.post(f"{address}/confirmation", data=form).status_code == 303
    campaign = session.exec(select(Campaign)).one()
    assert (campaign.name, campaign.state) == ("Summer", CampaignState.CONFIRMED)


def test_what_was_typed_is_kept_by_whatever_is_done_on_the_page(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    sign_in(client, alice)
    address = client.post("/campaigns", data={"name": "Spring", "kind": "batch"}).location
    form = {"sender": "mailbox", "mailbox_id": str(mailbox.id), "days": "1", "window_start": "09:00",
            "window_end": "17:00", "zone_of": "sender", "per_minute": "20", "per_day": "100", "winner_sample": "50",
            "groups": "1", "0.rows": "1", "0.join": "all", "0.0.about": "owner", "0.0.value": "me"}  # fmt: skip
    acts = [
        ("/steps", {"kind": "email"}, f"{address}/steps/1"),
        ("/steps", {"kind": "wait"}, f"{address}/steps/2"),
        ("/steps/2/place", {"to": "up"}, f"{address}#steps"),
        ("/steps/1/removal", {}, f"{address}#steps"),
        ("", {"then": "1"}, f"{address}/steps/1"),
    ]
    for number, (path, fields, location) in enumerate(acts):
        done = client.post(f"{address}{path}", data={**form, **fields, "name": f"Spring {number}"})
        assert (done.status_code, done.location) == (303, location)
        assert f'value="Spring {number}"' in client.get(address).text
    wrong = client.post(f"{address}/steps", data={**form, "kind": "wait", "name": "Summer", "per_minute": "x"})
    assert wrong.status_code == 422 and 'value="Summer"' in wrong.text
    assert [step.kind for step in session.exec(select(Step))] == ["email"]
    session.commit()
    copied = client.post(f"{address}/copies", data={**form, "name": "Summer"}).location
    assert 'value="Summer (copy)"' in client.get(copied).text


def test_a_text_is_kept_when_another_is_added_or_looked_at(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    sign_in(client, alice)
    address = client.post("/campaigns", data={"name": "Spring", "kind": "batch"}).location
    client.post(f"{address}/steps", data={"kind": "email"})
    step = f"{address}/steps/1"
    added = client.post(f"{step}/texts", data={"text": "0", "subject": "First", "html": "<p>One</p>", "name": "x"})
    assert added.location == f"{step}?text=1"
    seen = client.post(step, data={"text": "1", "subject": "Second", "html": "<p>Two</p>", "then": "0"})
    assert seen.location == f"{step}?text=0"
    assert "First" in client.get(seen.location).text and "Second" in client.get(f"{step}?text=1").text
    wrong = client.post(f"{step}/texts", data={"text": "1", "subject": " ", "html": "<p>Kept</p>"})
    assert wrong.status_code == 422 and "Kept" in wrong.text
    assert [one.subject for one in session.exec(select(Variant).order_by(Variant.label))] == ["First", "Second"]


def test_a_campaigns_audience_is_kept_as_a_list(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    add_people(session, alice, 3)
    campaign = make_campaign(session, alice, mailbox)
    campaign_id = campaign.id
    session.commit()
    sign_in(client, alice)
    session.commit()
    assert f'<option value="{campaign_id}"' in client.get("/campaigns/lists").text
    data = {"name": "Spring's people", "addresses": "", "campaign_id": str(campaign_id)}
    assert client.post("/campaigns/lists", data=data).status_code == 303
    assert "3 people" in client.get("/campaigns/lists").text


def test_a_draft_is_deleted_and_a_running_campaign_is_not(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    sign_in(client, alice)
    address = client.post("/campaigns", data={"name": "Spring", "kind": "batch"}).location
    assert "Delete draft" in client.get(address).text
    gone = client.post(f"{address}/removal", follow_redirects=True)
    assert "“Spring” is removed." in gone.text and client.get(address).status_code == 404
    address = f"/campaigns/{make_campaign(session, alice, mailbox).id}"
    session.commit()
    assert client.post(f"{address}/removal").status_code == 409
