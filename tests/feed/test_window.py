"""The floating window: three tabs, the last one kept; and the help that stands in every shell."""

import re

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Role
from server.clock import now
from server.events.models import UNOWNED, EventKind
from tests.factories import make_member
from tests.feed.events import make_event
from tests.sign_in import sign_in


def tabs(html: str) -> list[str]:
    return re.findall(r'id="window-tab-(\w+)"', html)


def current(html: str) -> str:
    found = re.search(r'id="window-tab-(\w+)"[^>]*aria-current="page"', html)
    assert found is not None
    return found[1]


def test_the_window_has_exactly_three_tabs_in_order_and_keeps_the_last(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    page = client.get("/window").text
    assert tabs(page) == ["engagement", "tasks", "target"]
    assert current(page) == "engagement"
    for tab, panel in (("tasks", "/tasks/panel"), ("target", "/target/panel"), ("engagement", "/feed/panel")):
        partial = client.get(f"/window?tab={tab}", headers={"HX-Request": "true"}).text
        assert "<html" not in partial
        assert (current(partial), f'hx-get="{panel}"' in partial) == (tab, True)
        assert current(client.get("/window").text) == tab
        assert client.get(panel, headers={"HX-Request": "true"}).status_code == 200
    assert current(client.get("/window?tab=nonsense").text) == "engagement"


def test_the_window_has_no_rail_and_its_links_lead_into_the_app(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    page = client.get("/window").text
    assert '<base target="warmline">' in page
    assert "rail-link" not in page
    assert 'href="/window"' in client.get("/").text


def test_only_the_window_may_stand_in_a_frame_and_only_in_ours(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    policy = client.get("/window").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "frame-src 'self'" in policy
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "frame-src" not in policy


def test_the_window_asks_a_stranger_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/window").status_code == 302


def test_the_panel_shows_the_same_rows_as_the_page(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    make_event(session, alice)
    sign_in(client, alice)
    rows = re.compile(r'<ol class="feed-rows.*?</ol>', re.DOTALL)
    with time_machine.travel(now(), tick=False):  # each says how long ago it was
        page, panel = (rows.search(client.get(path).text) for path in ("/", "/feed/panel"))
    assert page is not None
    assert panel is not None
    assert page[0] == panel[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "Somebody viewed your email.", "Somebody clicked a link in your email.", "Somebody replied to your email.",
        "by email, on the web, or a milestone", "opened a document", "reading a page", "downloaded a document",
        "could not be delivered", "counts as no reply", "asked for no more mail",
    ],
)  # fmt: skip
def test_the_glossary_says_what_each_icon_means(client: FlaskClient, session: Session, sentence: str) -> None:
    sign_in(client, make_member(session))
    assert sentence in client.get("/feed/glossary").text
    assert sentence in client.get("/feed/glossary", headers={"HX-Request": "true"}).text


def test_the_feed_says_why_a_place_can_be_wrong_and_whose_data_it_is(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_member(session))
    panel = client.get("/feed/panel").text
    assert "where that network meets the internet" in panel
    assert "in CC or BCC opens the mail, or somebody it was forwarded to" in panel
    assert 'href="https://db-ip.com"' in panel


def test_an_operators_own_places_are_not_db_ips(app: Flask, client: FlaskClient, session: Session) -> None:
    app.config["SETTINGS"].geo_database = app.config["SETTINGS"].warmline_home / "GeoLite2-City.mmdb"
    sign_in(client, make_member(session))
    assert "db-ip.com" not in client.get("/feed/panel").text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": EventKind.WEB_VISITED, "subject": "Prices"}, "visited Prices"),
        ({"kind": EventKind.WEB_VISITED, "subject": ""}, "visited your site"),
        ({"kind": EventKind.UNSUBSCRIBED, "subject": "Spring news"}, "unsubscribed from Spring news"),
        ({"kind": EventKind.DOCUMENT_OPENED, "subject": "Offer.pdf"}, "opened Offer.pdf"),
        (
            {"kind": EventKind.INTERESTING_MOMENT, "subject": "", "details": {"moment": "web", "text": "Saw prices"}},
            "had an interesting moment on the web: Saw prices",
        ),
        (
            {"kind": EventKind.INTERESTING_MOMENT, "subject": "Signed", "details": {"moment": "milestone"}},
            "reached a milestone: Signed",
        ),
        ({"kind": EventKind.INTERESTING_MOMENT, "subject": "x", "details": {"moment": 5}}, "interesting moment: x"),
    ],
)
def test_engagement_without_a_mail_reads_as_a_sentence(
    client: FlaskClient, session: Session, fields: dict[str, object], says: str
) -> None:
    alice = make_member(session, role=Role.REP)
    make_event(session, alice, member_id=UNOWNED, content_kind="marketing", **fields)
    sign_in(client, alice)
    text = " ".join(re.sub(r"<[^>]+>", " ", client.get("/feed/panel").text).split())
    assert says in text
    assert "Marketing" in text
