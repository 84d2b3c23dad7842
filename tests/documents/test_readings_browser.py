"""The viewer in a real Chromium whose clock the test holds: what its script counts is exact, and is what is stored."""

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from sqlmodel import Session, col, select

from server.clock import now
from server.config import Settings
from server.documents.models import Share
from server.documents.shares import share_url
from server.documents.viewer.models import DocumentVisit, VisitPage
from server.edge import create_edge
from server.keys import get_keys
from server.tracking.bounded import Bounded
from tests.documents.reading import FIREFOX, drain, make_document, make_link
from tests.factories import make_member
from tests.serving import serving

pytestmark = pytest.mark.browser

Said = list[dict[str, Any]]
Open = Callable[[], Page]


@pytest.fixture
def share(session: Session, settings: Settings) -> Share:
    share = make_link(session, make_document(session, settings, make_member(session)), name="Website")
    session.commit()
    return share


@pytest.fixture
def edge(settings: Settings) -> Iterator[str]:
    """The edge on a port of its own."""
    edge = create_edge(settings)
    with serving(edge) as server:
        yield f"http://127.0.0.1:{server.server_port}"
    assert isinstance(edge.rest, Bounded)
    edge.rest.app.extensions["warmline_db"].dispose()  # type: ignore[attr-defined]


@pytest.fixture
def said() -> Said:
    """What the script reported, which the test takes in place of the edge."""
    return []


@pytest.fixture
def page(chromium: Browser, settings: Settings, edge: str, share: Share, said: Said) -> Iterator[Page]:
    """The viewer, open on its first page, its clock standing."""
    path = share_url(settings, get_keys(), share).removeprefix(settings.edge_base_url)
    context = chromium.new_context(viewport={"width": 1000, "height": 900}, user_agent=FIREFOX)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))

    def take(route: Route) -> None:
        report = json.loads(route.request.post_data or "{}")
        if report:
            said.append(report)
        route.fulfill(status=204)

    context.route("**/reading", take)
    page = context.new_page()
    page.clock.install(time=now())
    page.clock.pause_at(now() + timedelta(hours=1))  # before the page is there: else how long loading takes would count
    page.goto(edge + path)
    page.wait_for_selector("body[data-ready]")
    settle(page)
    yield page
    context.close()
    assert faults == []


def settle(page: Page) -> None:
    """Wait until the browser has drawn the page as it is now, and has told all who watch what is in view."""
    page.evaluate(
        """() => new Promise(done => {
            const watch = new IntersectionObserver(() => (watch.disconnect(), done()));
            watch.observe(document.body);
        })"""
    )


def turn(page: Page, number: int) -> None:
    """Go to a page, and wait until the browser says that it is in view."""
    page.fill("#page", str(number))
    page.press("#page", "Enter")
    settle(page)
    page.wait_for_selector(f'#list a[href="#page-{number}"][aria-current]', state="attached")


