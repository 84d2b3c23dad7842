"""What the member sees in Gmail: the sidebar, the open thread, marks in the list, and never their own pixels."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Request, expect
from sqlmodel import select

from server.db import Database
from server.sidebar.models import ThreadOpening
from tests.browser.conftest import Installation
from tests.browser.program import Program
from tests.extension.gmail_page.browser import GmailBrowser
from tests.extension.gmail_page.server import GmailServer, proxy_image
from tests.extension.gmail_page.threads import make_thread, show_images
from tests.stand_in import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FLYNN = "flynn@flynnsarcade.com"


def send(browser: GmailBrowser, subject: str) -> None:
    """Send a tracked mail from the page."""
    window = browser.compose(to=[FLYNN], subject=subject, body='<a href="https://www.acme.example/">Hello</a>')
    browser.send(window)


def find_pixel(html: str) -> str:
    """Return the address of the pixel in a mail's HTML."""
    found = re.search(r'src="([^"]+/o/[^"]+)"', html)
    assert found
    return found[1]


def asks_for(address: str) -> Callable[[Request], bool]:
    """Tell the requests for an address, which go without its fragment."""
    return lambda request: request.url == address.partition("#")[0]


def open_sidebar(browser: GmailBrowser) -> None:
    """Open Gmail's side panel at our icon."""
    browser.page.locator(".sidebar_global_iconArea button[data-tooltip=Warmline]").click()
    expect(browser.sidebar.get_by_role("link", name="Engagement")).to_be_visible()


def test_sidebar_shows_three_tabs_and_what_happens_now(browser: GmailBrowser, program: Program) -> None:
    browser.open("inbox")
    open_sidebar(browser)
    tabs = browser.sidebar.locator(".window-tab:visible")
    expect(tabs).to_have_text(["Engagement", "Tasks", "Target"])
    expect(browser.sidebar.locator("#stream-state")).to_have_text("Live")
    subject = f"News {secrets.token_hex(4)}"
    program.report(FLYNN, subject=subject)
    expect(browser.sidebar.locator("#feed-rows > li", has_text=subject)).to_be_visible()
    program.add_task(f"Call {subject}")
    tabs.get_by_text("Tasks").click()
    expect(browser.sidebar.get_by_role("link", name=f"Call {subject}")).to_be_visible()
    tabs.get_by_text("Target").click()
    expect(browser.sidebar.locator("#panel")).to_contain_text("Score")
    assert browser.warnings == []
    assert browser.errors == []


def test_open_thread_stands_in_the_sidebar_and_the_server_knows(
    browser: GmailBrowser, gmail: GmailServer, delivered: list[dict[str, Any]], warmline: Installation
) -> None:
    page = browser.open("sent")
    subject = f"Thread {secrets.token_hex(4)}"
    send(browser, subject)
    gmail.threads = [make_thread(gmail.sent[0], delivered[0])]
    page.reload()
    open_sidebar(browser)
    page.locator("tr.zA", has_text=subject).click()
    expect(browser.sidebar.locator("#thread")).to_contain_text(FLYNN)
    expect(browser.sidebar.locator("#thread")).to_contain_text(subject)  # once the history was read
    assert wait_until(lambda: count_openings(warmline, delivered[0]["threadId"]), "telling the server") >= 1
    page.evaluate("location.hash = '#inbox'")
    expect(browser.sidebar.locator(".window-tab:visible")).to_have_count(3)


