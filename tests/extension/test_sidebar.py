"""The sidebar's page: three tabs live, the thread of Gmail, and each way in which the server may not be there."""

import secrets
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.program import Program
from tests.extension.gmail_page.browser import GmailBrowser
from tests.extension.gmail_page.pairing import revoke_device
from tests.extension.relay import Relay
from tests.stand_in import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def relay(warmline: Installation) -> Iterator[Relay]:
    """A server that can be away."""
    relay = Relay(warmline.settings.port)
    yield relay
    relay.leave()


@pytest.fixture
def relayed(open_browser: Callable[[], GmailBrowser], relay: Relay, token: str) -> GmailBrowser:
    """A browser that is paired with the relay."""
    browser = open_browser()
    browser.pair(relay.url, token)
    return browser


def open_sidebar(browser: GmailBrowser, is_live: bool = True) -> Page:
    """Return the sidebar's page, as narrow as Gmail shows it."""
    page = browser.context.new_page()
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(browser.options.evaluate("chrome.runtime.getURL('sidebar/sidebar.html')"))
    if is_live:
        expect(page.locator("#stream-state")).to_have_text("Live")
    return page


def tab(page: Page, name: str) -> Locator:
    """Return the tab `name`."""
    return page.get_by_role("navigation", name="Live Feed").get_by_role("link", name=name)


def read_badge(browser: GmailBrowser) -> str:
    """Return what stands on the extension's icon."""
    badge: str = browser.options.evaluate("chrome.action.getBadgeText({})")
    return badge


def try_again(page: Page) -> None:
    """Press the button, also where what it is about has just passed by itself and hid it."""
    page.locator("#trouble-way-out").get_by_text("Try again").dispatch_event("click")


def test_three_tabs_are_live_and_the_last_one_is_kept(browser: GmailBrowser, program: Program) -> None:
    _person_id, email = program.add_person("Sam Flynn")
    page = open_sidebar(browser)
    names = page.get_by_role("navigation", name="Live Feed").get_by_role("link").all_inner_texts()
    assert names == ["Engagement", "Tasks", "Target"]
    offer = f"Offer {secrets.token_hex(4)}"
    program.report(email, "clicked", subject=offer)
    row = page.locator("#feed-rows > li", has_text=offer)
    expect(row).to_contain_text("Sam Flynn")
    assert page.evaluate("document.documentElement.scrollWidth") == 320

    tab(page, "Tasks").click()
    name = f"Call {secrets.token_hex(4)}"
    expect(page.locator("#task-list")).to_be_visible()
    program.add_task(name)
    expect(page.get_by_role("link", name=name)).to_be_visible()

    tab(page, "Target").click()
    expect(page.locator("#panel")).to_contain_text("Sam Flynn")
    _person_id, other = program.add_person("Quorra Iso")
    program.report(other, "clicked", subject=offer)
    expect(page.locator("#panel")).to_contain_text("Quorra Iso")
    page.reload()
    expect(tab(page, "Target")).to_have_attribute("aria-current", "page")
    expect(page.locator("#panel")).to_contain_text("Quorra Iso")
    assert browser.errors == []


def test_task_is_added_and_ticked_off_in_the_sidebar(browser: GmailBrowser, program: Program) -> None:
    page = open_sidebar(browser)
    tab(page, "Tasks").click()
    page.get_by_role("link", name="New task").click()
    name = f"Write {secrets.token_hex(4)}"
    page.get_by_label("Task", exact=True).fill(name)
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    page.get_by_role("button", name=f"Mark “{name}” as done").click()
    expect(page.get_by_role("button", name=f"Mark “{name}” as done")).to_have_count(0)
    assert name in [task["name"] for task in program.get("/tasks", state="done")["items"]]


