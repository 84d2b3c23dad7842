"""The search of the feed: what its operators find, what they refuse, and that it never takes long."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from server import i18n
from server.accounts.models import Role, Workspace
from server.accounts.scope import scope_of
from server.errors import Refused
from server.events.models import EventKind, Verdict
from server.feed import queries
from server.feed.queries import EventRow, find_page
from server.feed.search import LENGTH, OPERATORS, parse_search
from tests.factories import make_member
from tests.feed.events import NOON, make_event
from tests.feed.test_page import shown_ids
from tests.sign_in import sign_in

NAMES = {1: "Alice Smith alice@acme.example", 2: "Bob bob@acme.example"}
ROW = EventRow(
    id=1, at=NOON, workspace_id=1, member_id=1, kind=EventKind.VIEWED, verdict=Verdict.HUMAN, is_shown=True,
    confidence=1.0, reasons=[], message_id=1, person_id=None, person_name="Kévin Flynn",
    person_address="kevin@flynnsarcade.example", person_candidates=[], subject="Lunch on Thursday?",
    content_kind="sales", link_target="https://acme.example/prices", place_city="Lyon", place_country="FR",
    place_source="ip", details={"campaign": "Spring 2026", "page": 3},
)  # fmt: skip


def found(text: str, **fields: Any) -> bool:
    search = parse_search(text, NAMES, own_id=1)
    assert search is not None
    return search.matches(ROW._replace(**fields))


@pytest.mark.parametrize(
    "text",
    [
        "is:viewed", "IS:Viewed", "is:viewed is:clicked", "to:flynn", "to:kevin@", "to:kévin", "KEVIN", "from:alice",
        "from:me", "from:smith", "subject:lunch", 'subject:"on thursday"', "campaign:spring", 'campaign:"Spring 2026"',
        "verdict:human", "is:sales", "lyon", "acme.example/prices", "lunch kevin", '"lunch on"', "-is:clicked",
        "-to:alan", "is:viewed -verdict:machine to:flynn lunch", "https://acme.example/prices", "-nobody",
    ],
)  # fmt: skip
def test_this_finds_the_row(app: Flask, text: str) -> None:
    with app.test_request_context():
        assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "is:clicked", "is:clicked is:replied", "to:alan", "from:bob", "from:nobody", "subject:kevin", "campaign:autumn",
        "verdict:machine", "is:marketing", "paris", "lunch alan", '"thursday lunch"', "-is:viewed", "-lunch",
        "is:viewed to:alan", "re:", "moment", "is:moment",
    ],
)  # fmt: skip
def test_this_does_not_find_the_row(app: Flask, text: str) -> None:
    with app.test_request_context():
        assert not found(text)


@pytest.mark.parametrize("text", ["", "  ", "-", '""', '- ""'])
def test_nothing_asked_is_no_search(text: str) -> None:
    assert parse_search(text, NAMES, 1) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("is:replyed", "Did you mean is:replied?"),
        ("is:xyz", "It can be: viewed, clicked"),
        ("verdict:robot", "human, proxy, machine"),
        ("form:alice", "Did you mean from:?"),
        ("colour:red", "Words with a colon go into quotes"),
        ("from:", "needs a value right behind the colon: from:me"),
        ("to: kevin", "needs a value"),
        ('subject:"lunch', "opened and not closed"),
        ("x" * (LENGTH + 1), "at most 200 characters"),
        ("a " * 21, "at most 20 words"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_box(app: Flask, text: str, says: str) -> None:
    with app.test_request_context(), pytest.raises(Refused) as caught:
        parse_search(text, NAMES, 1)
    assert says in caught.value.message
    assert caught.value.field == "q"


SPEAKING = Flask("speaking")
i18n.init_app(SPEAKING)
words = st.text(max_size=12) | st.sampled_from(["is:viewed", "from:", '"', "-", "to:flynn", "is:", 'subject:"a b"'])


@given(st.lists(words, max_size=8).map(" ".join))
def test_any_line_is_a_search_or_a_sentence(text: str) -> None:
    try:
        with SPEAKING.app_context():
            search = parse_search(text, NAMES, 1)
    except Refused as refused:
        assert refused.message
    else:
        assert search is None or search.matches(ROW) in (True, False)


@given(st.sampled_from(["to", "subject", ""]), st.text(st.characters(exclude_characters='"'), min_size=1, max_size=20))
def test_what_stands_in_a_row_is_found_by_it_in_quotes(operator: str, text: str) -> None:
    if not text.strip():
        return
    with SPEAKING.app_context():
        search = parse_search(f'{operator}{":" if operator else ""}"{text}"', NAMES, 1)
        assert search is not None
        assert search.matches(ROW._replace(person_name=f"A{text}", subject=f"{text}!"))


def test_a_page_shows_what_matches_and_leads_on(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    made = [
        make_event(session, alice, minutes=n, kind=EventKind.CLICKED if n % 2 else EventKind.VIEWED).id
        for n in range(120)
    ]
    sign_in(client, alice)
    page = client.get("/?q=is:clicked").text
    clicked = made[1::2][::-1]
    assert shown_ids(page) == clicked[:50]
    assert 'value="is:clicked"' in page
    older = page.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
    assert "q=is:clicked" in older
    assert shown_ids(client.get(older, headers={"HX-Request": "true"}).text) == clicked[50:]


def test_a_search_pauses_and_says_how_far_it_looked(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT_ONCE", 10)
    monkeypatch.setattr(queries, "LOOKED_THROUGH", 30)
    alice = make_member(session)
    old = make_event(session, alice, minutes=0, subject="needle")
    for n in range(40):
        make_event(session, alice, minutes=n + 1)
    search = parse_search("needle", {}, 1)
    assert search is not None
    first = find_page(session, scope_of(session, alice), search.matches)
    assert first.rows == []
    assert first.looked_to == NOON + timedelta(minutes=11)
    second = find_page(session, scope_of(session, alice), search.matches, first.next)
    assert ([row.id for row in second.rows], second.next, second.looked_to) == ([old.id], None, None)


def test_the_page_asks_whether_to_look_further(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT_ONCE", 10)
    monkeypatch.setattr(queries, "LOOKED_THROUGH", 10)
    alice = make_member(session)
    for n in range(12):
        make_event(session, alice, minutes=n)
    sign_in(client, alice)
    page = client.get("/?q=needle").text
    assert "Keep looking further back" in page
    assert "Nothing more found back to Mar 2, 2026" in page


def test_a_fault_stands_at_the_box_and_shows_no_rows(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    make_event(session, alice)
    sign_in(client, alice)
    for path in ("/?q=is:replyed", "/feed/panel?q=is:replyed"):
        answer = client.get(path)
        assert answer.status_code == 422
        assert "Did you mean is:replied?" in answer.text
        assert 'aria-describedby="feed-q-error"' in answer.text
        assert shown_ids(answer.text) == []
    assert client.post("/stream/tickets", data={"q": "is:replyed"}).status_code == 422


def test_the_box_offers_every_operator(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    page = client.get("/").text
    assert all(f'<option value="{example}">' in page for example, _words in OPERATORS.values())


def test_a_search_finds_nothing_of_others(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id), role=Role.MANAGER)
    of_alice, of_bob = make_event(session, alice, minutes=1), make_event(session, bob, minutes=2)
    sign_in(client, alice)
    assert shown_ids(client.get("/?q=from:bob").text) == []
    assert shown_ids(client.get("/?q=lunch&of=team").text) == [of_alice.id]
    sign_in(client, bob)
    assert shown_ids(client.get("/?q=from:alice&of=team").text) == [of_alice.id]
    assert shown_ids(client.get("/?q=from:me&of=team").text) == [of_bob.id]


def test_the_panel_tells_the_page_its_address_and_no_other_shell(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    asked = {"HX-Request": "true", "HX-Current-URL": "http://localhost/?machine=shown"}
    assert client.get("/feed/panel?q=lunch", headers=asked).headers["HX-Push-Url"] == "/?q=lunch"
    asked["HX-Current-URL"] = "http://localhost/window"
    assert "HX-Push-Url" not in client.get("/feed/panel?q=lunch", headers=asked).headers
