"""Gmail with the extension before it is paired, and on a page that is not as expected: nothing of Gmail's suffers."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.extension.gmail_page.browser import OURS, GmailBrowser
from tests.extension.gmail_page.server import GmailServer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_mail_goes_out_as_written_before_pairing(open_browser: Callable[[], GmailBrowser], gmail: GmailServer) -> None:
    browser = open_browser()
    browser.open("inbox")
    window = browser.compose(to=["flynn@flynnsarcade.com"], subject="Lunch?", body="<b>Today</b>?")
    expect(window.get_by_role("button", name="Not tracked")).to_have_attribute("aria-pressed", "false")
    browser.send(window)
    assert [mail.body for mail in gmail.sent] == ['<div dir="ltr"><b>Today</b>?</div>']
    expect(browser.bar).to_be_hidden()  # nobody is told of what they never set up
    assert browser.warnings == []
    assert browser.errors == []


def test_missing_element_fails_by_name_once_and_gmail_goes_on(
    open_browser: Callable[[], GmailBrowser], gmail: GmailServer
) -> None:
    browser = open_browser()
    browser.page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => document.querySelector('.brC-brG').replaceChildren())"
    )
    with browser.page.expect_console_message(lambda message: message.text.startswith(OURS)):
        browser.open("inbox")
        for subject in ("First", "Second"):
            window = browser.compose(to=["flynn@flynnsarcade.com"], subject=subject, body="Hello")
            browser.send(window)
            expect(window).to_be_hidden()
    assert [mail.subject for mail in gmail.sent] == ["First", "Second"]
    named = [warning.removeprefix("Warmline: ").partition(" is not where")[0] for warning in browser.warnings]
    assert named == ["Gmail's side panel"]


def test_inboxsdk_telemetry_is_blocked(open_browser: Callable[[], GmailBrowser]) -> None:
    browser = open_browser()
    failed: list[str] = []
    browser.page.on("requestfailed", lambda request: failed.append(f"{request.url} {request.failure}"))
    with browser.page.expect_event("requestfailed", lambda request: "inboxsdk.com" in request.url):
        browser.open("inbox")
        browser.compose()
    elsewhere = [line for line in failed if "inboxsdk.com" in line]
    assert elsewhere
    assert all(line.endswith("net::ERR_BLOCKED_BY_CLIENT") for line in elsewhere)