def test_links_lead_to_the_server_in_a_tab_of_their_own(
    browser: GmailBrowser, program: Program, warmline: Installation
) -> None:
    person_id, _email = program.add_person("Kevin Flynn")
    program.add_task("Ask Kevin", person_id=person_id)
    page = open_sidebar(browser)
    tab(page, "Tasks").click()
    link = page.get_by_role("link", name="Kevin Flynn").first
    expect(link).to_have_attribute("href", f"{warmline.settings.base_url}/people/{person_id}")
    with browser.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_url(f"{warmline.settings.base_url}/**")
    expect(tab(page, "Tasks")).to_have_attribute("aria-current", "page")


def test_thread_that_gmail_shows_has_a_tab_while_it_is_open(browser: GmailBrowser, program: Program) -> None:
    _person_id, email = program.add_person("Lora Baines")
    page = open_sidebar(browser)
    thread = {
        "gmailThreadId": secrets.token_hex(8),
        "mailbox": "riley@warmline.example",
        "subject": "",
        "addresses": [email],
    }
    page.evaluate("thread => chrome.runtime.sendMessage({ type: 'threadOpened', thread })", thread)
    expect(tab(page, "Thread")).to_have_attribute("aria-current", "page")
    expect(page.locator("#thread")).to_contain_text("Lora Baines")
    page.evaluate("chrome.runtime.sendMessage({ type: 'threadClosed', gmailThreadId: 'another' })")
    page.evaluate("chrome.runtime.sendMessage({ type: 'threadClosed' })")
    expect(tab(page, "Thread")).to_be_hidden()
    expect(tab(page, "Engagement")).to_have_attribute("aria-current", "page")
    expect(page.locator("#feed")).to_be_visible()


def test_revoked_browser_says_so_and_shows_nothing_any_more(
    browser: GmailBrowser, warmline: Installation, token: str
) -> None:
    page = open_sidebar(browser)
    revoke_device(warmline.settings.base_url, token)
    expect(page.get_by_role("alert")).to_contain_text("was revoked")
    expect(page.locator("#feed")).to_have_count(0)
    wait_until(lambda: read_badge(browser) == "!", "the badge")
    page.get_by_role("button", name="Open the options").click()
    expect(browser.options.get_by_role("alert")).to_contain_text("was revoked")
    expect(browser.options.get_by_role("button", name="Connect")).to_be_visible()


def test_server_away_is_said_beside_what_was_loaded_until_it_is_back(relayed: GmailBrowser, relay: Relay) -> None:
    page = open_sidebar(relayed)
    relay.leave()
    tab(page, "Tasks").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    expect(page.get_by_role("alert")).to_contain_text(relay.url)
    expect(tab(page, "Tasks")).to_be_visible()
    wait_until(lambda: read_badge(relayed) == "!", "the badge")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    relay.come_back()
    try_again(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#task-list")).to_be_visible()
    wait_until(lambda: read_badge(relayed) != "!", "the badge")


def test_extension_that_is_too_old_says_so(relayed: GmailBrowser, relay: Relay) -> None:
    page = open_sidebar(relayed)
    version = relayed.options.evaluate("chrome.runtime.getManifest().version").encode()
    relay.ages = (b"X-Warmline-Extension: " + version, b"X-Warmline-Extension: 0." + b"0" * (len(version) - 2))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("too old")
    expect(page.get_by_role("button", name="Show the extension")).to_be_visible()
    expect(page.locator("#feed")).to_have_count(0)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    relay.ages = None
    try_again(page)
    expect(page.locator("#feed")).to_be_visible()


def test_unpaired_sidebar_leads_to_the_options(open_browser: Callable[[], GmailBrowser]) -> None:
    browser = open_browser()
    page = open_sidebar(browser, is_live=False)
    expect(page.get_by_role("alert")).to_contain_text("not connected to a Warmline")
    expect(page.get_by_role("button", name="Open the options")).to_be_visible()
    expect(page.get_by_role("navigation", name="Live Feed")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sidebar_and_options_pass_axe(browser: GmailBrowser, scheme: Literal["light", "dark"]) -> None:
    page = open_sidebar(browser)
    for one in (page, browser.options):
        one.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        one.evaluate("document.getAnimations().forEach((each) => each instanceof CSSTransition && each.finish())")
        results = Axe().run(one)
        assert results.violations_count == 0, results.generate_report()
