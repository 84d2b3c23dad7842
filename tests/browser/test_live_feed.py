"""The Live Feed's points F5 to F21, each done as a person does it, in two windows or by two members."""

import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import Installation
from tests.browser.program import Program, begin_day, tell_now
from tests.browser.prospect import Prospect
from tests.browser.test_window import HEARD, hear

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PARIS, BERLIN = "90.84.10.5", "91.64.20.14"
Prospects = Callable[[str], Prospect]


@pytest.fixture
def subject() -> str:
    """A subject that no other test's rows have."""
    return f"Offer {secrets.token_hex(4)}"


@pytest.fixture
def join(page: Page, chromium: Browser, warmline: Installation) -> Iterator[Callable[[str, str], Page]]:
    """People whom the demo's member invites through the team page, in browsers of their own: by name and role."""
    contexts: list[BrowserContext] = []

    def invite(name: str, role: str) -> Page:
        page.goto("/team")
        page.get_by_label("Email address").fill(f"{secrets.token_hex(6)}@warmline.example")
        page.get_by_label("Role", exact=True).select_option(role)
        page.get_by_role("button", name="Make an invitation link").click()
        link = page.get_by_label("Send this link to the person yourself").input_value()
        contexts.append(chromium.new_context(base_url=warmline.settings.base_url))
        theirs = contexts[-1].new_page()
        theirs.goto(link)
        theirs.get_by_label("Your name").fill(name)
        theirs.get_by_label("Password").fill(secrets.token_urlsafe(12))
        theirs.get_by_role("button", name="Join", exact=True).click()
        theirs.wait_for_url(warmline.settings.base_url + "/")
        return theirs

    yield invite
    for context in contexts:
        context.close()


def watch(page: Page, path: str = "/") -> None:
    """Open the feed and wait until it is live."""
    page.goto(path)
    expect(page.locator("#stream-state")).to_have_text("Live")


def listen(page: Page, path: str) -> None:
    """Open a page without a feed and wait until it hears what happens: nothing that was said before is said again."""
    with page.expect_response(lambda answer: "/stream?" in answer.url and answer.ok):
        page.goto(path)


def rows(page: Page, text: str) -> Locator:
    """Return the feed's rows with `text`."""
    return page.locator("#feed-rows > li[data-id]", has_text=text)


def expect_row(page: Page, text: str) -> Locator:
    """Wait for one row with `text`, and return it."""
    expect(rows(page, text)).to_have_count(1)
    return rows(page, text)


def send(page: Page, to: str, subject: str, is_individual: bool) -> None:
    """Send a mail from the compose page."""
    page.goto("/compose")
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Subject").fill(subject)
    page.locator("#editor").click()
    page.keyboard.type("Hello, this is our offer.")
    page.get_by_label("Send individually").set_checked(is_individual)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Sent", exact=True).first).to_be_visible()


def test_a_purple_person_is_added_once_from_the_menu(
    new_member: Callable[..., BrowserContext], program: Program, subject: str
) -> None:
    context, address = new_member(), f"{secrets.token_hex(6)}@unknown.example"
    first, second = context.new_page(), context.new_page()
    for window in (first, second):
        watch(window)
    program.report(address, "viewed", subject=subject, name="Una Known")
    for window in (first, second):
        row = expect_row(window, subject)
        expect(row).to_have_class(re.compile("row-marketing"))
        expect(row).to_contain_text("Marketing")
        row.get_by_role("button", name="What you can do with Una Known").click()
        expect(row.get_by_role("button", name="Add", exact=True)).to_be_visible()
        expect(row.get_by_role("link", name=re.compile("^Call"))).to_contain_text("add them first")
    rows(first, subject).get_by_role("button", name="Add", exact=True).click()
    for window in (first, second):
        expect(rows(window, subject).get_by_role("link", name="Open profile")).to_have_attribute(
            "href", re.compile(r"/people/\d+")
        )
        expect(rows(window, subject).get_by_role("button", name="Add", exact=True)).to_have_count(0)
    assert [one["name"] for one in program.get("/people", email=address, owner="me")["items"]] == ["Una Known"]


