"""The list of people: whose they are, search by any beginning, three orders, page by page."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlmodel import Session

from server.accounts.models import Member
from server.events.models import EventKind
from server.events.record import MARKETING, Fact, record
from server.people.people import change_owner, ensure_person
from server.people.queries import list_owners, read_people
from tests.feed.events import NOON
from tests.people.conftest import HTMX, Team, make_person

Browse = Callable[[Member], FlaskClient]


def names(session: Session, member: Member, of: str = "mine", **options: object) -> list[str]:
    owners = list_owners(session, member, of)
    page = read_people(session, member.workspace_id, owners, **options)  # type: ignore[arg-type]
    return [line.name for line in page.lines]


def shown(page: str) -> list[str]:
    return re.findall(r'<a class="link-plain font-medium break-words" href="/people/\d+">([^<]*)</a>', page)


def test_alice_sees_her_people_and_nobodys_and_mona_the_teams(session: Session, team: Team, browse: Browse) -> None:
    make_person(session, team.alice, "Ann")
    make_person(session, team.bob, "Ben")
    make_person(session, team.mallory, "Max")
    change_owner(session, make_person(session, team.alice, "Nobody's"), None)
    session.commit()
    alice, mona, mallory = browse(team.alice), browse(team.mona), browse(team.mallory)
    assert shown(alice.get("/people").text) == ["Ann"]
    assert shown(alice.get("/people?of=unassigned").text) == ["Nobody&#39;s"]
    assert shown(alice.get("/people?of=team").text) == ["Ann"], "a rep has no team view"
    assert shown(mona.get("/people?of=team").text) == ["Ann", "Ben", "Nobody&#39;s"]
    assert shown(mallory.get("/people?of=team").text) == ["Max"]


def test_each_page_follows_the_one_before_in_every_order(session: Session, team: Team) -> None:
    for number in range(7):
        person = make_person(
            session, team.alice if number % 2 else team.bob, f"Person {number // 2}", f"{number}@a.example"
        )
        facts = [
            Fact(
                kind=EventKind.CLICKED, at=NOON + timedelta(minutes=index % 2), hit_id=f"{number}-{index}",
                workspace_id=person.workspace_id, content_kind=MARKETING, subject="Offer",
                person_address=f"{number}@a.example", evidence={"reported": "human"},
            )
            for index in range(number)
        ]  # fmt: skip
        record(session, facts)
        session.commit()
    owners = list_owners(session, team.mona, "team")
    for sort, count in (("name", 7), ("score", 6), ("activity", 6), ("id", 7)):
        found, after = [], None
        for _page in range(5):
            page = read_people(session, team.alice.workspace_id, owners, sort, after=after, limit=2)
            found += page.lines
            after = page.next
            if after is None:
                break
        assert len({line.id for line in found}) == len(found) == count, sort
        if sort == "score":
            assert [line.score for line in found] == sorted((line.score or 0 for line in found), reverse=True)
        if sort == "activity":
            assert found[0].last_event_at == NOON + timedelta(minutes=1)
    everybody = read_people(session, team.alice.workspace_id, owners)
    assert [line.address[0] for line in everybody.lines] == list("0123456")


@pytest.mark.parametrize(
    "search",
    ["kev", "KEVIN FL", "flynn", "flynn kev", "zoé", "zoe", "encom", "international enc", "kevin@", "arcade.ex",
     "+33 6 12", "0033", "https://www.linkedin.com/in/kev"],
)  # fmt: skip
def test_somebody_is_found_once_by_any_beginning(session: Session, team: Team, search: str) -> None:
    from server.people.addresses import add_address

    kevin = make_person(
        session, team.alice, "Kevin Flynn Zoé", "kevin@arcade.example", company="Encom International",
        phone="+33 (6) 12-34-56-78", linkedin_url="https://www.linkedin.com/in/kevin",
    )  # fmt: skip
    add_address(session, kevin, "kevin.flynn@encom.example")
    make_person(session, team.alice, "Alan Bradley", "alan@tron.example", phone="0033 1")
    session.commit()
    expected = "Alan Bradley" if search == "0033" else "Kevin Flynn Zoé"
    assert names(session, team.alice, search=search) == [expected]
    assert names(session, team.bob, search=search) == []
    assert names(session, team.mallory, search=search) == []


def test_who_is_found_follows_name_and_owner(session: Session, team: Team) -> None:
    person = ensure_person(session, team.alice.workspace_id, team.alice.id, "kevin@encom.example")
    assert names(session, team.alice, search="kevin") == [""]
    ensure_person(session, team.alice.workspace_id, None, "kevin@encom.example", "Clu")
    assert names(session, team.alice, search="clu") == ["Clu"]
    change_owner(session, person, team.bob.id)
    assert (names(session, team.alice, search="clu"), names(session, team.bob, search="clu")) == ([], ["Clu"])


@pytest.mark.parametrize("search", ["%", "_", "'", "\\", "\x00", "\ud800", "💥", "ß", "a" * 500, "((((", "-- "])
def test_no_search_breaks_the_list(session: Session, team: Team, browse: Browse, search: str) -> None:
    make_person(session, team.alice, "Straße")
    query = {"q": search.encode("utf-8", "surrogatepass")}
    assert browse(team.alice).get("/people", query_string=query).status_code == 200


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyJhIiwgMV0x", "WzEsMV0", "WyJhIiwtMV0", "WyJhXHUwMDAwIiwgMV0", "W251bGwsMV0", "é"]
)
def test_a_cursor_of_somebody_elses_making_is_refused(team: Team, browse: Browse, cursor: str) -> None:
    assert browse(team.alice).get("/people", query_string={"after": cursor}).status_code == 400


def test_a_page_is_one_partial_and_leads_on(session: Session, team: Team, browse: Browse) -> None:
    for number in range(51):
        ensure_person(session, team.alice.workspace_id, team.alice.id, f"p{number:02}@a.example")
    session.commit()
    client = browse(team.alice)
    first = client.get("/people", headers=HTMX).text
    assert first.lstrip().startswith('<div id="people"') and first.count('<li class="flex') == 50
    more = re.search(r'hx-get="([^"]+after=[^"]+)"', first)
    assert more is not None
    second = client.get(more[1].replace("&amp;", "&"), headers=HTMX).text
    assert shown(second) == ["p50@a.example"] and "people-more" not in second


def test_empty_lists_teach(team: Team, browse: Browse) -> None:
    client = browse(team.alice)
    assert "Import a file" in client.get("/people").text
    assert "Everybody has an owner" in client.get("/people?of=unassigned").text
    assert "Add new@a.example" in client.get("/people?q=new@a.example").text
    assert "In this order only those stand" in client.get("/people?sort=score").text


def test_every_order_and_search_is_one_index_range(session: Session, team: Team) -> None:
    """Neither database reads the table of all people, nor sorts more than it needs."""
    if session.get_bind().dialect.name != "sqlite":
        return
    plans = {
        "person": "SELECT id FROM person WHERE workspace_id = 1 AND owner_id = 2 AND (sort_name, id) > ('a', 1) "
        "ORDER BY sort_name, id LIMIT 51",
        "person_term": "SELECT term FROM person_term WHERE workspace_id = 1 AND owner_id IS NULL AND term >= 'k' "
        "AND term < 'l' AND (term, person_id) > ('kevin', 7) ORDER BY term, person_id LIMIT 51",
        "person_activity": "SELECT person_id FROM person_activity WHERE workspace_id = 1 AND owner_id = 2 AND "
        "(last_event_at, person_id) < (1, 1) ORDER BY last_event_at DESC, person_id DESC LIMIT 51",
    }
    for table, query in plans.items():
        steps = [row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
        assert len(steps) == 1 and steps[0].startswith(f"SEARCH {table} USING") and "owner_id=?" in steps[0], steps
