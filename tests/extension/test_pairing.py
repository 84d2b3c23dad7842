"""The options page: pairing with a real Warmline by its own window, what can go wrong there, and signing out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Installation
from tests.extension.gmail_page.browser import GmailBrowser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def member(open_browser: Callable[[], GmailBrowser], warmline: Installation) -> GmailBrowser:
    """A browser with the extension, in which the demo's member is signed in to Warmline."""
    browser = open_browser()
    page = browser.context.new_page()
    page.goto(f"{warmline.settings.base_url}/sign-in")
    page.locator("form[action='/demo'] button").click()
    page.wait_for_url(f"{warmline.settings.base_url}/")
    page.close()
    return browser


def connect(browser: GmailBrowser, options: Page, server: str) -> Page:
    """Ask for the connection, and return the window in which it is to be confirmed."""
    options.get_by_label("Address of the server").fill(server)
    options.get_by_label("Name of this browser").fill("Work laptop")
    with browser.context.expect_page() as window:
        options.get_by_role("button", name="Connect").click()
    return window.value


def list_filters(browser: GmailBrowser) -> list[str]:
    """Return what the rules of this browser block."""
    rules = browser.options.evaluate("chrome.declarativeNetRequest.getDynamicRules()")
    return [rule["condition"]["urlFilter"] for rule in rules]


def test_member_pairs_a_browser_and_signs_it_out_again(member: GmailBrowser, warmline: Installation) -> None:
    base_url = warmline.settings.base_url
    options = member.options
    window = connect(member, options, base_url.removeprefix("http://"))
    expect(window.get_by_label("Name of this browser")).to_have_value("Work laptop")
    window.get_by_role("button", name="Connect").click()

    expect(options.locator("#paired")).to_contain_text("Connected as Riley Hart")
    expect(options.locator("#paired")).to_contain_text("riley@warmline.example")
    expect(options.locator("#trouble")).to_be_hidden()
    expect(options.get_by_role("status")).to_have_text("This browser is connected.")
    edge = warmline.settings.edge_base_url
    own = [text for text in list_filters(member) if text.startswith(f"|{edge}/o/")]
    assert list_filters(member) == [own[0], f"||googleusercontent.com/*#{own[0][1:]}"]

    settings = member.context.new_page()
    settings.goto(f"{base_url}/settings/tokens")
    expect(settings.get_by_text("Revoke “Work laptop”")).to_have_count(1)
    options.get_by_role("button", name="Disconnect this browser").click()
    expect(options.get_by_role("button", name="Connect", exact=True)).to_be_visible()
    expect(options.get_by_label("Address of the server")).to_have_value(base_url)
    expect(options.get_by_role("status")).to_have_text("This browser is disconnected; its access is revoked.")
    settings.reload()
    expect(settings.get_by_text("Revoke “Work laptop”")).to_have_count(0)
    assert list_filters(member) == []


def test_declined_pairing_says_so_and_can_be_tried_again(member: GmailBrowser, warmline: Installation) -> None:
    options = member.options
    connect(member, options, warmline.settings.base_url).get_by_role("link", name="Not now").click()
    expect(options.get_by_role("alert")).to_contain_text("was not confirmed")
    connect(member, options, warmline.settings.base_url).close()
    expect(options.get_by_role("alert")).to_contain_text("was closed")
    expect(options.get_by_role("button", name="Connect")).to_be_enabled()


@pytest.mark.parametrize(
    "typed", ["", "feed", "http://feed.example.com", "https://me:secret@feed.example.com", "ftp://127.0.0.1"]
)
def test_address_that_is_no_server_is_refused_where_it_was_typed(
    open_browser: Callable[[], GmailBrowser], typed: str
) -> None:
    options = open_browser().options
    field = options.get_by_label("Address of the server")
    field.fill(typed)
    field.press("Enter")
    if typed == "feed":  # a name in the own network: the browser asks, and the extension waits
        expect(options.locator("#server-error")).to_be_hidden()
        return
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(options.locator("#server-error")).to_contain_text("https://")


def test_server_without_permission_is_not_asked(
    open_browser: Callable[[], GmailBrowser], warmline: Installation
) -> None:
    port = warmline.settings.port
    answer = open_browser().ask("pair", server=f"http://localhost:{port}", device="Work laptop")
    assert answer["failure"]["kind"] == "noAccess"
    assert f"localhost:{port}" in answer["failure"]["message"]


def test_switches_are_kept(browser: GmailBrowser) -> None:
    options = browser.options
    options.get_by_label("Show marks in Gmail’s lists").uncheck()
    expect(options.get_by_role("status")).to_have_text("Saved.")
    options.reload()
    expect(options.get_by_label("Show marks in Gmail’s lists")).not_to_be_checked()
    expect(options.get_by_label("Show desktop notifications")).to_be_checked()
    options.get_by_label("Track new mail unless I say otherwise").uncheck()
    expect(options.get_by_role("status")).to_have_text("Saved.")
    standing = browser.ask("readStanding")["value"]
    assert standing["mailboxes"] == [{"address": "riley@warmline.example", "isTracked": False}]
    assert standing["showsMarks"] is False