def test_an_individual_mail_names_its_reader_and_a_shared_one_says_or(
    page: Page, prospect: Prospects, subject: str
) -> None:
    flynn, ines = prospect("flynn@flynnsarcade.com"), prospect("ines.moreau@atelier-lumen.example")
    readers = f"{flynn.email}, Inès Moreau <{ines.email}>"
    send(page, readers, f"{subject} each", is_individual=True)
    send(page, readers, f"{subject} all", is_individual=False)
    each, both = ines.read(f"{subject} each"), ines.read(f"{subject} all")
    watch(page)
    ines.view(each, PARIS)
    row = expect_row(page, f"{subject} each")
    expect(row.locator("strong")).to_have_text("Inès Moreau")
    expect(row).to_contain_text("France")
    expect(row).to_contain_text("Sales mail")
    ines.view(both)
    row = expect_row(page, f"{subject} all")
    expect(row.locator("strong")).to_have_text(re.compile(r"^\S.+ or \S.+"))
    expect(row).to_contain_text("unknown place")


def test_views_from_two_places_hint_at_a_forward(page: Page, prospect: Prospects, subject: str) -> None:
    jonas = prospect("jonas.weber@nordwind.example")
    send(page, jonas.email, subject, is_individual=True)
    mail = jonas.read(subject)
    watch(page)
    jonas.view(mail, BERLIN)
    jonas.view(mail, BERLIN)
    expect(rows(page, subject)).to_have_count(2)
    expect(rows(page, subject).filter(has_text="may have been forwarded")).to_have_count(0)
    jonas.view(mail, PARIS)
    expect(rows(page, subject).filter(has_text="may have been forwarded")).not_to_have_count(0)


def test_a_task_is_in_step_in_the_app_and_in_the_floating_window(new_member: Callable[..., BrowserContext]) -> None:
    context, name = new_member(), f"Call back {secrets.token_hex(4)}"
    app, other, window = context.new_page(), context.new_page(), context.new_page()
    window.set_viewport_size({"width": 320, "height": 640})
    for page, path in ((app, "/tasks"), (other, "/tasks"), (window, "/window?tab=tasks")):
        listen(page, path)
        expect(page.locator("#task-list")).to_be_visible()
    app.get_by_role("link", name="New task").click()
    app.get_by_label("Task", exact=True).fill(name)
    app.get_by_label("Type").select_option(label="Call")
    app.get_by_role("button", name="Add task").click()
    for page in (app, other, window):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    window.get_by_role("button", name=f"Mark “{name}” as done").click()
    for page in (app, other, window):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    window.get_by_role("button", name="Undo").click()
    for page in (app, other, window):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    app.get_by_role("button", name=f"Move, edit or delete “{name}”").click()
    app.get_by_role("button", name="Delete", exact=True).click()
    for page in (app, other, window):
        expect(page.get_by_role("link", name=name)).to_have_count(0)


def test_the_filters_of_tasks_keep_what_is_overdue_on_top(page: Page, program: Program) -> None:
    begin_day()
    key = secrets.token_hex(4)
    days = {"Overdue": -3, "Today": 0, "Tomorrow": 1, "Later": 5, "Too late": 7}
    for name, day in days.items():
        program.add_task(f"{name} {key}", day)
    page.goto("/window?tab=tasks")
    expect(page.get_by_role("navigation", name="Due")).to_be_visible()
    expect(page.locator("input[name=from]")).to_have_count(0)
    shown = {
        "Today": ["Today"], "Tomorrow": ["Tomorrow"], "Today and tomorrow": ["Today", "Tomorrow"],
        "Next 7 days": ["Today", "Tomorrow", "Later"],
    }  # fmt: skip
    for choice, names in shown.items():
        page.get_by_role("navigation", name="Due").get_by_role("link", name=choice, exact=True).click()
        expect(page.get_by_role("link", name=choice, exact=True)).to_have_attribute("aria-current", "true")
        expect(page.locator("#task-groups").get_by_role("link", name=key)).to_have_text(
            [f"{name} {key}" for name in ("Overdue", *names)]
        )
        expect(page.locator("#tasks-overdue").get_by_role("link", name=key)).to_have_text([f"Overdue {key}"])
    page.goto("/tasks")
    expect(page.get_by_label("From")).to_be_visible()


