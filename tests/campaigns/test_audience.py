"""Whom a filter means: fields, owners, lists and engagement, nested; and what cannot be asked is refused."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import Session

from server.accounts.models import Member
from server.campaigns.audience import MOST_CONDITIONS, Asker, check_filter, count_audience, is_meant, read_audience
from server.campaigns.lists import add_list, fill_from_addresses
from server.errors import Refused
from server.events.models import EventKind
from server.events.record import Fact, record
from server.gmail.models import Mailbox
from server.messages.models import Recipient
from server.people.custom_fields import add_field
from server.people.models import Person
from tests.campaigns.conftest import START, add_people
from tests.factories import make_copy, make_member

FIREFOX = {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "81.2.69.142"}


@pytest.fixture
def people(session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller) -> list[Person]:
    """Four people of Alice's: two of Encom, one of those a boss; the first has clicked twice, long ago once more."""
    people = add_people(session, alice, 4)
    field = add_field(session, alice.workspace_id, "Plan")
    people[0].company, people[1].company, people[1].job_title = "Encom", "ENCOM 50%", "Boss"
    people[2].custom, people[3].owner_id = {str(field.id): "Gold"}, None
    copy = make_copy(session, mailbox, "person1@prospect.example", sent_at=START - timedelta(days=120))
    session.execute(update(Recipient).values(person_id=people[0].id))
    for number, days in enumerate((1, 2, 100)):
        at = START - timedelta(days=days)
        record(
            session,
            [
                Fact(
                    EventKind.CLICKED,
                    at,
                    f"{number:032x}",
                    copy.id,
                    link_target="https://a.example",
                    evidence=FIREFOX,
                )
            ],
        )
    session.commit()
    return people


def ask(session: Session, alice: Member, tree: dict[str, Any]) -> list[int]:
    """Return the numbers of the people meant, having asked in each of the three ways."""
    asker = Asker(alice.workspace_id, alice.id)
    found = read_audience(session, asker, tree, 0, 100)
    assert count_audience(session, asker, tree) == len(found)
    assert all(is_meant(session, asker, tree, person_id) for person_id in found)
    first = min(read_audience(session, asker, {}, 0, 100))
    return [person_id - first + 1 for person_id in found]


@pytest.mark.parametrize(
    ("tree", "meant"),
    [
        ({}, [1, 2, 3, 4]),
        ({"field": "company", "is": "contains", "value": "encom"}, [1, 2]),
        ({"field": "company", "is": "equals", "value": " Encom "}, [1]),
        ({"field": "company", "is": "contains", "value": "0%"}, [2]),
        ({"field": "company", "is": "contains", "value": "_"}, []),
        ({"field": "company", "is": "is_empty"}, [3, 4]),
        ({"field": "email", "is": "begins", "value": "person3@"}, [3]),
        ({"field": "email", "is": "is_empty"}, []),
        ({"owner": "me"}, [1, 2, 3]),
        ({"owner": "nobody"}, [4]),
        ({"not": {"owner": "nobody"}}, [1, 2, 3]),
        ({"did": "clicked", "times": 2, "days": 30}, [1]),
        ({"did": "clicked", "times": 3, "days": 30}, []),
        ({"did": "clicked", "times": 3, "days": 365}, [1]),
        ({"not": {"did": "clicked"}}, [2, 3, 4]),
        ({"any": []}, []),
        ({"all": []}, [1, 2, 3, 4]),
        ({"all": [{"field": "company", "is": "contains", "value": "encom"},
                  {"any": [{"field": "job_title", "is": "equals", "value": "boss"}, {"owner": "nobody"}]}]}, [2]),
        ({"field": "name", "is": "contains", "value": "' OR 1=1 --"}, []),
    ],
)  # fmt: skip
def test_a_filter_means_these(
    session: Session, alice: Member, people: list[Person], tree: dict[str, Any], meant: list[int]
) -> None:
    assert ask(session, alice, tree) == meant


def test_custom_fields_lists_and_scores_choose(session: Session, alice: Member, people: list[Person]) -> None:
    [key] = people[2].custom
    assert ask(session, alice, {"field": f"custom:{key}", "is": "equals", "value": "gold"}) == [3]
    listed = add_list(session, alice, "Chosen")
    fill_from_addresses(session, listed, ["person2@prospect.example", "person4@prospect.example"])
    assert ask(session, alice, {"list": listed.id}) == [2, 4]
    assert ask(session, alice, {"score_at_least": 1}) == [1]


def test_another_workspaces_people_and_lists_are_out_of_reach(
    session: Session, alice: Member, people: list[Person]
) -> None:
    mallory = make_member(session, "Mallory")
    theirs = add_list(session, mallory, "Theirs")
    with pytest.raises(Refused):
        ask(session, alice, {"list": theirs.id})
    assert count_audience(session, Asker(mallory.workspace_id, mallory.id), {}) == 0
    assert count_audience(session, Asker(mallory.workspace_id, mallory.id), {"owner": alice.id}) == 0


HOSTILE: list[Any] = [
    {"nonsense": 1}, {"all": {}}, {"any": "x"}, {"not": []}, {"field": "password", "value": "x"},
    {"field": "custom:1) OR 1=1", "value": "x"}, {"field": "name", "is": "regex", "value": ".*"},
    {"field": "name", "value": "x" * 201}, {"field": "name", "value": " "}, {"owner": "x"}, {"owner": 2**40},
    {"list": "1; DROP TABLE person"}, {"list": 999}, {"score_at_least": "nan"}, {"did": "everything"},
    {"did": "clicked", "times": 0}, {"did": "clicked", "times": 10**9}, {"did": "clicked", "days": -1},
    {"not": {"not": {"not": {"not": {"not": {}}}}}}, {"all": [{}] * MOST_CONDITIONS}, ["all"], "all", 7,
]  # fmt: skip


@pytest.mark.parametrize("tree", HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_asked_is_refused(session: Session, alice: Member, tree: Any) -> None:
    with pytest.raises(Refused):
        check_filter(session, Asker(alice.workspace_id, alice.id), tree)
