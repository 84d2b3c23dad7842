"""Facts without a copy: marketing engagement belongs to the person who holds the address, and to their owner (F5)."""

from datetime import UTC, datetime

import pytest
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.events.models import UNOWNED, Event, EventKind
from server.events.record import MARKETING, Fact, record
from server.people.people import ensure_person
from tests.factories import make_copy, make_mailbox, make_member

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


def fact(member: Member, address: str, hit_id: str = "api:1", **more: object) -> Fact:
    fields = {"content_kind": MARKETING, "subject": "Autumn newsletter", "person_name": "K. Flynn", **more}
    return Fact(EventKind.CLICKED, AT, hit_id, workspace_id=member.workspace_id, person_address=address, **fields)  # type: ignore[arg-type]


def get(session: Session, event_id: int) -> Event:
    return session.exec(select(Event).where(col(Event.id) == event_id)).one()


def test_a_known_person_is_named_and_their_owner_has_the_row(session: Session, alice: Member) -> None:
    person = ensure_person(session, alice.workspace_id, alice.id, "flynn@flynnsarcade.example", "Kevin Flynn")
    (event_id,) = record(session, [fact(alice, "Flynn@FlynnsArcade.example")])
    event = get(session, event_id)
    assert (event.person_id, event.member_id, event.person_name) == (person.id, alice.id, "Kevin Flynn")
    assert (event.workspace_id, event.content_kind, event.subject) == (
        alice.workspace_id, "marketing", "Autumn newsletter",
    )  # fmt: skip
    assert (event.copy_id, event.message_id, event.person_address) == (None, None, "flynn@flynnsarcade.example")


def test_whom_nobody_knows_or_owns_belongs_to_all(session: Session, alice: Member) -> None:
    unowned = ensure_person(session, alice.workspace_id, None, "alan@encom.example", "Alan")
    ids = record(session, [fact(alice, "Flynn@arcade.example", "a"), fact(alice, "alan@encom.example", "b")])
    stranger, known = (get(session, event_id) for event_id in ids)
    assert (stranger.person_id, stranger.member_id, stranger.person_name) == (None, UNOWNED, "K. Flynn")
    assert stranger.person_address == "flynn@arcade.example"
    assert (known.person_id, known.member_id, known.person_name) == (unowned.id, UNOWNED, "Alan")


def test_the_same_address_in_another_workspace_is_another_person(session: Session, alice: Member) -> None:
    mallory = make_member(session, "Mallory")
    ensure_person(session, mallory.workspace_id, mallory.id, "flynn@arcade.example")
    own = ensure_person(session, alice.workspace_id, alice.id, "flynn@arcade.example")
    (event_id,) = record(session, [fact(alice, "flynn@arcade.example")])
    assert get(session, event_id).person_id == own.id


def test_facts_with_and_without_a_copy_go_in_one_batch(session: Session, alice: Member) -> None:
    copy = make_copy(session, make_mailbox(session, alice))
    ids = record(session, [fact(alice, "x@y.example"), Fact(EventKind.VIEWED, AT, "b", copy.id)])
    assert [get(session, event_id).content_kind for event_id in ids] == ["marketing", "sales"]
    session.refresh(copy)
    assert (copy.views, copy.clicks) == (1, 0)


def test_a_fact_is_known_again(session: Session, alice: Member) -> None:
    assert len(record(session, [fact(alice, "x@y.example")])) == 1
    assert record(session, [fact(alice, "x@y.example")]) == []


def test_a_fact_about_nothing_is_a_mistake_of_ours(session: Session) -> None:
    with pytest.raises(ValueError, match="neither a copy nor a workspace"):
        record(session, [Fact(EventKind.VIEWED, AT, "a")])