def test_quick_actions_work_or_say_what_is_missing(page: Page, program: Program) -> None:
    linkedin = "https://www.linkedin.com/in/grace"
    person_id, address = program.add_person("Grace Full", phone="+33 1 70 18 99 00", linkedin_url=linkedin)
    bare_id, _address = program.add_person("Bare Minimum")
    page.goto(f"/people/{bare_id}")
    acts = page.locator("#person-header")
    expect(acts.get_by_role("link", name="Call")).to_be_disabled()
    expect(acts.get_by_role("link", name="Call")).to_contain_text("no phone number")
    expect(acts.get_by_role("link", name="LinkedIn")).to_contain_text("no profile")
    page.goto(f"/people/{person_id}")
    expect(acts.get_by_role("link", name="Call")).to_have_attribute("href", "tel:+33170189900")
    with page.context.expect_page() as opened:
        page.context.route("https://www.linkedin.com/**", lambda route: route.fulfill(body="LinkedIn"))
        acts.get_by_role("link", name="LinkedIn").click()
    opened.value.wait_for_url(f"{linkedin}*")
    acts.get_by_role("link", name="New task").click()
    expect(page.get_by_role("radio", name="Grace Full")).to_be_checked()
    page.go_back()
    acts.get_by_role("link", name="Email").click()
    expect(page.get_by_label("To", exact=True)).to_have_value(re.compile(re.escape(address)))


def test_a_page_that_was_cut_off_shows_what_changed_meanwhile(page: Page, program: Program) -> None:
    person_id, _address = program.add_person("Ada Before")
    listen(page, f"/people/{person_id}")
    page.context.set_offline(True)
    program.change(f"/people/{person_id}", name="Ada Meanwhile")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Ada Meanwhile")).to_be_visible()


def test_a_rise_brings_a_person_up_and_a_fall_down_without_reload(
    new_member: Callable[..., BrowserContext], program: Program, subject: str
) -> None:
    context, key = new_member(), secrets.token_hex(3)
    page, other = context.new_page(), context.new_page()
    (_first_id, first), (second_id, second) = program.add_person(f"Ada {key}"), program.add_person(f"Ben {key}")
    listen(page, "/window?tab=target")
    listen(other, "/target")
    names = page.locator("#target-panel").get_by_role("link", name=key)
    expect(page.locator("#target-panel")).to_be_visible()
    expect(names).to_have_count(0)
    program.report(first, "clicked", subject=subject)
    expect(names).to_have_text([f"Ada {key}"])
    program.report(second, "clicked", subject=subject)
    program.report(second, "web_visited", subject=subject)
    expect(names).to_have_text([f"Ben {key}", f"Ada {key}"])
    target = other.locator(f"#target-{second_id}")
    target.get_by_text("Why?").click()
    target.get_by_text("Give or take points").click()
    target.get_by_label("Points").fill("-3")
    target.get_by_label("Reason").fill("Left the company")
    target.get_by_role("button", name="Add to the sum").click()
    expect(target).to_contain_text("Left the company")
    expect(names).to_have_text([f"Ada {key}", f"Ben {key}"])


def test_a_target_opens_to_the_sum_in_which_machines_count_nothing(page: Page, program: Program, subject: str) -> None:
    person_id, address = program.add_person("Summa Cum")
    program.report(address, "clicked", subject=subject)
    program.report(address, "viewed", subject=subject, verdict="machine")
    page.goto("/target")
    target = page.locator(f"#target-{person_id}")
    expect(target).to_be_visible()
    target.get_by_text("Why?").click()
    expect(target.locator("li", has_text="Clicked")).to_contain_text("×")
    machine = target.locator("li", has_text="Machine")
    expect(machine.locator(":scope > span").last).to_have_text("0")
    expect(target).to_contain_text("Together")