def test_thread_in_the_address_is_told_without_a_click(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.open("sent")
    send(browser, "By address")
    thread_id = f"{secrets.randbits(60) | 1 << 60:016x}"
    gmail.threads = [make_thread(gmail.sent[0], {"id": thread_id, "threadId": thread_id})]
    browser.page.goto("about:blank")
    browser.open(f"sent/{thread_id}")
    wait_until(lambda: count_openings(warmline, thread_id), "telling the server")


def test_accounts_that_are_not_linked_are_not_told_of(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    browser.context.add_cookies(
        [{"name": "account", "value": "private@elsewhere.example", "url": "https://mail.google.com"}]
    )
    browser.open("sent")
    window = browser.compose(to=[FLYNN], subject="Private", body="Hello")
    expect(window.get_by_role("button", name="Not tracked: This Gmail account is not linked")).to_be_visible()
    window.get_by_role("button", name="Send", exact=True).click()
    wait_until(lambda: gmail.sent, "sending")
    assert gmail.sent[0].body == '<div dir="ltr">Hello</div>'
    thread_id = f"{secrets.randbits(60) | 1 << 60:016x}"
    gmail.threads = [make_thread(gmail.sent[0], {"id": thread_id, "threadId": thread_id})]
    browser.page.reload()
    browser.page.locator("tr.zA", has_text="Private").click()
    browser.page.get_by_role("heading", name="Private").wait_for()
    browser.compose()  # by now an opened thread would have been told
    assert count_openings(warmline, thread_id) == 0


def test_own_pixel_does_not_load_proxied_or_direct_and_other_images_do(
    browser: GmailBrowser, gmail: GmailServer, delivered: list[dict[str, Any]], warmline: Installation
) -> None:
    page = browser.open("sent")
    send(browser, "Mine")
    own = find_pixel(gmail.sent[0].body)
    edge = warmline.settings.edge_base_url
    others = f"{edge}/o/{'0' * 12}/{own.rsplit('/', 1)[1]}"
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(f"{request.url} {request.failure}"))
    for is_proxied in (True, False):
        thread_id = f"{secrets.randbits(60) | 1 << 60:016x}"
        html = show_images(own, others, is_proxied=is_proxied)
        gmail.threads = [make_thread(gmail.sent[0], {"id": thread_id, "threadId": thread_id}, html)]
        mine, theirs = (proxy_image(one) if is_proxied else one for one in (own, others))
        with page.expect_event("requestfinished", asks_for(theirs)), page.expect_event("requestfailed", asks_for(mine)):
            page.evaluate("id => { location.hash = `#sent/${id}` }", thread_id)
        blocked = [line for line in failed if line.endswith("net::ERR_BLOCKED_BY_CLIENT") and "inboxsdk" not in line]
        assert len(blocked) == (1 if is_proxied else 2)
    assert gmail.proxied == [others]


def test_reply_quotes_without_own_pixels_and_belongs_to_its_thread(
    browser: GmailBrowser, gmail: GmailServer, delivered: list[dict[str, Any]], warmline: Installation
) -> None:
    page = browser.open("sent")
    subject = f"Reply {secrets.token_hex(4)}"
    send(browser, subject)
    old, thread_id = find_pixel(gmail.sent[0].body), delivered[0]["threadId"]
    gmail.threads = [make_thread(gmail.sent[0], delivered[0], "<p>Hello</p>")]
    page.evaluate("id => { location.hash = `#sent/${id}` }", thread_id)
    page.get_by_role("heading", name=subject).wait_for()
    quote = f"<p>And?</p><blockquote>{show_images(old)}</blockquote>"
    reply = {"thread_id": thread_id, "message_id": "msg-f:1"}
    page.evaluate(
        "options => openCompose(options)", {"to": [FLYNN], "subject": f"Re: {subject}", "body": quote, "reply": reply}
    )
    page.locator(".M9 .warmline-toggle").wait_for()
    page.locator(".M9").get_by_role("button", name="Send", exact=True).click()
    wait_until(lambda: len(gmail.sent) == 2, "sending")
    body = gmail.sent[1].body
    assert old not in body
    assert find_pixel(body).startswith(warmline.settings.edge_base_url)
    assert body.count("/o/") == 1
    assert browser.warnings == []


def test_sent_thread_is_marked_with_a_word_and_a_shape(
    browser: GmailBrowser, gmail: GmailServer, delivered: list[dict[str, Any]], prospect: Any
) -> None:
    page = browser.open("sent")
    subject = f"Marked {secrets.token_hex(4)}"
    send(browser, subject)
    gmail.threads = [make_thread(gmail.sent[0], delivered[0])]
    page.reload()
    mark = page.locator("tr.zA", has_text=subject).locator(".warmline-mark")
    expect(mark).to_have_accessible_name("Warmline: Not seen")
    flynn = prospect(FLYNN)
    mail = flynn.read(subject)
    flynn.click(mail)
    expect(mark).to_have_accessible_name(re.compile("ead$"))  # so soon it may have been a machine
    flynn.reply(mail, "Yes, please.")
    expect(mark).to_have_accessible_name("Warmline: Read")
    shapes = {mark.locator("img").get_attribute("src")}
    browser.ask("changeChoices", choices={"showsMarks": False})
    expect(mark).to_have_count(0)
    browser.ask("changeChoices", choices={"showsMarks": True})
    expect(mark).to_have_accessible_name("Warmline: Read")
    assert shapes == {mark.locator("img").get_attribute("src")}


def count_openings(warmline: Installation, thread_id: str) -> int:
    """Return how often the server was told that the member opened a thread."""
    db = Database(warmline.settings.database_url)
    with db.session() as session:
        count = len(session.exec(select(ThreadOpening.id).where(ThreadOpening.gmail_thread_id == thread_id)).all())
    db.dispose()
    return count
