"""A person is one, however their address is written."""

from sqlmodel import Session, select

from server.people.models import Person
from server.people.people import ensure_person, find_person
from tests.factories import make_member


def test_an_address_has_one_person_in_a_workspace(session: Session) -> None:
    alice = make_member(session)
    first = ensure_person(session, alice.workspace_id, alice.id, "Flynn@Flynns.example")
    again = ensure_person(session, alice.workspace_id, None, "flynn@flynns.example", "Kevin Flynn")
    assert again.id == first.id
    assert (first.name, first.owner_id) == ("Kevin Flynn", alice.id)
    assert find_person(session, alice.workspace_id, "FLYNN@flynns.example") is first


def test_a_name_once_known_is_kept(session: Session) -> None:
    alice = make_member(session)
    person = ensure_person(session, alice.workspace_id, alice.id, "flynn@flynns.example", "Kevin Flynn")
    assert ensure_person(session, alice.workspace_id, alice.id, "flynn@flynns.example", "Clu").name == "Kevin Flynn"
    assert len(session.exec(select(Person)).all()) == 1
    assert person.name == "Kevin Flynn"


def test_workspaces_share_nobody(session: Session) -> None:
    alice, mallory = make_member(session), make_member(session, "Mallory")
    mine = ensure_person(session, alice.workspace_id, alice.id, "flynn@flynns.example")
    theirs = ensure_person(session, mallory.workspace_id, mallory.id, "flynn@flynns.example")
    assert mine.id != theirs.id
