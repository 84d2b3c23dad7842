"""Saved lists: from a file, from an audience, of whom the workspace knows; and the end of one."""

import io

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member
from server.campaigns.audience import Asker, count_audience
from server.campaigns.lists import add_list, fill_from_addresses, remove_list
from server.campaigns.models import AudienceList, ListedPerson
from server.errors import Refused
from server.gmail.models import Mailbox
from tests.campaigns.conftest import add_people, make_campaign
from tests.factories import make_member
from tests.sign_in import sign_in


def test_a_file_fills_a_list_and_names_whom_nobody_knows(client: FlaskClient, session: Session, alice: Member) -> None:
    add_people(session, alice, 2)
    sign_in(client, alice)
    lines = b"name,email\r\nPerson,PERSON1@prospect.example\r\nT,person1@prospect.example\r\nX,who@nowhere.example\r\n"
    page = client.post(
        "/campaigns/lists", data={"name": "Fair", "file": (io.BytesIO(lines), "fair.csv")}, follow_redirects=True
    )
    assert "The list has 1 person." in page.text
    assert "1 addresses belong to nobody here: who@nowhere.example" in page.text
    assert "a list named “Fair”" in client.post("/campaigns/lists", data={"name": "Fair"}).text


def test_an_audience_fills_a_list_which_then_is_one(
    client: FlaskClient, session: Session, alice: Member, mailbox: Mailbox
) -> None:
    add_people(session, alice, 3)
    campaign_id = make_campaign(session, alice, mailbox).id
    session.commit()
    sign_in(client, alice)
    assert client.post("/campaigns/lists", data={"name": "Mine", "campaign_id": campaign_id}).status_code == 303
    listed = session.exec(select(AudienceList)).one()
    assert listed.people == 3
    assert count_audience(session, Asker(alice.workspace_id, alice.id), {"list": listed.id}) == 3


def test_a_list_of_another_workspace_is_none(client: FlaskClient, session: Session, alice: Member) -> None:
    bob = make_member(session, "Bob")
    listed = add_list(session, bob, "Bob's")
    session.commit()
    sign_in(client, alice)
    assert client.post(f"/campaigns/lists/{listed.id}/removal").status_code == 404
    with pytest.raises(Refused, match="no such list"):
        count_audience(session, Asker(alice.workspace_id, alice.id), {"list": listed.id})


def test_a_removed_list_leaves_its_people(session: Session, alice: Member) -> None:
    add_people(session, alice, 2)
    listed = add_list(session, alice, "Fair")
    assert fill_from_addresses(session, listed, ["person1@prospect.example", "person2@prospect.example"]) == []
    remove_list(session, listed)
    assert session.exec(select(ListedPerson)).all() == []
    assert count_audience(session, Asker(alice.workspace_id, alice.id), {"owner": "me"}) == 2
