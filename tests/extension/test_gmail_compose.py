"""Mail written in Gmail: the pixel and wrapped links are in what Gmail sends, and never in the editor or a draft."""

import secrets
import socket
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from sqlmodel import select

from server.db import Database
from server.messages.models import Message
from tests.browser.conftest import Installation
from tests.extension.gmail_page.browser import GmailBrowser
from tests.extension.gmail_page.pairing import revoke_device
from tests.extension.gmail_page.server import GmailServer, proxy_image
from tests.stand_in import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FLYNN = "flynn@flynnsarcade.com"
TARGET = "https://www.acme.example/prices?plan=team&x=%20y#compare"
LINK = f'Look: <a href="{TARGET.replace("&", "&amp;")}">our prices</a>'


def write(browser: GmailBrowser, **options: Any) -> Locator:
    """Write a mail, and type a word into it so that drafts are saved."""
    window = browser.compose(to=[FLYNN], **options)
    window.get_by_label("Message Body").click()
    browser.page.keyboard.press("Control+End")
    browser.page.keyboard.type("Yours, Riley")
    return window


def send(browser: GmailBrowser, **options: Any) -> None:
    """Write a mail and send it."""
    browser.send(write(browser, **options))


def test_sent_mail_holds_pixel_and_wrapped_links_and_drafts_do_not(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.open("inbox")
    send(browser, subject="Prices", body=LINK)
    edge = warmline.settings.edge_base_url
    sent = gmail.sent[0]
    assert f'<img src="{edge}/o/' in sent.body or f'src="{edge}/o/' in sent.body
    assert f'href="{edge}/c/' in sent.body
    assert "acme.example" not in sent.body
    assert "Yours, Riley" in sent.body
    wait_until(lambda: gmail.drafts, "saving a draft")
    assert all(edge not in draft.body and "acme.example" in draft.body for draft in gmail.drafts)
    assert browser.warnings == []
    assert browser.errors == []


def test_mail_with_tracking_turned_off_goes_out_as_written(browser: GmailBrowser, gmail: GmailServer) -> None:
    page = browser.open("inbox")
    window = browser.compose(to=[FLYNN], subject="Quiet", body=LINK)
    toggle = window.locator(".inboxsdk__composeButton", has=page.locator(".warmline-toggle"))
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(toggle).to_have_accessible_name("Not tracked. Click to track this mail.")
    browser.send(window)
    assert [mail.body for mail in gmail.sent] == [f'<div dir="ltr">{LINK}</div>']
    expect(browser.bar).to_be_hidden()


def test_own_pixels_in_a_quote_do_not_leave_even_untracked(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.open("inbox")
    own = browser.ask("readStanding")["value"]["ownPixels"][0] + "abc.gif"
    kept = '<img src="https://www.acme.example/logo.png" alt="a > b">'
    quote = f'<blockquote><img src="{own}" width="1"><p>Hi</p>{kept}<img src="{proxy_image(own)}"></blockquote>'
    window = browser.compose(to=[FLYNN], subject="Re: Prices", body=quote)
    window.locator(".warmline-toggle").click()
    browser.send(window)
    assert "/o/" not in gmail.sent[0].body
    assert "<p>Hi</p>" in gmail.sent[0].body
    assert "https://www.acme.example/logo.png" in gmail.sent[0].body


def test_server_that_is_away_lets_mail_go_untracked_and_says_so(browser: GmailBrowser, gmail: GmailServer) -> None:
    browser.open("inbox")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and listens to nobody
        browser.move_server(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        send(browser, subject="Prices", body=LINK)
    assert gmail.sent[0].body == f'<div dir="ltr">{LINK}Yours, Riley</div>'
    expect(browser.bar).to_contain_text("This mail goes out untracked.")
    expect(browser.bar).to_contain_text("does not answer")


def test_server_that_takes_its_time_is_waited_for_three_seconds(browser: GmailBrowser, gmail: GmailServer) -> None:
    browser.open("inbox")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        browser.move_server(f"http://127.0.0.1:{silent.getsockname()[1]}")
        window, arrived = write(browser, subject="Prices", body=LINK), list[float]()
        gmail.deliver = lambda _mail: arrived.append(time.monotonic())
        began = time.monotonic()
        browser.send(window)
        assert 3 <= arrived[0] - began < 10  # which is how long any other question is waited for
    assert gmail.sent[0].body == f'<div dir="ltr">{LINK}Yours, Riley</div>'
    expect(browser.bar).to_contain_text("This mail goes out untracked.")


def test_revoked_token_lets_mail_go_untracked_and_names_the_way_out(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation, token: str
) -> None:
    browser.open("inbox")
    revoke_device(warmline.settings.base_url, token)
    send(browser, subject="Prices", body=LINK)
    assert gmail.sent[0].body == f'<div dir="ltr">{LINK}Yours, Riley</div>'
    expect(browser.bar).to_contain_text("This mail goes out untracked.")
    expect(browser.bar.get_by_role("button", name="Options")).to_be_visible()
    send(browser, subject="Again", body=LINK)
    expect(browser.bar).to_contain_text("This mail goes out untracked.")


def test_plain_text_is_not_trackable_and_says_so(browser: GmailBrowser, gmail: GmailServer) -> None:
    page = browser.open("inbox")
    window = browser.compose(to=[FLYNN], subject="Plain", body="Just words", plain=True)
    toggle = window.locator(".inboxsdk__composeButton", has=page.locator(".warmline-toggle"))
    expect(toggle).to_have_accessible_name("Not tracked: Plain text cannot be tracked.")
    browser.send(window)
    expect(browser.bar).to_contain_text("Plain text cannot be tracked.")
    assert [mail.body for mail in gmail.sent] == ["Just words"]


def test_missing_element_in_compose_fails_by_name_once_and_mail_is_tracked(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.open("inbox")
    for subject in ("First", "Second"):
        window = browser.compose(to=[FLYNN], subject=subject, body="Hello")
        window.evaluate("dialog => dialog.querySelector('[name=ishtml]').remove()")
        browser.send(window)
        expect(window).to_be_hidden()
    assert len(gmail.sent) == 2
    assert all(warmline.settings.edge_base_url in mail.body for mail in gmail.sent)
    assert len(browser.warnings) == 1
    assert browser.warnings[0].startswith("Warmline: the format of the mail that is being written is not where")


def test_mail_that_gmail_sends_in_a_new_way_is_said_to_be_untracked(browser: GmailBrowser, gmail: GmailServer) -> None:
    page = browser.open("inbox")
    page.evaluate("gmailWire.send = () => Promise.resolve()")  # no request as InboxSDK knows it
    send(browser, subject="Prices", body=LINK)
    expect(browser.bar).to_contain_text("it went out untracked")
    assert [warning.partition(" is not where")[0] for warning in browser.warnings] == [
        "Warmline: the request that sends mail"
    ]


def test_undone_mail_is_taken_back_on_the_server(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.open("inbox")
    subject = f"Undone {secrets.token_hex(4)}"
    send(browser, subject=subject, body="Hello")
    assert count_messages(warmline, subject) == 1
    browser.compose(to=[FLYNN], subject=subject, body="Hello", id=gmail.sent[0].id)
    wait_until(lambda: count_messages(warmline, subject) == 0, "taking it back")


def count_messages(warmline: Installation, subject: str) -> int:
    """Return how many messages the server keeps under `subject`."""
    db = Database(warmline.settings.database_url)
    with db.session() as session:
        count = len(session.exec(select(Message.id).where(Message.subject == subject)).all())
    db.dispose()
    return count
