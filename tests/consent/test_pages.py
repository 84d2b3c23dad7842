"""The recipients' pages on the edge: a GET changes nothing, a POST needs no cookie, no database and no second click."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlmodel import Session, select

from server.config import Settings
from server.consent.legal import legal_key
from server.consent.models import ConsentEntry, LegalText, Suppression, TrackingChoice
from server.edge import create_edge
from server.events.models import Event
from server.keys import Keyring, get_keys
from server.messages.models import Copy
from server.tracking.frames import read_frames
from server.tracking.hits import Hit, read_record
from server.tracking.tokens import say_url
from tests.consent.conftest import FLYNN, Recipient, Visitor, close
from tests.tracking.disks import files_end_at

Send = Callable[..., Copy]
Open = Callable[[Copy], Recipient]
TakeIn = Callable[[], list[Event]]


def hits(settings: Settings) -> list[Hit]:
    paths = sorted(settings.journal_dir.glob("*.journal"))
    return [read_record(frame.payload) for path in paths for frame in read_frames(path.read_bytes())]


def forge(path: str) -> str:
    """Return `path` with another end, whatever it ends with."""
    return path[:-2] + ("AA" if path[-2:] != "AA" else "BB")


def said(session: Session) -> list[object]:
    return [row for table in (Suppression, TrackingChoice, ConsentEntry) for row in session.exec(select(table))]


def test_a_get_shows_a_page_and_changes_nothing(
    session: Session, app: Flask, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    for page in ("u", "y"):
        for _time in range(2):
            answer = flynn.client.get(flynn.path(page))
            assert answer.status_code == 200
            assert '<form method="post"' in answer.text
            assert "Set-Cookie" not in answer.headers
            assert "no-store" in answer.headers["Cache-Control"]
            assert flynn.client.head(flynn.path(page)).status_code == 200
    assert hits(app.config["SETTINGS"]) == []
    take_in()
    assert said(session) == []


def test_a_forged_address_leads_nowhere(app: Flask, send: Send, recipient: Open) -> None:
    flynn = recipient(send())
    u, y = flynn.path("u"), flynn.path("y")
    other = y.replace("/y/", "/u/")  # a token of one page opens no other
    for path in ("/u/", "/u/x", "/y/x", forge(u), u[:-1], other, u.replace("/u/", "/y/"), "/legal/x"):
        assert flynn.client.get(path).status_code == 404
        assert flynn.client.post(path).status_code in (404, 405)
    assert flynn.client.post(f"{forge(y)}/objection").status_code == 404
    assert flynn.client.post(f"{y}/nonsense").status_code == 404
    assert hits(app.config["SETTINGS"]) == []


def test_one_click_unsubscribes_without_cookie_and_without_redirect(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    answer = flynn.unsubscribe(**{"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    [event] = take_in()
    assert (event.kind, event.person_address, event.is_shown) == ("unsubscribed", FLYNN, True)
    [row] = session.exec(select(Suppression)).all()
    assert (row.address, row.reason) == (FLYNN, "unsubscribed")
    [entry] = session.exec(select(ConsentEntry)).all()
    assert (entry.purpose, entry.answer, entry.way) == ("mail", "withdrawn", "one_click")
    assert entry.text_shown and entry.text_version and entry.agent_hash and "Firefox" not in entry.agent_hash


def test_unsubscribing_twice_is_told_once(session: Session, send: Send, recipient: Open, take_in: TakeIn) -> None:
    flynn = recipient(send())
    flynn.unsubscribe()
    flynn.unsubscribe()
    assert len(take_in()) == 1
    assert len(session.exec(select(Suppression)).all()) == 1


def test_a_post_needs_no_database(app: Flask, send: Send, recipient: Open) -> None:
    settings = app.config["SETTINGS"]
    flynn = recipient(send())
    dead = Settings(
        _env_file=None, warmline_home=settings.warmline_home, port=settings.port,
        database_url="postgresql://nobody@127.0.0.1:1/none", redis_url="redis://127.0.0.1:1",  # type: ignore[call-arg]
    )  # fmt: skip
    edge = create_edge(dead)
    client = Visitor(edge)
    assert client.post(flynn.path("u")).status_code == 200
    assert client.post(f"{flynn.path('y')}/objection").status_code == 200
    assert client.post(f"{flynn.path('y')}/erasure", data={"sure": "yes"}).status_code == 200
    assert [hit.data and hit.data["want"] for hit in hits(settings)] == ["unsubscribe", "silence", "erase"]
    page = client.get(flynn.path("y"))
    assert page.status_code == 200
    assert "cannot be shown just now" in page.text and "/objection" in page.text
    assert client.get(flynn.path("u")).status_code == 200
    close(edge)


def test_what_cannot_be_kept_is_not_confirmed(send: Send, recipient: Open) -> None:
    flynn = recipient(send())
    with files_end_at(0):
        answer = flynn.say("objection")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "could not be kept" in answer.text


def test_the_page_tells_what_was_seen_in_the_readers_language(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    flynn.open()
    flynn.click()
    take_in()
    page = flynn.client.get(flynn.path("y")).text
    told = ("The mail was opened", "A link was followed", "f•••@flynnsarcade.example", "90 days")
    for words in ("Riley", "The quote", *told):
        assert words in page
    assert FLYNN not in page
    assert 'lang="fr"' in flynn.client.get(flynn.path("y"), headers={"Accept-Language": "fr-CA"}).text


def test_pages_run_nothing_and_stand_in_no_frame(send: Send, recipient: Open) -> None:
    answer = recipient(send()).client.get(recipient(send()).path("y"))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
    assert "<script" not in answer.text and " style=" not in answer.text
    [sheet] = re.findall(r'rel="stylesheet" href="\.\.(/[^"]+)"', answer.text)
    styles = recipient(send()).client.get(sheet)
    assert styles.mimetype == "text/css"
    styles.close()


def test_what_a_sender_wrote_is_text_on_the_page(session: Session, send: Send, recipient: Open, riley: object) -> None:
    copy = send()
    riley.name = "<script>alert(1)</script>"  # type: ignore[attr-defined]
    session.commit()
    assert "<script>alert" not in recipient(copy).client.get(recipient(copy).path("y")).text


def test_the_wish_to_be_erased_must_be_meant(app: Flask, send: Send, recipient: Open) -> None:
    flynn = recipient(send())
    answer = flynn.say("erasure")
    assert answer.status_code == 422
    assert "Tick the box" in answer.text
    assert hits(app.config["SETTINGS"]) == []


def test_in_a_shared_mail_nobody_speaks_for_another(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    several = recipient(send(FLYNN, "lora@encom.example"))
    page = several.client.get(several.path("u")).text
    assert 'name="address"' in page
    assert several.unsubscribe(address="").status_code == 422
    several.unsubscribe(address="mallory@evil.example")
    take_in()
    assert session.exec(select(Suppression)).all() == []
    several.unsubscribe(address="LORA@encom.example")
    take_in()
    assert [row.address for row in session.exec(select(Suppression))] == ["lora@encom.example"]


def test_the_legal_page_speaks_two_languages_and_the_admins_own_words(
    session: Session, app: Flask, send: Send, recipient: Open, riley: object
) -> None:
    client = recipient(send()).client
    assert "90 days" in client.get("/legal").text
    assert "90 jours" in client.get("/legal", headers={"Accept-Language": "fr"}).text
    workspace_id = riley.workspace_id  # type: ignore[attr-defined]
    text = "# Ours\n\n<b>bold</b> {workspace} javascript:alert(1)\n- one\n\n- a\n- https://acme.example/x."
    session.add(LegalText(workspace_id=workspace_id, locale="en", text=text))
    session.commit()
    page = client.get(f"/legal/{legal_key(get_keys(), workspace_id)}").text
    assert "<h2>Ours</h2>" in page and "&lt;b&gt;bold&lt;/b&gt; Riley&#39;s team" in page
    assert '<li><a href="https://acme.example/x">https://acme.example/x</a>.</li>' in page
    assert 'href="javascript' not in page


def test_tokens_of_pages_are_secret_to_this_installation(settings: Settings) -> None:
    keys, others = Keyring({1: b"a" * 32}), Keyring({1: b"b" * 32})
    urls = {say_url(settings, one, page, "ab" * 16) for one in (keys, others) for page in ("u", "y")}
    assert len(urls) == 4


@pytest.mark.parametrize("want", ["objection", "agreement", "erasure"])
def test_pages_confirm_what_was_said(send: Send, recipient: Open, want: str) -> None:
    answer = recipient(send()).say(want, sure="yes")
    assert answer.status_code == 200
    assert answer.text.count("<h1>") == 1
