"""The viewer on the recipients' origin: what it shows, to whom, and that each request is asked anew."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from server.clock import now
from server.config import Settings
from server.documents.models import Document, DocumentVersion, Share, VersionState
from server.documents.protection import set_password
from server.documents.viewer import tries
from server.keys import get_keys
from server.tracking.devices import COOKIE_NAME, device_cookie
from tests.documents.reading import Reader, make_document, make_link
from tests.factories import make_member

Browse = Callable[[Share], Reader]
ASSETS = ("/pages/1-small", "/pages/1-thumb", "/pages/1-large", "/text/1-9", "/file")


@pytest.fixture
def document(session: Session, settings: Settings) -> Document:
    return make_document(session, settings, make_member(session), name="Prices <2026>.pdf")


@pytest.fixture
def browse(session: Session, settings: Settings) -> Iterator[Browse]:
    """Browsers on the edge, by the share they open."""
    readers: list[Reader] = []

    def open_browser(share: Share) -> Reader:
        session.commit()
        readers.append(Reader(settings, get_keys(), share))
        return readers[-1]

    yield open_browser
    for reader in readers:
        reader.close()


def test_the_page_has_all_pages_and_the_first_picture_at_once(
    session: Session, document: Document, browse: Browse
) -> None:
    reader = browse(make_link(session, document))
    answer = reader.open()
    html = answer.get_data(as_text=True)
    assert html.count('class="page"') == 9
    assert 'rel="preload" as="image"' in html
    assert html.count('fetchpriority="high"') == 2
    assert "Prices &lt;2026&gt;.pdf" in html
    assert "Prices <2026>" not in html
    assert reader.grant


def test_the_viewer_runs_our_files_and_nothing_else_and_sets_no_cookie(
    session: Session, document: Document, browse: Browse
) -> None:
    answer = browse(make_link(session, document)).open()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in answer.headers
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_pictures_text_and_file_come(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    for path in ASSETS:
        assert reader.get(path).status_code == 200, path
    assert reader.get("/pages/3-small").mimetype == "image/webp"
    layers = json.loads(reader.get("/text/2-3").data)
    assert list(layers) == ["2", "3"]
    assert layers["3"][1] == [0, 0.32, 0.1, 0.1, 0.03, "3"]
    for path in ("/pages/10-small", "/pages/1-huge", "/pages/0-small", "/pages/..%2f1-small", "/nothing"):
        assert reader.get(path).status_code == 404, path


def test_a_picture_is_asked_for_anew_and_not_sent_twice(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    first = reader.get("/pages/1-small")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = reader.get("/pages/1-small", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def _revoke(share: Share, document: Document) -> None:
    share.revoked_at = now()


def _expire(share: Share, document: Document) -> None:
    share.expires_at = now() - timedelta(seconds=1)


def _delete(share: Share, document: Document) -> None:
    document.deleted_at = now()


@pytest.mark.parametrize(
    ("close", "words"),
    [(_revoke, "no longer shared"), (_expire, "has expired"), (_delete, "is gone")],
    ids=["revoked", "expired", "deleted"],
)
def test_a_closed_share_says_why_and_gives_nothing_more(
    session: Session, document: Document, browse: Browse, close: Callable[[Share, Document], Any], words: str
) -> None:
    share = make_link(session, document)
    reader = browse(share)
    assert reader.open().status_code == 200
    close(share, document)
    session.commit()
    answer = reader.open()
    assert (answer.status_code, reader.grant) == (410, "")
    assert words in answer.get_data(as_text=True)
    assert document.name not in answer.get_data(as_text=True)
    assert {reader.get(path).status_code for path in ASSETS} == {410}


def test_a_document_on_its_way_opens_by_itself(session: Session, document: Document, browse: Browse) -> None:
    version = session.get_one(DocumentVersion, document.current_version_id)
    version.state = VersionState.CONVERTING
    answer = browse(make_link(session, document)).open()
    assert (answer.status_code, answer.headers["Refresh"]) == (200, "3")


def test_a_password_opens_this_share_only(session: Session, document: Document, browse: Browse) -> None:
    share, other = make_link(session, document), make_link(session, document)
    for one in (share, other):
        set_password(one, "open sesame")
    reader = browse(share)
    asked = reader.open()
    assert "asks for a password" in asked.get_data(as_text=True)
    assert document.name not in asked.get_data(as_text=True)
    assert {reader.get(path).status_code for path in ASSETS} == {403}
    assert reader.enter(password="wrong").status_code == 422
    entered = reader.enter(password="open sesame")
    assert entered.status_code == 303
    cookie = entered.headers["Set-Cookie"]
    assert f"Path={reader.root}" in cookie
    assert "HttpOnly" in cookie
    assert reader.open().status_code == 200
    assert reader.grant
    assert {reader.get(path).status_code for path in ASSETS} == {200}
    stranger = browse(other)
    stranger.client.set_cookie("warmline_reader", cookie.split(";")[0].partition("=")[2])
    assert stranger.get("/pages/1-small").status_code == 403


def test_another_password_ends_what_the_old_one_opened(session: Session, document: Document, browse: Browse) -> None:
    share = make_link(session, document)
    set_password(share, "open sesame")
    reader = browse(share)
    reader.enter(password="open sesame")
    assert reader.get("/pages/1-small").status_code == 200
    set_password(share, "another one")
    session.commit()
    assert reader.get("/pages/1-small").status_code == 403


def test_guessing_a_password_is_slow(
    session: Session, document: Document, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "SECONDS", 3600.0)  # eleven tries may take more than a minute
    share = make_link(session, document)
    set_password(share, "open sesame")
    reader = browse(share)
    codes = [reader.enter(password=f"guess {number}").status_code for number in range(11)]
    assert codes == [422] * 10 + [429]


def test_an_address_is_asked_for_where_the_share_wants_one(
    session: Session, document: Document, browse: Browse
) -> None:
    reader = browse(make_link(session, document, asks_for_email=True))
    assert "Who is reading?" in reader.open().get_data(as_text=True)
    for email in ("", "nobody", "a@b\r\nX: y", "x" * 300 + "@acme.example"):
        assert reader.enter(email=email).status_code == 422
    assert reader.enter(email=" Flynn@FlynnsArcade.example ").status_code == 303
    assert reader.open().status_code == 200
    assert reader.grant


def test_a_share_without_download_has_none(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document, allow_download=False))
    assert "/file" not in reader.open().get_data(as_text=True)
    assert reader.get("/file").status_code == 403


def test_a_chat_gets_a_card_but_not_of_what_is_protected(
    session: Session, settings: Settings, document: Document, browse: Browse
) -> None:
    html = browse(make_link(session, document)).open().get_data(as_text=True)
    assert '<meta property="og:title" content="Prices &lt;2026&gt;.pdf">' in html
    assert f'property="og:image" content="{settings.edge_base_url}/d/' in html
    share = make_link(session, document)
    set_password(share, "open sesame")
    assert "og:title" not in browse(share).open().get_data(as_text=True)


def test_a_members_browser_is_told_that_it_does_not_count(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    reader.client.set_cookie(COOKIE_NAME, device_cookie(get_keys(), "laptop"))
    answer = reader.open()
    assert "nothing that you do here is counted" in answer.get_data(as_text=True)
    assert reader.grant == ""


def test_a_page_that_was_open_keeps_its_version(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    new = DocumentVersion(
        document_id=document.id, member_id=document.member_id, number=2, file_name="2.pdf", kind="pdf", sha256="1" * 64,
        size_bytes=1, state=VersionState.READY, pages=2,
    )  # fmt: skip
    session.add(new)
    session.flush()
    document.current_version_id = new.id
    session.commit()
    assert reader.get("/pages/9-small?v=1").status_code == 200
    assert reader.get("/pages/9-small").status_code == 404
    assert reader.get("/pages/9-small?v=7").status_code == 410


def test_an_unknown_share_leads_nowhere(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    reader.root = "/d/AAAAAAAAAAAAAAAAAAAAAA"
    for path in ("", *ASSETS):
        assert reader.get(path).status_code == 404
    assert reader.report({1: 2000}).status_code == 410


def test_built_files_are_kept_and_others_are_none(session: Session, document: Document, browse: Browse) -> None:
    reader = browse(make_link(session, document))
    answer = reader.client.get("/viewer/viewer.js?v=1")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(reader.client.get("/viewer/viewer.js", headers={"Accept-Encoding": "br"}).data) < 8192
    for name in ("app.js", "icons.json", "../edge.py"):
        assert reader.client.get(f"/viewer/{name}").status_code == 404
