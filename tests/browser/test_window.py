"""The floating window and what comes with it, as a person uses them: in step while the app navigates and is closed."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.prospect import Prospect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PATIENCE_MS = 60_000
HEARD = """
window.Notification = class {
  static permission = "granted";
  static async requestPermission() { return "granted"; }
  constructor(title, options) {
    localStorage.heard = JSON.stringify([...JSON.parse(localStorage.heard ?? "[]"), `${title} ${options.body}`]);
  }
  addEventListener() {}
  close() {}
};
"""


@pytest.fixture
def flynn(warmline: Installation) -> Iterator[Prospect]:
    """Somebody who gets mail."""
    prospect = Prospect(warmline.demo_info(), "flynn@flynnsarcade.com")
    yield prospect
    prospect.gmail.close()


def send(page: Page, to: str) -> str:
    """Send a mail as the API's caller would, and return its subject."""
    subject = f"Floating {secrets.token_hex(4)}"
    page.goto("/compose")
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Subject").fill(subject)
    page.locator("#editor").click()
    page.keyboard.type("Hello, this is about our prices.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Sent", exact=True).first).to_be_visible()
    return subject


def float_feed(page: Page) -> Page:
    """Open the floating window from the app, and wait until it is live."""
    page.goto("/")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open floating feed").click()
    window = opened.value
    window.set_viewport_size({"width": 320, "height": 640})
    expect(window.locator("#stream-state")).to_have_text("Live")
    return window


def views(page: Page, subject: str, count: int) -> None:
    """Expect `count` rows that say that the mail was viewed."""
    rows = page.locator("#feed-rows > li", has_text=subject).filter(has_text="viewed")
    expect(rows).to_have_count(count)


def test_the_window_stays_live_while_the_app_navigates_and_after_it_is_closed(page: Page, flynn: Prospect) -> None:
    subject = send(page, flynn.email)
    mail = flynn.read(subject)
    window = float_feed(page)
    flynn.view(mail)
    views(window, subject, 1)
    page.goto("/messages")
    flynn.view(mail)
    views(window, subject, 2)
    page.close()
    flynn.view(mail)
    views(window, subject, 3)
    assert window.evaluate("document.documentElement.scrollWidth") == 320


def test_the_control_shows_the_window_that_is_open(page: Page) -> None:
    window = float_feed(page)
    window.get_by_role("link", name="Tasks", exact=True).click()
    expect(window.get_by_role("heading", name="Tasks")).to_have_count(1)
    page.get_by_role("link", name="Open floating feed").click()
    page.goto("/target")
    page.get_by_role("link", name="Open floating feed").click()
    expect(window.get_by_role("link", name="Tasks", exact=True)).to_have_attribute("aria-current", "page")
    assert len(page.context.pages) == 2


def test_kept_on_top_it_outlives_the_app_and_comes_back(page: Page, flynn: Prospect) -> None:
    subject = send(page, flynn.email)
    mail = flynn.read(subject)
    window = float_feed(page)
    with page.context.expect_page() as opened:
        window.get_by_role("button", name="Keep on top").click()
    on_top = opened.value.frame_locator("iframe")
    expect(on_top.locator("#stream-state")).to_have_text("Live")
    page.close()
    flynn.view(mail)
    row = on_top.locator("#feed-rows > li", has_text=subject)
    expect(row).to_have_count(1)
    with opened.value.expect_event("close"):
        window.get_by_role("button", name="Bring it back here").click()
    views(window, subject, 1)
    assert window.context.pages == [window]


def test_three_tabs_stand_in_order_and_the_last_one_is_kept(page: Page) -> None:
    window = float_feed(page)
    assert window.locator(".window-tab").all_inner_texts() == ["Engagement", "Tasks", "Target"]
    window.get_by_role("link", name="Target", exact=True).click()
    expect(window.locator("#target-panel")).to_be_visible()
    window.close()
    page.goto("/window")
    expect(page.get_by_role("link", name="Target", exact=True)).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Engagement", exact=True).press("Enter")
    expect(page.locator("#stream-state")).to_have_text("Live")


def test_links_of_the_window_open_in_the_app(page: Page, flynn: Prospect) -> None:
    subject = send(page, flynn.email)
    flynn.view(flynn.read(subject))
    window = float_feed(page)
    views(window, subject, 1)
    window.get_by_role("link", name=subject).first.click()
    page.wait_for_url("**/messages/*")
    assert window.url.endswith("/window")


