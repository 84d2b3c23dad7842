"""Every page of the app and its states, looked at by axe in both colour schemes, on a phone and in French."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Installation
from tests.browser.program import Program

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FEED_PAGES = ("/", "/?machine=shown", "/?of=team", "/?q=is:clicked", "/?q=is:replyed", "/feed/glossary", "/target")
TASKS_PAGES = ("/tasks?due=week&done=shown", "/tasks?from=2026-01-01&to=2026-12-31", "/tasks/new", "/tasks/1/edit")
MAIL_PAGES = ("/compose", "/messages", "/messages/1", "/mailboxes", "/sandbox", "/no-such-page")
PEOPLE_PAGES = (
    "/people", "/people?of=team&sort=score", "/people?q=no-such@person.example", "/people/new", "/people/1",
    "/people/1/edit", "/people/1/timeline", "/people/1/score", "/people/1/merge", "/people/1/merge?with=2",
    "/people/imports", "/people/imports/1", "/people/imports/2", "/people/menu?person=1",
    "/people/menu?address=new@person.example",
)  # fmt: skip
LIBRARY_PAGES = (
    "/library", "/library?q=no-such-template", "/library?of=team", "/library/new", "/library/new?kind=snippet",
    "/library/signatures", "/library/signatures/new",
)  # fmt: skip
DOCUMENTS_PAGES = ("/documents", "/documents?q=no-such-name")
CAMPAIGN_PAGES = (
    "/campaigns", "/campaigns?state=done", "/campaigns/lists", "/campaigns/1", "/campaigns/1/people", "/campaigns/2",
    "/campaigns/2/steps/1", "/campaigns/2/steps/2", "/campaigns/2/steps/3", "/campaigns/2/steps/4",
)  # fmt: skip
HONESTY_PAGES = (
    "/settings/privacy", "/settings/legal", "/settings/suppression", "/settings/extension", "/people/1/consent",
    "/people/1/erasure", "/mailboxes/1/health", "/mailboxes/1/disconnection", "/sandbox/lab",
)  # fmt: skip
SETTINGS_PAGES = (
    "/settings/profile", "/settings/notifications", "/settings/tokens", "/settings/scoring", "/settings/workspace",
    "/settings/people-fields", "/settings/site", "/team",
)  # fmt: skip
WINDOW_PAGES = ("/window?tab=engagement", "/window?tab=tasks", "/window?tab=target")
OPEN_PAGES = ("/sign-in", "/setup/wrong", "/invitations/wrong")
MEMBERS_PAGES = (*FEED_PAGES, *TASKS_PAGES, *MAIL_PAGES, *PEOPLE_PAGES, *LIBRARY_PAGES, *DOCUMENTS_PAGES,
                 *CAMPAIGN_PAGES, *HONESTY_PAGES, *SETTINGS_PAGES, *WINDOW_PAGES)  # fmt: skip
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
WIDTHS = (1280, 360)
LINES = b"email,name,company\nclara@import.example,Clara Import,Import Ltd\nnobody,Faulty Line,None\n"


@pytest.fixture(scope="module")
def furnished(chromium: Browser, warmline: Installation, program: Program) -> None:
    """Something on every page: tasks, one of them late and one done, a warm person, own fields, two imports."""
    late = program.add_task("Call before it is too late", days=-2, kind="call", person_id=1, priority="high")
    program.add_task("Send the price list", kind="email", person_id=2, details="The new one,\nwith the discount.")
    done = program.add_task("Write an InMail", days=1, kind="inmail", priority="low")
    program.put(f"/tasks/{done}/completion")
    assert late == 1
    for kind in ("viewed", "clicked", "interesting_moment"):
        details = {"moment": "milestone", "text": "Asked for a demo"} if kind == "interesting_moment" else {}
        program.report("flynn@flynnsarcade.com", kind, subject="Spring offer", details=details)
        program.report("passer-by@somewhere.example", kind, subject="Spring offer", details=details)
    program.report("flynn@flynnsarcade.com", "viewed", subject="Spring offer", verdict="machine")
    context = chromium.new_context(base_url=warmline.settings.base_url)
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("form[action='/demo'] button").click()
    page.goto("/settings/people-fields")
    page.locator("main").get_by_role("textbox").last.fill("Region")
    page.locator("main").get_by_role("button", name="Add").click()
    for _ in range(2):
        page.goto("/people/imports")
        page.get_by_label("CSV file").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": LINES})
        page.get_by_role("button", name="Upload and look").click()
        expect(page.get_by_role("button", name="Import", exact=True)).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("nobody").first).to_be_visible()
    furnish_campaigns(page)
    context.close()


def furnish_campaigns(page: Page) -> None:
    """Make campaign 1, which runs, and its copy 2, a draft with an email, a wait, a condition and a task."""
    page.goto("/campaigns")
    page.locator("main input[name=name]").fill("Spring follow-up")
    page.locator("main form[action='/campaigns'] button").last.click()
    for kind in ("email", "wait", "condition", "task"):
        page.goto("/campaigns/1")
        page.locator(f"button[name=kind][value={kind}]").click()
        if kind == "email":
            page.get_by_label("Subject").first.fill("Spring, {{first_name|there}}")
            page.locator("[contenteditable=true]").first.fill("Shall we talk?")
        if kind == "task":
            page.get_by_label("What is to be done").fill("Call them")
        page.locator("#template-form p > button.btn-primary").click()
        page.wait_for_url("**/campaigns/1*")
    page.get_by_role("button", name="Make a copy").click()
    page.goto("/campaigns/1")
    page.get_by_role("button", name="Save and confirm").click()
    expect(page.get_by_role("button", name="Pause all")).to_be_visible()


@pytest.fixture
def member_page(new_member: Callable[..., BrowserContext]) -> Page:
    """A page without movement, so that axe sees colours at rest."""
    return new_member(reduced_motion="reduce").new_page()


@pytest.mark.parametrize(
    "paths", [FEED_PAGES, TASKS_PAGES, MAIL_PAGES, PEOPLE_PAGES[:8], PEOPLE_PAGES[8:], LIBRARY_PAGES + DOCUMENTS_PAGES,
              CAMPAIGN_PAGES, HONESTY_PAGES, SETTINGS_PAGES],
    ids=["feed", "tasks", "mail", "people", "more-people", "library", "campaigns", "honesty", "settings"],
)  # fmt: skip
def test_every_page_is_without_fault(furnished: None, member_page: Page, paths: tuple[str, ...]) -> None:
    faults = {}
    for path in paths:
        member_page.goto(path)
        faults.update(find_faults(member_page, path))
    assert faults == {}


def test_the_floating_window_is_without_fault(furnished: None, member_page: Page) -> None:
    faults = {}
    for path in WINDOW_PAGES:
        member_page.goto(path)
        expect(member_page.locator("#window [hx-trigger=load]")).to_have_count(0)
        faults.update(find_faults(member_page, path, (320, 640)))
    assert faults == {}


def test_pages_for_strangers_are_without_fault(chromium: Browser, warmline: Installation) -> None:
    faults = {}
    context = chromium.new_context(base_url=warmline.settings.base_url, reduced_motion="reduce")
    page = context.new_page()
    for path in OPEN_PAGES:
        page.goto(path)
        faults.update(find_faults(page, path))
    context.close()
    assert faults == {}


def test_what_opens_on_a_page_is_without_fault(furnished: None, member_page: Page) -> None:
    page, faults = member_page, {}
    for name in open_states(page):
        faults.update(find_faults(page, name))
    assert faults == {}


def open_states(page: Page) -> Iterator[str]:
    """Bring `page` into one state after another, and yield what each is called."""
    page.goto("/?machine=shown")
    page.get_by_role("button", name="How to search").click()
    expect(page.locator("#feed-glossary")).to_be_visible()
    yield "feed: glossary"
    page.keyboard.press("Escape")
    page.locator(".row-verdict summary").first.click()
    page.get_by_role("button", name="What you can do").first.click()
    expect(page.get_by_role("link", name="Open profile").first).to_be_visible()
    yield "feed: verdict and menu"
    page.goto("/tasks?due=week")
    page.get_by_role("link", name="New task").click()
    expect(page.locator("#task-form")).to_be_visible()
    page.get_by_role("button", name="Move, edit or delete").first.click()
    yield "tasks: form and menu"
    page.goto("/target")
    page.get_by_text("Why?").first.click()
    page.get_by_text("Give or take points").first.click()
    yield "target: sum"
    page.goto("/settings/scoring")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#scoring-preview table")).to_be_visible()
    yield "scoring: preview"


def find_faults(page: Page, name: str, widths: tuple[int, ...] = WIDTHS) -> dict[str, list[str]]:
    """Return what axe finds on `page` in each look, and whether it scrolls sideways, by the look; nothing if fine."""
    faults: dict[str, list[str]] = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())")
            found = Axe().run(page).response["violations"]
            lines = [f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes'][:3]]}" for one in found]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
                lines.append("the page scrolls sideways")
            if lines:
                faults[f"{name} {scheme} {width}"] = lines
    return faults


def test_a_french_browser_reads_french(furnished: None, new_member: Callable[..., BrowserContext]) -> None:
    page = new_member(locale="fr-FR").new_page()
    for path in MEMBERS_PAGES:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "fr"
        words = page.locator("nav").first.inner_text() + page.locator("h1").first.inner_text()
        assert not re.search(r"\b(Sent|Mailboxes|Settings|Compose|Team|Feed|Tasks|Target|People)\b", words), path


def test_first_page_needs_little(new_member: Callable[..., BrowserContext]) -> None:
    context = new_member()
    page, sizes = context.new_page(), {}
    page.on("response", lambda answer: sizes.update({answer.url: answer}))
    page.goto("/", wait_until="networkidle")
    heavy = [answer for url, answer in sizes.items() if re.search(r"\.(js|css)\b", url)]
    compressed = sum(int(answer.header_value("content-length") or len(answer.body())) for answer in heavy)
    assert heavy and all(answer.header_value("content-encoding") in ("br", "gzip") for answer in heavy)
    assert compressed <= 60_000
