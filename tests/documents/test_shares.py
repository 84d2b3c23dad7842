"""Links to documents: one for each copy of a mail, one with a name; their settings, and who may change them."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from server.accounts.models import Member, Workspace
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.documents.models import Document, Share, ShareKind
from server.documents.protection import Closed, is_password, why_closed
from server.documents.queries import read_line
from server.documents.rewrite import share_links
from server.documents.shares import find_share, make_insertion, share_url
from server.keys import get_keys
from server.library.models import Template
from server.messages.html import clean_html, parse_body
from server.messages.models import Copy, Message, MessageSource, Recipient
from server.messages.render import render_html
from tests.documents.reading import make_document
from tests.factories import make_copy, make_mailbox, make_member
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def document(session: Session, settings: Settings, alice: Member) -> Document:
    """Alice's document, ready."""
    return make_document(session, settings, alice, pages=1)


def rewrite(session: Session, settings: Settings, copy: Copy, html: str) -> list[str]:
    body = parse_body(html)
    recipients = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).all()
    share_links(session, settings, get_keys(), body, copy, recipients)
    return [anchor.attributes["href"] or "" for anchor in body.css("a")]


def insert(session: Session, settings: Settings, alice: Member, document: Document) -> tuple[Share, str]:
    share = make_insertion(session, alice, document)
    return share, share_url(settings, get_keys(), share)


def share_at(session: Session, url: str) -> Share:
    found = find_share(session, url.rpartition("/")[2])
    assert found is not None
    return found


