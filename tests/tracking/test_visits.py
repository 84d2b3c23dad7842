"""The web snippet: a visit is on disk before it is answered, and is an event only of a known site by a named person."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select
from werkzeug.test import Client

from server.accounts.models import Member
from server.config import Settings
from server.edge import create_edge
from server.events.models import UNOWNED, Event
from server.keys import Keyring, get_keys
from server.people.people import ensure_person
from server.tracking.devices import device_cookie
from server.tracking.frames import read_frames
from server.tracking.hits import Hit, read_record
from server.tracking.hot import HotPath
from server.tracking.site.models import Site
from server.tracking.site.sites import change_site, read_secret, remove_site, renew_secret, sign_visitor
from server.tracking.tokens import site_key
from tests.factories import make_member
from tests.tracking.disks import files_end_at
from tests.tracking.test_drain import CHROME, drain, events

PAGE = "https://www.acme.example/pricing"
EMAIL = "Flynn@flynnsarcade.example"


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def site(app: Flask, session: Session, alice: Member) -> Site:
    site = change_site(session, alice.workspace_id, "acme.example", takes_unsigned=False)
    renew_secret(session, get_keys(), site)
    session.commit()
    return site


@pytest.fixture
def edge(settings: Settings) -> HotPath:
    return create_edge(settings)


@pytest.fixture
def browser(edge: HotPath) -> Client:
    return Client(edge)


def sign(site: Site, email: str) -> str:
    secret = read_secret(get_keys(), site)
    assert secret is not None
    return sign_visitor(secret, email)


def report(browser: Client, site: Site, headers: dict[str, str] | None = None, **changes: Any) -> int:
    """Report a visit as the snippet does, and return the status."""
    body = {"url": PAGE, "title": "Pricing", "email": EMAIL, "signature": sign(site, EMAIL), **changes}
    return post(browser, f"/w/{key_of(site)}", json.dumps(body).encode(), headers)


def post(browser: Client, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    own = {"User-Agent": CHROME, "Content-Type": "text/plain;charset=UTF-8", "Origin": "https://www.acme.example"}
    return browser.post(path, data=body, headers={**own, **(headers or {})}).status_code


def key_of(site: Site) -> str:
    return site_key(get_keys(), site.public_id)


def hits(settings: Settings) -> list[Hit]:
    paths = sorted(settings.journal_dir.glob("*.journal"))
    return [read_record(frame.payload) for path in paths for frame in read_frames(path.read_bytes())]


def test_a_signed_visit_is_on_disk_when_it_is_answered_and_then_an_event(
    browser: Client, session: Session, site: Site, alice: Member, settings: Settings
) -> None:
    person = ensure_person(session, alice.workspace_id, alice.id, EMAIL, "Kevin Flynn")
    session.commit()
    assert report(browser, site, url=f"{PAGE}?token=secret#part") == 204
    (hit,) = hits(settings)
    assert (hit.kind, hit.tracking_id, hit.target) == ("visit", site.public_id, PAGE)
    drain(session, settings.journal_dir)
    (event,) = events(session)
    assert (event.kind, event.content_kind, event.subject, event.link_target) == (
        "web_visited", "marketing", "Pricing", PAGE,
    )  # fmt: skip
    assert (event.verdict, event.reasons) == ("human", ["signed_visitor", "browser:Chrome"])
    assert (event.person_id, event.member_id, event.person_name) == (person.id, alice.id, "Kevin Flynn")
    session.refresh(site)
    assert site.last_visit_at == event.at


def test_whom_nobody_knows_is_seen_by_all(
    browser: Client, session: Session, site: Site, alice: Member, settings: Settings
) -> None:
    report(browser, site)
    drain(session, settings.journal_dir)
    (event,) = events(session)
    assert (event.workspace_id, event.member_id, event.person_id) == (alice.workspace_id, UNOWNED, None)
    assert event.person_address == EMAIL.lower()


def test_an_unsigned_visit_counts_only_where_the_workspace_takes_it_and_is_unsure(
    browser: Client, session: Session, site: Site, alice: Member, settings: Settings
) -> None:
    for signature in ("", "0" * 64, sign(site, "alan@encom.example")):
        assert report(browser, site, signature=signature) == 204
    drain(session, settings.journal_dir)
    assert events(session) == []
    change_site(session, alice.workspace_id, "acme.example", takes_unsigned=True)
    session.commit()
    report(browser, site, signature="")
    drain(session, settings.journal_dir)
    (event,) = events(session)
    assert (event.verdict, event.reasons) == ("unknown", ["claimed_visitor"])


def test_the_address_may_be_signed_in_lower_case(
    browser: Client, session: Session, site: Site, settings: Settings
) -> None:
    report(browser, site, signature=sign(site, EMAIL.lower()).upper())
    drain(session, settings.journal_dir)
    assert [event.verdict for event in events(session)] == ["human"]


def test_a_renewed_secret_and_a_removed_site_end_what_was_before(
    browser: Client, session: Session, site: Site, alice: Member, settings: Settings
) -> None:
    signature = sign(site, EMAIL)
    renew_secret(session, get_keys(), site)
    session.commit()
    assert report(browser, site, signature=signature) == 204
    drain(session, settings.journal_dir)
    remove_site(session, alice.workspace_id)
    session.commit()
    key = key_of(site)
    again = change_site(session, alice.workspace_id, "acme.example", takes_unsigned=True)
    session.commit()
    assert key_of(again) != key
    body = json.dumps({"url": PAGE, "email": EMAIL}).encode()
    assert post(browser, f"/w/{key}", body) == 204
    drain(session, settings.journal_dir)
    assert events(session) == []


def test_a_secret_sealed_by_lost_keys_signs_nothing_and_stops_nothing(
    browser: Client, session: Session, site: Site, settings: Settings
) -> None:
    report(browser, site)
    site.sealed_secret = b"\x01" + b"x" * 40
    session.add(site)
    session.commit()
    assert read_secret(get_keys(), site) is None
    drain(session, settings.journal_dir)
    assert events(session) == []


@pytest.mark.parametrize("url", ["https://acme.example.evil.example/", "https://evil.example/acme.example", PAGE[:-1]])
def test_only_pages_of_the_site_count(
    browser: Client, session: Session, site: Site, settings: Settings, url: str
) -> None:
    assert report(browser, site, {"Origin": "null"}, url=url) == 204
    drain(session, settings.journal_dir)
    assert len(events(session)) == (url == PAGE[:-1])


def test_a_page_cannot_speak_for_another_site(browser: Client, site: Site, settings: Settings) -> None:
    for origin in ("https://evil.example", "http://www.acme.example", "https://www.acme.example:8443"):
        assert report(browser, site, {"Origin": origin}) == 403
    assert hits(settings) == []


def test_members_browsers_and_machines_are_kept_out_of_sight(
    browser: Client, session: Session, site: Site, settings: Settings, edge: HotPath
) -> None:
    report(browser, site, {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"})
    browser.set_cookie("warmline_device", device_cookie(edge.keys, "d1"))
    report(browser, site)
    drain(session, settings.journal_dir)
    assert [(event.verdict, event.is_shown) for event in events(session)] == [("machine", False), ("self", False)]


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_a_browser_that_asks_not_to_be_tracked_leaves_nothing(
    browser: Client, site: Site, settings: Settings, header: str
) -> None:
    assert report(browser, site, {header: "1"}) == 204
    assert hits(settings) == []
    assert report(browser, site, {header: "0"}) == 204
    assert len(hits(settings)) == 1


def test_a_forged_site_key_is_refused(browser: Client, site: Site, settings: Settings) -> None:
    key = key_of(site)
    foreign = site_key(Keyring({1: b"x" * 32}), site.public_id)
    body = json.dumps({"url": PAGE, "email": EMAIL}).encode()
    altered = key[:-1] + ("B" if key.endswith("A") else "A")
    for wrong in (altered, foreign, "", "x", "é", f"{key}/", "a" * 20_000):
        assert post(browser, f"/w/{wrong}", body) == 404
        assert browser.get(f"/s/{wrong}.js").status_code == 404
    assert hits(settings) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_only_post_reports(browser: Client, site: Site, method: str) -> None:
    answer = browser.open(f"/w/{key_of(site)}", method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 4000, 400),
        (b'"text"', 400),
        (b"\xff\xfe", 400),
        (b" " * 5000, 413),
        (b"{}", 400),
        (json.dumps({"url": PAGE}).encode(), 400),
        (json.dumps({"url": PAGE, "email": "nobody"}).encode(), 400),
        (json.dumps({"url": PAGE, "email": "a@b.example\r\nX: y"}).encode(), 400),
        (json.dumps({"url": PAGE, "email": "\ud800@b.example"}).encode(), 400),
        (json.dumps({"url": PAGE, "email": f"{'a' * 300}@b.example"}).encode(), 400),
        (json.dumps({"url": PAGE, "email": EMAIL, "signature": 1}).encode(), 400),
        (json.dumps({"url": PAGE, "email": EMAIL, "signature": "0" * 65}).encode(), 400),
        (json.dumps({"url": PAGE, "email": EMAIL, "title": []}).encode(), 400),
        (json.dumps({"url": "javascript:alert(1)", "email": EMAIL}).encode(), 400),
        (json.dumps({"url": f"https://www.acme.example/{'a' * 2000}", "email": EMAIL}).encode(), 400),
        (json.dumps({"url": "https://[x/", "email": EMAIL}).encode(), 400),
    ],
)
def test_what_is_no_visit_is_refused_and_not_kept(
    browser: Client, site: Site, settings: Settings, body: bytes, status: int
) -> None:
    assert post(browser, f"/w/{key_of(site)}", body) == status
    assert hits(settings) == []


def test_a_body_without_a_length_is_refused(edge: HotPath, site: Site) -> None:
    for length, status in (("", "411"), ("-1", "411"), ("9" * 5000, "413")):
        answers: list[str] = []
        environ = {"PATH_INFO": f"/w/{key_of(site)}", "REQUEST_METHOD": "POST", "CONTENT_LENGTH": length}
        edge(environ, lambda status, _headers, answers=answers: answers.append(status))
        assert [answer[:3] for answer in answers] == [status]


def test_a_title_is_tidied_and_cut(browser: Client, session: Session, site: Site, settings: Settings) -> None:
    report(browser, site, title="  Pric\0ing\n \ud800 <b>")
    report(browser, site, title="x" * 999)
    report(browser, site, title="")
    drain(session, settings.journal_dir)
    assert [event.subject for event in events(session)] == ["Pric ing <b>", "x" * 300, PAGE]


def test_while_the_disk_is_full_a_visit_is_not_called_kept(browser: Client, site: Site) -> None:
    with files_end_at(0):
        assert report(browser, site) == 503
    assert report(browser, site) == 204


def test_the_snippet_is_small_and_the_same_for_all(browser: Client, site: Site) -> None:
    answer = browser.get(f"/s/{key_of(site)}.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert len(answer.data) <= 1500
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert site.public_id not in answer.text
    for trace in ("cookie", "userAgent", "screen", "canvas", "fetch("):
        assert trace not in answer.text.partition("\n")[2]


def test_damaged_visits_in_the_journal_are_kept_aside(settings: Settings, session: Session, tmp_path: Path) -> None:
    from server.tracking.journal import Journal

    record = {
        "id": "a", "kind": "visit", "tracking_id": "b", "at_ms": 1, "method": "POST", "agent": "", "ip": "",
        "headers": {}, "device": "", "position": None, "target": PAGE,
    }  # fmt: skip
    journal = Journal(settings.journal_dir)
    for visit in (None, [], {"email": 1}, {"email": "a@b.example"}):
        journal.append(json.dumps({**record, "visit": visit}).encode())
    drain(session, settings.journal_dir)
    assert session.exec(select(Event)).all() == []
    assert len(list((settings.journal_dir / "bad").glob("*.reason"))) == 4
