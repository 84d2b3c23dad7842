"""What the service worker does by itself: blocks the member's own pixels, counts on the badge, tells what is new."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Installation
from tests.browser.program import Program
from tests.extension.gmail_page.browser import LOAD_MS, GmailBrowser
from tests.extension.gmail_page.pairing import revoke_device
from tests.extension.gmail_page.server import GmailServer, proxy_image

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LOAD = """address => new Promise(resolve => {
  const image = new Image();
  image.onload = () => resolve("loaded");
  image.onerror = () => resolve("blocked");
  image.src = address;
})"""
LISTENS = "(await chrome.storage.session.get('isListening')).isListening === true"


def wait_for(browser: GmailBrowser, condition: str) -> None:
    """Wait until an expression, which may await, is true in a page of the extension."""
    browser.options.evaluate(f"""async () => {{
        const end = Date.now() + {LOAD_MS};
        while (!({condition})) {{
            if (Date.now() > end) throw new Error("this never came true");
            await new Promise(resolve => setTimeout(resolve, 50));
        }}
    }}""")


def test_own_pixel_is_blocked_direct_and_proxied_and_others_are_not(
    browser: GmailBrowser, gmail: GmailServer, warmline: Installation
) -> None:
    (own,) = browser.ask("readStanding")["value"]["ownPixels"]
    other = f"{warmline.settings.edge_base_url}/o/someoneelse/"
    page = browser.open("inbox", wait=False)
    assert page.evaluate(LOAD, f"{own}abc.gif") == "blocked"
    assert page.evaluate(LOAD, proxy_image(f"{own}abc.gif")) == "blocked"
    assert gmail.proxied == []
    assert page.evaluate(LOAD, f"{other}abc.gif") == "loaded"
    assert page.evaluate(LOAD, proxy_image(f"{other}abc.gif")) == "loaded"
    assert gmail.proxied == [f"{other}abc.gif"]


def test_own_pixel_loads_again_after_signing_out(browser: GmailBrowser) -> None:
    (own,) = browser.ask("readStanding")["value"]["ownPixels"]
    browser.ask("signOut")
    page = browser.open("inbox", wait=False)
    assert page.evaluate(LOAD, f"{own}abc.gif") == "loaded"


def test_event_notifies_by_the_worker_alone_and_counts_on_the_badge(browser: GmailBrowser, program: Program) -> None:
    wait_for(browser, LISTENS)
    wait_for(browser, "await chrome.action.getBadgeText({}) === ''")
    _person_id, email = program.add_person("Alan Bradley")
    program.report(email, "clicked", subject="Lunch?")
    wait_for(browser, "Object.keys(await chrome.notifications.getAll()).some(id => id.startsWith('event-'))")
    wait_for(browser, "await chrome.action.getBadgeText({}) === '1'")
    sidebar = browser.context.new_page()
    sidebar.goto(browser.options.evaluate("chrome.runtime.getURL('sidebar/sidebar.html')"))
    expect(sidebar.locator("#feed-rows")).to_contain_text("Lunch?")
    wait_for(browser, "await chrome.action.getBadgeText({}) === ''")  # seen


def test_switch_silences_notifications_of_this_browser(browser: GmailBrowser, program: Program) -> None:
    wait_for(browser, LISTENS)
    browser.ask("changeChoices", choices={"notifies": False})
    _person_id, email = program.add_person("Clu Two")
    program.report(email, "clicked", subject="Dinner?")
    wait_for(browser, "Number(await chrome.action.getBadgeText({})) > 0")
    assert browser.options.evaluate("chrome.notifications.getAll()") == {}


def test_revocation_reaches_the_badge_without_any_page(
    browser: GmailBrowser, warmline: Installation, token: str
) -> None:
    wait_for(browser, LISTENS)
    revoke_device(warmline.settings.base_url, token)
    wait_for(browser, "await chrome.action.getBadgeText({}) === '!'")
    stored = browser.options.evaluate("chrome.storage.local.get()")
    assert stored["trouble"]["kind"] == "revoked"
    assert stored["pairing"] == {"server": warmline.settings.base_url, "token": ""}
    assert stored["status"] is None


def test_token_cannot_be_read_from_within_gmail(browser: GmailBrowser) -> None:
    page = browser.open("inbox")
    wire = browser.context.new_cdp_session(page)
    contexts: list[dict[str, Any]] = []
    wire.on("Runtime.executionContextCreated", lambda event: contexts.append(event["context"]))
    wire.send("Runtime.enable")
    (ours,) = [
        one
        for one in contexts
        if one["origin"].startswith("chrome-extension://") and one["name"].startswith("Warmline")
    ]
    asked = {"contextId": ours["id"], "awaitPromise": True, "returnByValue": True}
    reading = "chrome.storage.local.get().then(JSON.stringify, String)"
    assert (
        "Access to storage is not allowed"
        in wire.send("Runtime.evaluate", {**asked, "expression": reading})["result"]["value"]
    )
    standing = "chrome.runtime.sendMessage({ type: 'readStanding' }).then(JSON.stringify)"
    answer = wire.send("Runtime.evaluate", {**asked, "expression": standing})["result"]["value"]
    assert "Riley Hart" in answer
    assert "wl_" not in answer
    signing_out = "chrome.runtime.sendMessage({ type: 'signOut' }).then(String, String)"
    wire.send("Runtime.evaluate", {**asked, "expression": signing_out})
    assert browser.ask("readStanding")["value"]["failure"] is None