def test_each_copy_gets_a_link_of_its_own_once(
    session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    insertion, url = insert(session, settings, alice, document)
    mailbox = make_mailbox(session, alice)
    one, two = (
        make_copy(session, mailbox, "flynn@x.example"),
        make_copy(session, mailbox, "alan@x.example", "a@x.example"),
    )
    html = f'<p><a href="{url}">Prices</a> <a href="https://x.example/">x</a></p>'
    [first, other] = rewrite(session, settings, one, html)
    assert other == "https://x.example/"
    assert first != url
    assert rewrite(session, settings, one, html)[0] == first
    second = rewrite(session, settings, two, html)[0]
    assert second not in (first, url)
    share = share_at(session, first)
    assert (share.kind, share.copy_id, share.parent_id) == (ShareKind.COPY, one.id, insertion.id)
    assert share.recipient_id is not None
    assert share_at(session, second).recipient_id is None


def test_a_copys_link_begins_with_the_settings_of_its_parent(
    session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    insertion, url = insert(session, settings, alice, document)
    insertion.allow_download, insertion.asks_for_email = False, True
    copy = make_copy(session, make_mailbox(session, alice))
    share = share_at(session, rewrite(session, settings, copy, f'<a href="{url}">x</a>')[0])
    assert (share.allow_download, share.asks_for_email) == (False, True)


def test_links_in_quotes_of_others_and_of_nobody_stay_as_they_are(
    session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    _share, url = insert(session, settings, alice, document)
    mallory = make_member(session, "Mallory")
    foreign = make_copy(session, make_mailbox(session, mallory))
    own = make_copy(session, make_mailbox(session, alice))
    html = f'<a href="{url}">x</a>'
    assert rewrite(session, settings, foreign, html) == [url]
    assert rewrite(session, settings, own, f"<blockquote>{html}</blockquote>") == [url]
    nobodys = f"{settings.edge_base_url}/d/{'A' * 22}"
    assert rewrite(session, settings, own, f'<a href="{nobodys}">x</a>') == [nobodys]


def test_a_document_in_a_mail_is_no_click_and_survives_cleaning(
    session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    _share, url = insert(session, settings, alice, document)
    copy = make_copy(session, make_mailbox(session, alice))
    message = session.get_one(Message, copy.message_id)
    message.html = clean_html(settings, get_keys(), f'<p><a href="{url}">Prices</a></p>')
    assert url in message.html
    html = render_html(session, settings, get_keys(), alice.sender_key, message, copy, [])
    assert "/c/" not in html
    assert re.search(r'href="[^"]+/d/[\w-]{22}"', html)
    assert url not in html


def test_nothing_comes_of_a_sample(session: Session, settings: Settings, alice: Member, document: Document) -> None:
    _share, url = insert(session, settings, alice, document)
    copy = make_copy(session, make_mailbox(session, alice))
    session.get_one(Message, copy.message_id).source = MessageSource.SAMPLE
    assert not share_at(session, rewrite(session, settings, copy, f'<a href="{url}">x</a>')[0]).is_counted


@pytest.mark.parametrize(
    ("change", "closed"),
    [
        ({}, None),
        ({"revoked_at": timedelta(0)}, Closed.REVOKED),
        ({"expires_at": timedelta(seconds=-1)}, Closed.EXPIRED),
        ({"expires_at": timedelta(hours=1)}, None),
    ],
)
def test_a_link_is_open_until_it_is_not(
    session: Session, settings: Settings, alice: Member, document: Document, change: dict[str, timedelta],
    closed: Closed | None,
) -> None:  # fmt: skip
    share, _url = insert(session, settings, alice, document)
    for name, later in change.items():
        setattr(share, name, now() + later)
    assert why_closed(share, document, read_line(session, document).current, now()) == closed
    document.deleted_at = now()
    assert why_closed(share, document, read_line(session, document).current, now()) is not None


def test_the_token_is_kept_as_a_hash_and_under_seal(
    session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    share, url = insert(session, settings, alice, document)
    token = url.rpartition("/")[2]
    assert token not in repr(share.model_dump())
    assert find_share(session, token + "A") is None
    assert find_share(session, "'") is None
    assert document.public_id not in url


def the_link(session: Session) -> Share:
    session.rollback()
    with get_db().session(write=False) as reading:
        return reading.exec(select(Share).order_by(col(Share.id).desc())).first() or pytest.fail("no link")


def test_a_bare_link_has_a_name_and_settings_that_hold(
    client: FlaskClient, session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    sign_in(client, alice)
    path = f"/documents/{document.public_id}/links"
    assert "Give the link a name" in client.post(path, data={"name": " "}, headers=HTMX).text
    made = client.post(path, data={"name": "The board"}, headers=HTMX)
    share = the_link(session)
    assert "The board" in made.text
    assert share_url(settings, get_keys(), share) in made.text
    act = f"/documents/links/{share.id}"
    form = {"expires_on": "2099-12-31", "password": "grid!", "asks_for_email": "yes"}
    assert "password" in client.post(f"{act}/settings", data=form, headers=HTMX).text
    changed = the_link(session)
    assert (changed.allow_download, changed.asks_for_email, is_password(changed, "grid!")) == (False, True, True)
    assert not is_password(changed, "other")
    assert changed.expires_at is not None
    assert changed.expires_at.isoformat() == "2099-12-31T23:59:59+00:00"
    client.post(f"{act}/settings", data={"allow_download": "yes"}, headers=HTMX)
    assert is_password(the_link(session), "grid!")
    client.post(f"{act}/settings", data={"drops_password": "yes"}, headers=HTMX)
    assert the_link(session).password_hash is None
    assert "revoked" in client.post(f"{act}/revocation", headers=HTMX).text
    assert the_link(session).revoked_at is not None
    client.post(f"{act}/reopening", headers=HTMX)
    assert the_link(session).revoked_at is None


@pytest.mark.parametrize(
    ("form", "said"),
    [({"expires_on": "soon"}, "is no day"), ({"expires_on": "2020-01-01"}, "over"), ({"password": "abc"}, "4 to 128")],
)
def test_settings_that_make_no_sense_are_refused(
    client: FlaskClient, session: Session, alice: Member, document: Document, form: dict[str, str], said: str
) -> None:
    sign_in(client, alice)
    client.post(f"/documents/{document.public_id}/links", data={"name": "x"})
    share_id = the_link(session).id
    assert said in client.post(f"/documents/links/{share_id}/settings", data=form, headers=HTMX).text


def test_a_colleagues_links_are_not_shown_nor_changed(
    client: FlaskClient, session: Session, alice: Member, document: Document
) -> None:
    sign_in(client, alice)
    client.post(f"/documents/{document.public_id}/links", data={"name": "Secret friends"})
    share_id = the_link(session).id
    sign_in(client, make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id)))
    assert "Secret friends" not in client.get(f"/documents/{document.public_id}").text
    acts = ("settings", "revocation", "reopening")
    assert [client.post(f"/documents/links/{share_id}/{act}").status_code for act in acts] == [404] * 3


def test_compose_picks_a_document_and_gets_its_link(
    client: FlaskClient, session: Session, alice: Member, document: Document
) -> None:
    make_mailbox(session, alice)
    sign_in(client, alice)
    assert "/documents/picker" in client.get("/compose").text
    picker = client.get("/documents/picker?q=pric", headers=HTMX).text
    assert f"/documents/{document.public_id}/insertion" in picker
    given = client.post(f"/documents/{document.public_id}/insertion").get_json()
    share = the_link(session)
    assert share.kind == ShareKind.INSERTION
    assert re.fullmatch(r'<a href="[^"]+/d/[\w-]{22}">Prices.pdf</a>', given["html"])
    assert client.get("/documents/insertions").get_json()["items"][0]["id"] == document.public_id


def test_a_template_takes_a_document_and_each_mail_from_it_its_own_link(
    client: FlaskClient, session: Session, settings: Settings, alice: Member, document: Document
) -> None:
    sign_in(client, alice)
    assert "/documents/picker" in client.get("/library/new").text
    html = client.post(f"/documents/{document.public_id}/insertion").get_json()["html"]
    client.post(
        "/library/templates", data={"kind": "template", "name": "Offer", "subject": "Offer", "html": f"<p>{html}</p>"}
    )
    template = session.exec(select(Template)).one()
    [url] = [anchor.attributes["href"] for anchor in parse_body(template.html).css("a")]
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    copy = make_copy(session, make_mailbox(session, bob))
    share = share_at(session, rewrite(session, settings, copy, template.html)[0])
    assert url is not None
    assert (share.member_id, share.parent_id) == (bob.id, share_at(session, url).id)
