"""The snippet in a real browser, on a page of another origin than the edge: what is sent, when, and what never is."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_httpserver import HTTPServer
from sqlmodel import Session
from werkzeug.serving import BaseWSGIServer

from server.config import Settings
from server.edge import create_edge
from server.events.models import Event
from server.keys import get_keys
from server.tracking.site.models import Site
from server.tracking.site.sites import change_site, read_secret, renew_secret, sign_visitor
from server.tracking.tokens import site_key
from tests.factories import make_member
from tests.serving import serving
from tests.tracking.test_drain import CHROME, drain, events

pytestmark = pytest.mark.browser

HOST = "www.acme.example"  # the browser finds it on this machine
EMAIL = "flynn@flynnsarcade.example"


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(user_agent=CHROME) as context:  # a headless one says that it is a machine
        yield context


@pytest.fixture
def edge(settings: Settings, app: Flask) -> Iterator[BaseWSGIServer]:
    with serving(create_edge(settings)) as server:
        yield server


@pytest.fixture
def site(session: Session, edge: BaseWSGIServer) -> Site:
    site = change_site(session, make_member(session).workspace_id, "acme.example", takes_unsigned=True)
    renew_secret(session, get_keys(), site)
    session.commit()
    return site


class Website:
    """The pages of the site, each with the snippet, and what a visitor's browser sends from them."""

    def __init__(self, server: HTTPServer, edge: BaseWSGIServer, site: Site) -> None:
        self.server = server
        self.origin = f"http://{HOST}:{server.port}"
        self.snippet = f"http://127.0.0.1:{edge.server_port}/s/{site_key(get_keys(), site.public_id)}.js"

    def add(self, path: str, **attributes: str) -> str:
        """Add a page and return its address."""
        named = "".join(f' data-{name}="{value}"' for name, value in attributes.items())
        html = f'<!doctype html><title>Page {path}</title><script src="{self.snippet}" defer{named}></script>'
        self.server.expect_request(path).respond_with_data(html, content_type="text/html")
        return self.origin + path

    def visit(self, page: Page, url: str, act: Callable[[], object] | None = None) -> int:
        """Open `url`, then `act`, and return the status of the beacon."""
        with page.expect_response(lambda answer: "/w/" in answer.url) as answer:
            page.goto(url)
            if act:
                act()
        return answer.value.status


@pytest.fixture
def httpserver() -> Iterator[HTTPServer]:
    """With threads, for a browser opens connections that say nothing for a while: none keeps the others waiting."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def website(httpserver: HTTPServer, edge: BaseWSGIServer, site: Site) -> Website:
    return Website(httpserver, edge, site)


def told(session: Session, settings: Settings) -> list[tuple[str, str, str]]:
    """Return verdict, subject and path of each visit that became an event."""
    drain(session, settings.journal_dir)
    return [(event.verdict, event.subject, path_of(event)) for event in events(session)]


def path_of(event: Event) -> str:
    return "/" + (event.link_target or "").split("/", 3)[3]


def test_a_visitor_whom_the_site_signs_is_a_person_in_the_feed(
    website: Website, context: BrowserContext, session: Session, site: Site, settings: Settings
) -> None:
    secret = read_secret(get_keys(), site)
    assert secret is not None
    url = website.add("/pricing", email=EMAIL, signature=sign_visitor(secret, EMAIL))
    assert website.visit(context.new_page(), f"{url}?coupon=secret#plans") == 204
    drain(session, settings.journal_dir)
    (event,) = events(session)
    assert (event.verdict, event.person_address, event.subject) == ("human", EMAIL, "Page /pricing")
    assert event.link_target == url
    assert context.cookies() == []


def test_whom_the_site_does_not_name_is_not_reported(
    website: Website, context: BrowserContext, session: Session, settings: Settings
) -> None:
    page, sent = context.new_page(), []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(website.add("/"))
    page.wait_for_function("window.warmline !== undefined")
    page.evaluate("warmline.visit()")
    page.goto(website.add("/bye"))
    assert [url for url in sent if "/w/" in url] == []
    assert page.evaluate("localStorage.length") == 0
    assert told(session, settings) == []


def test_a_named_visitor_is_known_on_the_next_page_until_they_are_forgotten(
    website: Website, context: BrowserContext, session: Session, settings: Settings
) -> None:
    page = context.new_page()
    first, second = website.add("/sign-in"), website.add("/docs")
    website.visit(page, first, lambda: page.evaluate(f"warmline.identify('{EMAIL}')"))
    page.evaluate(f"warmline.identify('{EMAIL}')")  # said again: nothing new
    website.visit(page, second)
    website.visit(page, second, lambda: page.evaluate("warmline.visit()"))
    page.evaluate("warmline.forget()")
    page.goto(first)
    page.wait_for_function("window.warmline !== undefined")
    assert page.evaluate("localStorage.length") == 0
    found = told(session, settings)
    assert {verdict for verdict, _subject, _path in found} == {"unknown"}
    paths = [path for _verdict, _subject, path in found]
    assert paths[0] == "/sign-in"
    assert paths.count("/sign-in") == 1
    assert 3 <= len(paths) <= 4


@pytest.mark.parametrize(
    "wish",
    [
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})",
        "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})",
    ],
)
def test_a_browser_that_asks_not_to_be_tracked_sends_nothing(
    website: Website, context: BrowserContext, session: Session, settings: Settings, wish: str
) -> None:
    context.add_init_script(wish)
    page, sent = context.new_page(), []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(website.add("/", email=EMAIL))
    page.wait_for_function("window.warmline !== undefined")
    page.evaluate(f"warmline.identify('{EMAIL}')")
    page.goto(website.add("/bye"))
    assert [url for url in sent if "/w/" in url] == []
    assert page.evaluate("localStorage.length") == 0
    assert told(session, settings) == []


def test_a_page_without_storage_still_works(website: Website, context: BrowserContext) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('off', 'SecurityError') }})"
    )
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(error))
    assert website.visit(page, website.add("/", email=EMAIL)) == 204
    assert errors == []
