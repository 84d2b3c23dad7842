"""The main job, as a person does it: write, send, and see what the recipient does, in every open window."""

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.prospect import AGENT, Prospect, find_pixel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TARGET = "https://www.acme.example/prices?plan=team&x=%20y#compare"


def write(page: Page, to: str, subject: str) -> None:
    """Write and send a mail with a link in the compose page."""
    page.goto("/compose")
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Subject").fill(subject)
    page.locator("#editor").click()
    page.keyboard.type("Hello, have a look: ")
    page.keyboard.type("our prices")
    page.keyboard.press("Shift+Control+ArrowLeft")
    page.get_by_role("button", name="Link", exact=True).click()
    page.get_by_role("textbox", name="Where the link leads").fill(TARGET)
    page.get_by_role("button", name="Set link").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Sent", exact=True).first).to_be_visible()


def rows(page: Page, subject: str) -> Locator:
    """Return the feed's rows about the mail `subject`."""
    return page.locator("#feed-rows > li", has_text=subject)


def row_ids(page: Page, subject: str) -> list[str]:
    """Return the ids of those rows, as they stand."""
    return [element.get_attribute("id") or "" for element in rows(page, subject).all()]


def test_views_clicks_and_replies_appear_in_every_window_without_reload(
    new_member: Callable[..., BrowserContext], prospect: Callable[[str], Prospect]
) -> None:
    context, subject = new_member(), f"Prices {secrets.token_hex(4)}"
    first, second = context.new_page(), new_member().new_page()
    flynn, kevin = prospect("flynn@flynnsarcade.com"), prospect("kevinf@flynnsarcade.com")
    write(first, flynn.email, subject)
    for window in (first, second):
        window.goto("/")
        expect(window.locator("#stream-state")).to_have_text("Live")

    mail = flynn.read(subject)
    assert flynn.view(mail).headers["Content-Type"] == "image/gif"
    for window in (first, second):
        expect(rows(window, subject).filter(has_text="viewed")).to_have_count(1)
    assert flynn.click(mail) == TARGET
    for window in (first, second):
        expect(rows(window, subject).filter(has_text="clicked a link in")).to_have_count(1)
    kevin.reply(mail, "Send me an offer.")
    for window in (first, second):
        expect(rows(window, subject).filter(has_text="replied to")).to_have_count(1)
    expect(rows(first, subject).first).to_contain_text("Kevin")  # the newest first, and the real sender

    assert row_ids(first, subject) == row_ids(second, subject)
    live = row_ids(first, subject)
    first.reload()
    assert row_ids(first, subject) == live


def test_a_window_that_was_cut_off_catches_up_once_and_in_order(
    new_member: Callable[..., BrowserContext], prospect: Callable[[str], Prospect]
) -> None:
    context, subject = new_member(), f"Cut {secrets.token_hex(4)}"
    page = context.new_page()
    flynn = prospect("flynn@flynnsarcade.com")
    write(page, flynn.email, subject)
    page.goto("/")
    expect(page.locator("#stream-state")).to_have_text("Live")
    mail = flynn.read(subject)
    flynn.view(mail)
    expect(rows(page, subject)).to_have_count(1)

    context.set_offline(True)
    expect(page.locator("#stream-state")).to_have_text("Offline")
    for _ in range(3):
        flynn.view(mail)
    flynn.click(mail)
    context.set_offline(False)
    expect(rows(page, subject)).to_have_count(5)
    expect(rows(page, subject).first).to_contain_text("clicked")
    caught_up = row_ids(page, subject)
    page.reload()
    assert row_ids(page, subject) == caught_up


def test_own_browser_never_counts_even_after_signing_out(
    new_member: Callable[..., BrowserContext], prospect: Callable[[str], Prospect]
) -> None:
    context, subject = new_member(user_agent=AGENT), f"Own {secrets.token_hex(4)}"
    page = context.new_page()
    flynn = prospect("flynn@flynnsarcade.com")
    write(page, flynn.email, subject)
    mail = flynn.read(subject)
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.new_page().goto(find_pixel(mail))
    flynn.view(mail)

    watching = new_member().new_page()
    watching.goto("/")
    expect(rows(watching, subject)).to_have_count(1)
    watching.get_by_role("link", name="Show machine events").click()
    expect(rows(watching, subject)).to_have_count(2)
    expect(rows(watching, subject).filter(has=watching.locator(".verdict-self"))).to_have_count(1)