def test_repeated_rows_fold_under_the_newest_and_open(page: Page, flynn: Prospect) -> None:
    subject = send(page, flynn.email)
    mail = flynn.read(subject)
    window = float_feed(page)
    for count in (1, 2, 3):
        flynn.view(mail)
        views(window, subject, count)
    rows = window.locator("#feed-rows > li", has_text=subject)
    button = rows.first.get_by_role("button", name="3 times")
    expect(button).to_have_attribute("aria-expanded", "false")
    assert [row.is_visible() for row in rows.all()] == [True, False, False]
    button.press("Enter")
    assert [row.is_visible() for row in rows.all()] == [True, True, True]
    flynn.view(mail)
    views(window, subject, 4)
    assert [row.is_visible() for row in rows.all()] == [True, True, True, True]
    ids = [row.get_attribute("data-id") for row in rows.all()]
    window.reload()
    expect(rows.first.get_by_role("button", name="4 times")).to_be_visible()
    assert [row.get_attribute("data-id") for row in rows.all()] == ids


def test_a_search_keeps_other_rows_out_until_it_is_cleared(page: Page, flynn: Prospect) -> None:
    subject = send(page, flynn.email)
    mail = flynn.read(subject)
    page.goto("/?q=is:replyed")
    expect(page.get_by_role("alert")).to_contain_text("Did you mean is:replied?")
    page.get_by_label("Search the feed").fill(f'is:replied subject:"{subject}"')
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing in your feed matches")).to_be_visible()
    expect(page.locator("#stream-state")).to_have_text("Live")
    flynn.view(mail)
    flynn.reply(mail, "Yes!")
    expect(page.locator("#feed-rows > li")).to_have_count(1)
    expect(page.locator("#feed-rows > li")).to_contain_text("replied to")
    page.get_by_role("link", name="Clear the search").click()
    views(page, subject, 1)


def test_one_of_several_windows_notifies_and_a_muted_person_does_not(
    new_member: Callable[..., BrowserContext], flynn: Prospect
) -> None:
    context = new_member()
    context.add_init_script(HEARD)
    first, second = context.new_page(), context.new_page()
    subject = send(first, flynn.email)
    mail = flynn.read(subject)
    for one in (first, second):
        one.goto("/")
        expect(one.locator("#stream-state")).to_have_text("Live")
    flynn.view(mail)
    told = hear(first, subject, "viewed")
    flynn.view(mail)  # not the first view
    views(first, subject, 2)
    menu = first.locator("#feed-rows > li", has_text=subject).first.get_by_role("button", name="What you can do")
    menu.click()
    first.get_by_role("button", name="Do not notify me of them").click()
    expect(first.get_by_role("button", name="Notify me of them again")).to_be_visible()
    flynn.reply(mail, "Yes!")
    expect(replies(first, subject)).to_have_count(1)
    first.get_by_role("button", name="Notify me of them again").click()
    expect(first.get_by_role("button", name="Do not notify me of them")).to_be_visible()
    flynn.reply(mail, "Yes, really!")
    assert len(hear(first, subject, "replied to")) == len(told) + 1 == 2


def hear(page: Page, subject: str, words: str) -> list[str]:
    """Wait for a notification of the mail with these words, and return all that any window showed about it."""
    page.wait_for_function(
        """([subject, words]) => JSON.parse(localStorage.heard ?? "[]")
            .some((text) => text.includes(subject) && text.includes(words))""",
        arg=[subject, words],
        timeout=PATIENCE_MS,
    )
    heard: list[str] = page.evaluate("JSON.parse(localStorage.heard)")
    return [text for text in heard if subject in text]


def replies(page: Page, subject: str) -> Locator:
    """Return the rows that say that the mail was replied to."""
    return page.locator("#feed-rows > li", has_text=subject).filter(has_text="replied to")


def test_the_settings_ask_only_on_a_click_and_tell_the_state(
    new_member: Callable[..., BrowserContext], warmline: Installation
) -> None:
    context = new_member()
    page = context.new_page()
    page.goto("/settings/notifications")
    state = page.locator("#desktop")
    assert state.get_attribute("data-permission") in ("default", "denied")  # Chromium without a head denies at once
    context.grant_permissions(["notifications"], origin=warmline.settings.base_url)
    page.reload()
    expect(state).to_have_attribute("data-permission", "granted")
    expect(page.get_by_role("button", name="Show one now")).to_be_visible()
    expect(page.get_by_role("button", name="Allow desktop notifications")).to_be_hidden()
