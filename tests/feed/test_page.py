"""The Engagement page: rows at the first paint, what each row says, and the ways from it."""

import re

from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Role, Workspace
from server.events.models import EventKind, Verdict
from tests.factories import make_mailbox, make_member
from tests.feed.events import make_event
from tests.sign_in import sign_in


def shown_ids(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-id="(\d+)"', html)]


def test_first_paint_has_the_rows_in_the_order_of_a_reload(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    older, newer = make_event(session, alice, minutes=1), make_event(session, alice, minutes=2)
    sign_in(client, alice)
    page = client.get("/").text
    assert shown_ids(page) == [newer.id, older.id]
    assert shown_ids(client.get("/").text) == shown_ids(page)
    assert f'data-last-id="{newer.id}"' in page


def test_a_row_says_who_what_where_when_and_what_is_believed(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    make_event(
        session, alice, kind=EventKind.CLICKED, person_name="Kevin Flynn", place_city="Lyon", place_country="FR",
        link_target="https://www.acme.example/prices?x=1", verdict=Verdict.PROXY, reasons=["gmail_proxy"], message_id=7,
    )  # fmt: skip
    sign_in(client, alice)
    page = client.get("/").text
    for words in (
        "Kevin Flynn", "clicked a link in", "Lunch on Thursday?", "Lyon, France", "acme.example/prices", "Sales mail",
        "Via proxy", "Gmail&#39;s image proxy", 'datetime="2026-03-02T12:00:00.123456+00:00"', "/messages/7",
    ):  # fmt: skip
        assert words in page


def test_a_row_without_a_place_says_so(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    make_event(session, alice)
    sign_in(client, alice)
    assert "unknown place" in client.get("/").text


def test_a_shared_copy_names_everybody_and_never_guesses(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    make_event(session, alice, person_address="", person_candidates=["Flynn", "alan@encom.example"])
    sign_in(client, alice)
    assert "Flynn or alan@encom.example" in client.get("/").text


def test_markup_from_outside_is_shown_as_text(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    evil = "<img src=x onerror=alert(1)>"
    make_event(
        session, alice, person_name=evil, subject=evil, link_target=f"https://x/{evil}", place_city=evil, reasons=[evil]
    )
    sign_in(client, alice)
    page = client.get("/").text
    assert evil not in page
    assert page.count("&lt;img src=x") >= 4


def test_older_rows_come_as_a_partial_that_holds_only_rows(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    made = [make_event(session, alice, minutes=minute).id for minute in range(60)]
    sign_in(client, alice)
    page = client.get("/").text
    older = re.search(r'hx-get="([^"]*before=[^"]+)"', page)
    assert older is not None
    partial = client.get(older[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert shown_ids(page) + shown_ids(partial.text) == made[::-1]
    assert "<html" not in partial.text
    assert "HX-Request" in partial.headers["Vary"]


def test_empty_feed_leads_to_the_mailbox_then_to_the_first_mail(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    assert "Connect a mailbox" in client.get("/").text
    make_mailbox(session, alice)
    session.commit()
    assert "Write your first tracked mail" in client.get("/").text


def test_machine_events_are_counted_and_shown_when_asked_for(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    hidden = make_event(session, alice, is_shown=False, verdict=Verdict.MACHINE)
    sign_in(client, alice)
    page = client.get("/").text
    assert "Show machine events (1)" in page
    assert shown_ids(page) == []
    assert shown_ids(client.get("/?machine=shown").text) == [hidden.id]


def test_a_manager_switches_to_the_team_and_sees_whose_rows_they_are(client: FlaskClient, session: Session) -> None:
    carol = make_member(session, "Carol", role=Role.MANAGER)
    alice = make_member(session, "Alice", session.get_one(Workspace, carol.workspace_id))
    row = make_event(session, alice)
    sign_in(client, carol)
    assert "?of=team" in client.get("/").text
    page = client.get("/?of=team").text
    assert shown_ids(page) == [row.id]
    assert "Alice" in page


def test_a_rep_is_offered_no_team_and_gets_none(client: FlaskClient, session: Session) -> None:
    carol = make_member(session, "Carol", role=Role.MANAGER)
    alice = make_member(session, "Alice", session.get_one(Workspace, carol.workspace_id))
    make_event(session, carol)
    sign_in(client, alice)
    page = client.get("/?of=team").text
    assert shown_ids(page) == []
    assert "of=team" not in page


def test_the_feed_asks_a_stranger_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/").status_code == 302
    assert client.post("/stream/tickets").status_code in (302, 303)


def test_a_made_up_cursor_is_answered_with_a_sentence(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    answer = client.get("/?before=nonsense")
    assert answer.status_code == 400
    assert "cursor" in answer.text
