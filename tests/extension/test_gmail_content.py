"""The "Content" button and "Send individually" in Gmail's compose."""

import re
import secrets
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Installation
from tests.browser.program import Program
from tests.browser.prospect import Prospect, find_pixel
from tests.documents.files import make_pdf
from tests.extension.gmail_page.browser import GmailBrowser
from tests.extension.gmail_page.server import GmailServer
from tests.stand_in import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FLYNN, ALAN = "flynn@flynnsarcade.com", "alan@encom.com"


@pytest.fixture
def document(warmline: Installation, token: str) -> str:
    """A document of the library, by its name."""
    name = f"Prices {secrets.token_hex(4)}"
    files = {"file": (f"{name}.pdf", make_pdf(), "application/pdf")}
    headers = {"Authorization": f"Bearer {token}", "X-Warmline-Extension": "999.0.0"}
    answer = requests.post(f"{warmline.settings.base_url}/documents/picker", files=files, headers=headers, timeout=60)
    assert name in answer.text
    return name


def open_menu(browser: GmailBrowser, window: Locator) -> Locator:
    """Open the "Content" menu of a compose window."""
    window.get_by_role("button", name="Content").click()
    return browser.page.locator(".warmline-menu")


def test_snippet_goes_where_the_cursor_stands(browser: GmailBrowser, program: Program) -> None:
    name = f"Greeting {secrets.token_hex(4)}"
    html = "<p>Our <b>new</b> prices</p>"
    for one in (name, "Farewell"):
        program.post("/templates", kind="snippet", name=one, html=html)
    page = browser.open("inbox")
    window = browser.compose(to=[FLYNN], subject="Prices", body="<p>Above</p><p>Below</p>")
    window.get_by_label("Message Body").get_by_text("Below").click()
    page.keyboard.press("Home")
    menu = open_menu(browser, window)
    menu.get_by_role("button", name="Snippets").click()
    expect(menu.get_by_role("button", name="Farewell")).to_be_visible()
    menu.get_by_role("searchbox").fill(name)
    expect(menu.get_by_role("button", name="Farewell")).to_have_count(0)  # the list will not change any more
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


def test_document_goes_in_as_a_link_that_is_each_mails_own(
    browser: GmailBrowser, gmail: GmailServer, document: str, warmline: Installation
) -> None:
    browser.open("inbox")
    edge = warmline.settings.edge_base_url
    for _ in range(2):
        window = browser.compose(to=[FLYNN], subject="Prices", body="<p>Look:</p>")
        window.get_by_label("Message Body").click()
        open_menu(browser, window).get_by_role("button", name=document).click()
        link = window.get_by_label("Message Body").get_by_role("link", name=document)
        expect(link).to_have_attribute("href", re.compile(f"^{re.escape(edge)}/d/"))
        window.get_by_role("button", name="Send", exact=True).click()
        expect(window).to_be_hidden()
    wait_until(lambda: len(gmail.sent) == 2, "sending")
    links = {tuple(re.findall(r'href="([^"]+/d/[^"]+)"', mail.body)) for mail in gmail.sent}
    assert len(links) == 2
    assert all(len(found) == 1 for found in links)


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
    expect(window).to_be_hidden()
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