def hide(page: Page, is_hidden: bool) -> None:
    """Bring another tab in front of the page, which it tells by a beacon, or take it away."""
    told = page.expect_request_finished(lambda request: request.resource_type == "ping") if is_hidden else nullcontext()
    with told:
        page.evaluate(
            """hidden => {
                const value = hidden ? "hidden" : "visible";
                Object.defineProperty(document, "visibilityState", {value, configurable: true});
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            is_hidden,
        )
    flush(page)


def flush(page: Page) -> None:
    """Wait until what the page has reported has come."""
    page.evaluate("fetch(document.body.dataset.report, {method: 'POST', body: '{}'}).then(() => null)")


def run(page: Page, seconds: int) -> None:
    """Let the page's clock go on."""
    for begun in range(0, seconds, 5):
        page.clock.run_for(min(5, seconds - begun) * 1000)
        flush(page)


def counted(said: Said) -> dict[int, int]:
    """Return the highest time reported of each page."""
    times: dict[int, int] = {}
    for report in said:
        for number, ms in report["ms"].items():
            times[int(number)] = max(ms, times.get(int(number), 0))
    return times


def test_a_reading_is_counted_page_by_page_while_it_is_in_view(page: Page, said: Said) -> None:
    start = page.evaluate("performance.now()")
    run(page, 12)
    turn(page, 3)
    run(page, 20)
    hide(page, True)
    run(page, 300)  # nobody looks
    hide(page, False)
    run(page, 7)
    turn(page, 4)
    run(page, 5)
    hide(page, True)
    times = counted(said)
    assert page.evaluate("performance.now()") - start >= 344_000
    assert {number: round(ms / 1000) for number, ms in times.items() if ms >= 1000 and number > 1} == {3: 27, 4: 5}
    assert round(times[1] / 1000) == 12
    assert [said[-1]["page"], said[-1]["open"]] == [4, False]
    assert [report["sequence"] for report in said] == list(range(len(said)))


def test_an_idle_reader_stops_the_clock(page: Page, said: Said) -> None:
    turn(page, 2)
    page.mouse.move(400, 400)
    settle(page)
    run(page, 400)
    assert round(counted(said)[2] / 1000) == 120


def test_a_sleeping_machine_counts_nothing(page: Page, said: Said) -> None:
    turn(page, 2)
    run(page, 4)
    page.clock.fast_forward(60_000)
    run(page, 3)
    hide(page, True)
    assert round(counted(said)[2] / 1000) == 7


def test_whoever_comes_back_after_ten_minutes_begins_a_new_visit(page: Page, said: Said) -> None:
    run(page, 5)
    hide(page, True)
    run(page, 660)
    hide(page, False)
    turn(page, 5)
    run(page, 6)
    hide(page, True)
    assert {report["part"] for report in said} == {0, 1}
    assert round(counted([report for report in said if report["part"] == 1])[5] / 1000) == 6


def test_what_the_script_says_is_what_is_stored(
    session: Session, settings: Settings, page: Page, said: Said, edge: str, share: Share
) -> None:
    run(page, 9)
    turn(page, 7)
    run(page, 31)
    hide(page, True)
    path = share_url(settings, get_keys(), share)
    token = path.rpartition("/")[2]
    with time_machine.travel(now() + timedelta(minutes=5)):
        for report in [*said, *reversed(said)]:
            answer = page.request.post(
                f"{edge}/d/{token}/reading", data=json.dumps(report), headers={"User-Agent": FIREFOX}
            )
            assert answer.status == 204
    drain(session, settings)
    visit = session.exec(select(DocumentVisit)).one()
    rows = session.exec(select(VisitPage).order_by(col(VisitPage.page))).all()
    assert {row.page: row.ms for row in rows} == counted(said)
    assert (visit.page, visit.is_open, visit.reading_ms) == (7, False, sum(counted(said).values()))


def test_keys_move_zoom_and_search(page: Page) -> None:
    page.keyboard.press("End")
    settle(page)
    assert page.input_value("#page") == "9"
    page.keyboard.press("Home")
    settle(page)
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.input_value("#page") == "2"
    page.keyboard.press("+")
    assert page.inner_text("#zoom-state").startswith("125")
    page.keyboard.press("/")
    page.keyboard.type("cafe")
    run(page, 1)
    expect(page.locator("#search-state")).to_have_text("1 of 9")
    page.keyboard.press("Enter")
    assert page.inner_text("#search-state") == "2 of 9"
    page.keyboard.press("Escape")
    assert page.locator("#search").is_hidden()


def test_a_screen_reader_has_the_text(page: Page) -> None:
    run(page, 1)
    expect(page.locator(".text span")).to_have_count(18)
    assert page.locator("section[aria-label='Page 3 of 9']").inner_text().split() == ["Chapter", "3", "Café"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_viewer_is_accessible_and_fits(page: Page, scheme: Any, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.clock.resume()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
