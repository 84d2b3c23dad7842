"""Browser tests: the whole of Warmline, started as `make run` starts it, and a real Chromium."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from server.config import Settings, load_settings
from server.migrate import upgrade
from server.supervisor import Supervisor, make_programs
from tests.browser.program import Program
from tests.browser.prospect import Prospect
from tests.ports import find_ports

ROOT = Path(__file__).parents[2]
EXPECTED_ERRORS = (
    "net::ERR_INTERNET_DISCONNECTED", "net::ERR_FAILED", "Failed to load resource", "Response Status Error Code 422",
)  # fmt: skip


@dataclass(frozen=True)
class Installation:
    """A running Warmline: its settings, and the way to its command line."""

    settings: Settings
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run `warmline` with `arguments` and return what it prints."""
        program = [sys.executable, "-c", "from server.cli import main; main()", *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.run(program, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    def demo_info(self) -> dict[str, Any]:
        """Return the demo member, the stand-in's address, and an access token for each account."""
        info: dict[str, Any] = json.loads(self.command("demo-info"))
        return info


@pytest.fixture(scope="module")
def warmline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Everything that `make run` starts, anew for each file of tests, with nobody simulated: the tests play them."""
    port = find_ports(4)
    environment = {
        "WARMLINE_HOME": str(tmp_path_factory.mktemp("home")), "PORT": str(port), "SIMULATED_RECIPIENTS": "false",
        "EDGE_PORT": "", "STREAM_PORT": "", "STAND_IN_PORT": "", "DATABASE_URL": "", "REDIS_URL": "",
        "TRUSTED_PROXIES": "1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = load_settings()
        upgrade(settings.database_url)
        supervisor = Supervisor(settings, make_programs(settings))
        try:
            supervisor.start()
            threading.Thread(target=supervisor.watch, daemon=True).start()
            installation = Installation(settings, environment)
            installation.demo_info()  # makes the demo workspace, as a start does
            yield installation
        finally:
            supervisor.stop()


@pytest.fixture(scope="module")
def program(warmline: Installation) -> Program:
    """A program with an access token of the demo's member."""
    token = warmline.command("token", "create", "--member", warmline.demo_info()["member"], "--name", "Browser tests")
    return Program(warmline.settings.base_url, token.strip())


@pytest.fixture
def new_member(chromium: Browser, warmline: Installation) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers of the demo's member, signed in by its button; what a console reports fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_browser(**options: Any) -> BrowserContext:
        midday = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # no day ends there, with a heading of its own in the feed
        context = chromium.new_context(base_url=warmline.settings.base_url, timezone_id=midday, **options)
        contexts.append(context)
        context.on("console", lambda message: _note(faults, message, warmline.settings.base_url))
        context.on("weberror", lambda error: faults.append(str(error.error)))
        page = context.new_page()
        page.goto("/sign-in")
        page.locator("form[action='/demo'] button").click()
        page.wait_for_url(warmline.settings.base_url + "/")
        page.close()
        return context

    yield open_browser
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def prospect(warmline: Installation) -> Iterator[Callable[[str], Prospect]]:
    """People with a mailbox at the stand-in, by their address."""
    with ExitStack() as mailboxes:
        info = warmline.demo_info()
        yield lambda email: mailboxes.enter_context(Prospect(info, email))


@pytest.fixture
def page(new_member: Callable[..., BrowserContext]) -> Page:
    """A page of the demo's member, who has just signed in."""
    return new_member().new_page()


def _note(faults: list[str], message: ConsoleMessage, base_url: str) -> None:
    is_ours = message.page is not None and message.page.url.startswith(base_url)
    if is_ours and message.type == "error" and not any(expected in message.text for expected in EXPECTED_ERRORS):
        faults.append(f"{message.page.url if message.page else ''}: {message.text}")
