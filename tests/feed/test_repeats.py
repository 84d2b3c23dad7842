"""What several views of one mail say: the hint that it was forwarded, and which view was the first."""

from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.scope import scope_of
from server.events.models import EventKind, Verdict
from server.feed.queries import read_page
from server.feed.repeats import find_first_views, find_forwarded
from tests.factories import make_member
from tests.feed.events import make_event
from tests.sign_in import sign_in

HINT = "may have been forwarded"


def hinted(session: Session, member: Member) -> set[int]:
    return set(find_forwarded(session, read_page(session, scope_of(session, member), show_machine=True).rows))


def view(session: Session, member: Member, city: str | None, **fields: object) -> int:
    place = {"place_city": city, "place_country": "FR" if city else None}
    made: int = make_event(session, member, **{"copy_id": 1, "message_id": 1, **place, **fields}).id
    return made


def test_three_views_from_two_places_may_be_a_forward(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    views = {view(session, alice, city) for city in ("Lyon", "Paris", None)}
    assert hinted(session, alice) == views
    sign_in(client, alice)
    assert client.get("/").text.count(HINT) == 3


def test_two_views_or_one_place_are_none(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    for city in ("Lyon", "Lyon", "Lyon", None, None):
        view(session, alice, city)
    for city in ("Lyon", "Paris"):
        view(session, alice, city, copy_id=2)
    assert hinted(session, alice) == set()
    sign_in(client, alice)
    assert HINT not in client.get("/").text


def test_machines_and_our_own_devices_forward_nothing(session: Session) -> None:
    alice = make_member(session)
    view(session, alice, "Lyon")
    view(session, alice, "Lyon")
    view(session, alice, "Paris", verdict=Verdict.MACHINE, is_shown=False)
    view(session, alice, "Nice", verdict=Verdict.SELF, is_shown=False)
    assert hinted(session, alice) == set()


def test_a_copy_that_two_share_is_seen_from_two_places_anyway(session: Session) -> None:
    alice = make_member(session)
    both = {"person_candidates": ["Flynn", "Alan"], "person_address": ""}
    for city in ("Lyon", "Paris", "Lyon"):
        view(session, alice, city, **both)
    assert hinted(session, alice) == set()
    view(session, alice, "Nice", **both)
    assert len(hinted(session, alice)) == 4


def test_clicks_carry_no_hint(session: Session) -> None:
    alice = make_member(session)
    for city in ("Lyon", "Paris", "Nice"):
        view(session, alice, city)
    click = view(session, alice, "Lille", kind=EventKind.CLICKED)
    assert click not in hinted(session, alice)


def test_the_first_view_is_the_first_by_a_person(session: Session) -> None:
    alice = make_member(session)
    view(session, alice, None, verdict=Verdict.MACHINE, is_shown=False)
    first, second = view(session, alice, None), view(session, alice, None)
    other = view(session, alice, None, copy_id=2)
    rows = read_page(session, scope_of(session, alice)).rows
    assert find_first_views(session, rows) == {first, other}
    assert second not in find_first_views(session, [row for row in rows if row.id == second])
