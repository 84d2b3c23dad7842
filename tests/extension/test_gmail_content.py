"""The "Content" button and "Send individually" in Gmail's compose."""

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.program import Program
from tests.browser.prospect import Prospect, find_pixel
from tests.extension.gmail_page.browser import GmailBrowser
from tests.extension.gmail_page.server import GmailServer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FLYNN, ALAN = "flynn@flynnsarcade.com", "alan@encom.com"


def open_menu(browser: GmailBrowser, window: Locator) -> Locator:
    """Open the "Content" menu of a compose window."""
    window.get_by_role("button", name="Content").click()
    return browser.page.locator(".warmline-menu")


def test_snippet_goes_where_the_cursor_stands(browser: GmailBrowser, program: Program) -> None:
    name = f"Greeting {secrets.token_hex(4)}"
    html = "<p>Our <b>new</b> prices</p>"
    program.post("/templates", kind="snippet", name=name, html=html)
    page = browser.open("inbox")
    window = browser.compose(to=[FLYNN], subject="Prices", body="<p>Above</p><p>Below</p>")
    window.get_by_label("Message Body").get_by_text("Below").click()
    page.keyboard.press("Home")
    menu = open_menu(browser, window)
    menu.get_by_role("button", name="Snippets").click()
    menu.get_by_role("searchbox").fill(name)
    menu.get_by_role("button", name=name).click()
    expect(window.get_by_label("Message Body")).to_contain_text("Our new prices")
    text = window.get_by_label("Message Body").inner_text()
    assert text.index("Above") < text.index("Our new prices") < text.index("Below")
    expect(menu).to_have_count(0)
    assert browser.errors == []


def test_template_brings_its_subject_and_names_the_recipient(browser: GmailBrowser, program: Program) -> None:
    name = f"Offer {secrets.token_hex(4)}"
    program.post("/templates", kind="template", name=name, subject="An offer", html="<p>Hello {{first_name|there}}</p>")
    browser.open("inbox")
    window = browser.compose(to=["somebody@unknown.example"])
    window.get_by_label("Message Body").click()
    menu = open_menu(browser, window)
    menu.get_by_role("button", name="Templates").click()
    menu.get_by_role("button", name=name).click()
    expect(window.get_by_label("Message Body")).to_contain_text("Hello there")
    expect(window.get_by_label("Subject")).to_have_value("An offer")


def test_each_recipient_gets_a_mail_of_their_own(
    browser: GmailBrowser, gmail: GmailServer, prospect: Callable[[str], Prospect]
) -> None:
    page = browser.open("inbox")
    subject = f"Each {secrets.token_hex(4)}"
    window = browser.compose(to=[FLYNN], subject=subject, body="<p>Hello</p>")
    button = window.get_by_role("button", name="Send individually")
    expect(button).to_be_hidden()
    window.get_by_label("To recipients").fill(ALAN)
    window.get_by_label("To recipients").press("Enter")
    expect(button).to_be_visible()
    button.click()
    page.get_by_role("button", name="Never Mind").click()
    expect(window).to_be_visible()
    button.click()
    page.get_by_role("button", name="Send 2 mails").click()
    expect(window).to_be_hidden(timeout=10_000)
    expect(browser.bar).to_contain_text("2 mails are on their way")
    assert gmail.sent == []
    mails = [prospect(address).read(subject) for address in (FLYNN, ALAN)]
    assert [mail["To"] for mail in mails] == [FLYNN, ALAN]
    assert len({find_pixel(mail) for mail in mails}) == 2


@pytest.mark.parametrize(
    "part", ["<input name='attach' type='hidden'>", "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"]
)
def test_what_only_gmail_can_send_is_not_sent_individually(
    browser: GmailBrowser, gmail: GmailServer, part: str
) -> None:
    browser.open("inbox")
    window = browser.compose(to=[FLYNN, ALAN], subject="Files", body=f"<p>Hello</p>{part}")
    window.get_by_role("button", name="Send individually").click()
    expect(browser.bar).to_contain_text("Nothing was sent.")
    expect(window).to_be_visible()
    assert gmail.sent == []
