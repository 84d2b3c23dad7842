"""Every page of the app, looked at by axe in both colour schemes, on a phone and in French."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MEMBERS_PAGES = (
    "/", "/?machine=shown", "/compose", "/messages", "/messages/1", "/mailboxes", "/team", "/settings/profile",
    "/settings/tokens", "/settings/workspace", "/sandbox", "/no-such-page",
)  # fmt: skip
OPEN_PAGES = ("/sign-in", "/setup/wrong", "/invitations/wrong")


def find_faults(page: Page) -> list[str]:
    """Return what axe finds on `page`, a line each, and whether it scrolls sideways."""
    found = Axe().run(page).response["violations"]
    faults = [f"{fault['id']}: {fault['help']} {[node['target'] for node in fault['nodes'][:3]]}" for fault in found]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
        faults.append("the page scrolls sideways")
    return faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_is_without_fault(
    new_member: Callable[..., BrowserContext], chromium: Browser, warmline: Installation, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    page = new_member(color_scheme=scheme, viewport=size, reduced_motion="reduce").new_page()
    faults = {}
    for path in MEMBERS_PAGES:
        page.goto(path)
        faults[path] = find_faults(page)
    stranger = chromium.new_context(base_url=warmline.settings.base_url, color_scheme=scheme, viewport=size)
    page = stranger.new_page()
    for path in OPEN_PAGES:
        page.goto(path)
        faults[path] = find_faults(page)
    stranger.close()
    assert {path: found for path, found in faults.items() if found} == {}


def test_a_french_browser_reads_french(new_member: Callable[..., BrowserContext]) -> None:
    page = new_member(locale="fr-FR").new_page()
    for path in MEMBERS_PAGES[:-1]:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "fr"
        words = page.locator("nav").first.inner_text() + page.locator("h1").first.inner_text()
        assert not re.search(r"\b(Sent|Mailboxes|Settings|Compose|Team)\b", words), (path, words)


def test_first_page_needs_little(new_member: Callable[..., BrowserContext]) -> None:
    context = new_member()
    page, sizes = context.new_page(), {}
    page.on("response", lambda answer: sizes.update({answer.url: answer}))
    page.goto("/", wait_until="networkidle")
    heavy = [answer for url, answer in sizes.items() if re.search(r"\.(js|css)\b", url)]
    compressed = sum(int(answer.header_value("content-length") or len(answer.body())) for answer in heavy)
    assert heavy and all(answer.header_value("content-encoding") in ("br", "gzip") for answer in heavy)
    assert compressed <= 60_000