def test_the_glossary_says_what_each_icon_means(page: Page) -> None:
    watch(page)
    page.get_by_role("button", name="How to search, and what the icons mean").click()
    glossary = page.locator("#feed-glossary")
    expect(glossary.locator("dt svg")).not_to_have_count(0)
    for words in (
        "Somebody viewed your email",
        "Somebody clicked a link in your email",
        "Somebody replied to your email",
    ):
        expect(glossary.get_by_text(words)).to_be_visible()
    moment = glossary.locator("div", has_text="Interesting Moment")
    expect(moment).to_contain_text(re.compile("email.*web.*milestone"))


def test_a_member_sees_their_own_rows_and_a_manager_the_teams(
    page: Page, join: Callable[[str, str], Page], prospect: Prospects, program: Program, subject: str
) -> None:
    flynn, bob, mia = prospect("flynn@flynnsarcade.com"), join("Bob Reed", "rep"), join("Mia Lead", "manager")
    send(page, flynn.email, subject, is_individual=True)
    mail, nobodys = flynn.read(subject), f"Nobody's {subject}"
    watch(page)
    watch(bob)
    watch(mia, "/?of=team")
    flynn.view(mail)
    expect_row(page, subject)
    program.report(f"{secrets.token_hex(4)}@unknown.example", "viewed", subject=nobodys)
    expect_row(bob, nobodys)
    expect(rows(bob, subject)).to_have_count(1)
    bob.goto("/?of=team")
    expect(rows(bob, subject)).to_have_count(1)
    expect(bob.get_by_role("navigation", name="Whose engagement")).to_have_count(0)
    expect(rows(mia, subject)).to_have_count(2)
    expect(rows(mia, subject).filter(has_text="Riley Hart")).to_have_count(1)
    mia.get_by_role("link", name="Mine", exact=True).click()
    expect(rows(mia, subject)).to_have_count(1)


def test_a_search_shows_only_what_it_asks_for_and_errors_stand_at_the_box(
    page: Page, program: Program, subject: str
) -> None:
    _id, address = program.add_person("Seek Found")
    for kind in ("viewed", "clicked"):
        program.report(address, kind, subject=subject)
    page.goto("/")
    box = page.get_by_label("Search the feed")
    box.fill("is:clickd")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is:clicked")
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill(f'is:clicked subject:"{subject}"')
    box.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#feed-rows > li[data-id]")).to_have_count(1)
    expect(page.locator("#feed-rows > li[data-id]")).to_contain_text("clicked a link in")


def test_a_kind_that_is_switched_off_notifies_no_more(
    new_member: Callable[..., BrowserContext], program: Program, warmline: Installation, subject: str
) -> None:
    context = new_member()
    context.add_init_script(HEARD)
    context.grant_permissions(["notifications"], origin=warmline.settings.base_url)
    page = context.new_page()
    _id, address = program.add_person("Noti Fied")
    switch_clicks(page, False)
    watch(page)
    program.report(address, "clicked", subject=subject)
    expect_row(page, subject)
    program.report(address, "web_visited", subject=subject)
    assert len(hear(page, subject, "visited")) == 1
    switch_clicks(page, True)
    watch(page)
    program.report(address, "clicked", subject=subject)
    assert len(hear(page, subject, "clicked")) == 2


def switch_clicks(page: Page, is_on: bool) -> None:
    """Switch notifications of clicks on or off in the settings."""
    page.goto("/settings/notifications")
    page.get_by_label("Clicked").set_checked(is_on)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def test_an_interesting_moment_of_a_program_appears(page: Page, program: Program, subject: str) -> None:
    _id, address = program.add_person("Mo Ment")
    watch(page)
    program.post(
        "/interesting-moments", id=secrets.token_hex(8), email=address, kind="milestone", text=subject, at=tell_now()
    )
    row = expect_row(page, subject)
    expect(row).to_contain_text("Mo Ment reached a milestone:")
    expect(row).to_have_attribute("data-kind", "interesting_moment")
