"""What tests of the extension inside Gmail stand on: a whole Warmline, the page, and a browser that is paired."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from tests.browser.conftest import Installation
from tests.extension.gmail_page.browser import GmailBrowser, build_extension
from tests.extension.gmail_page.pairing import pair_device
from tests.extension.gmail_page.server import GmailServer
from tests.extension.gmail_page.wire import Mail

ACCOUNT = "riley@warmline.example"


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as `make extension` builds it, unpacked."""
    return build_extension(tmp_path_factory.mktemp("extension"))


@pytest.fixture
def gmail(tmp_path: Path) -> Iterator[GmailServer]:
    """The page's server; what is sent goes nowhere unless a test says where."""
    server = GmailServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def delivered(gmail: GmailServer, warmline: Installation) -> list[dict[str, Any]]:
    """Let what the page sends arrive through the stand-in; returns what the stand-in answered."""
    stand_in = warmline.demo_info()["stand_in"]
    answers: list[dict[str, Any]] = []

    def deliver(mail: Mail) -> None:
        body = {
            "account": ACCOUNT,
            "to": mail.to,
            "cc": mail.cc,
            "bcc": mail.bcc,
            "subject": mail.subject,
            "html": mail.body,
        }
        answer = requests.post(f"{stand_in}/_stand_in/page-sends", json=body, timeout=60)
        answer.raise_for_status()
        answers.append(answer.json())

    gmail.deliver = deliver
    return answers


@pytest.fixture
def open_browser(
    chromium: Browser, extension: Path, gmail: GmailServer, tmp_path: Path
) -> Iterator[Callable[[], GmailBrowser]]:
    """Start browsers with the extension, not paired yet."""
    browsers: list[GmailBrowser] = []

    def start() -> GmailBrowser:
        profile = tmp_path / f"profile-{len(browsers)}"
        executable = shutil.which("chromium") or ""
        browsers.append(GmailBrowser(chromium.browser_type, executable, extension, profile, gmail))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()


@pytest.fixture
def token(warmline: Installation) -> str:
    """A device's token of the demo's member."""
    return pair_device(warmline.settings.base_url)


@pytest.fixture
def browser(open_browser: Callable[[], GmailBrowser], warmline: Installation, token: str) -> GmailBrowser:
    """A browser that is paired."""
    browser = open_browser()
    browser.pair(warmline.settings.base_url, token)
    return browser
