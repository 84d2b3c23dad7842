"""A Chromium with the built extension, on the page that stands where Gmail stands."""

import json
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, BrowserType, ConsoleMessage, FrameLocator, Locator, Page, expect

from tests.extension.gmail_page.server import GmailServer

ROOT = Path(__file__).parents[3]
GMAIL = "https://mail.google.com/mail/u/0/"
OURS = "Warmline: "
LOAD_MS = 60_000


def build_extension(folder: Path) -> Path:
    """Build the extension into `folder` with the one permission that a member gives while pairing already given."""
    subprocess.run(["node", "extension/build.js", str(folder)], cwd=ROOT, check=True, capture_output=True)
    manifest = folder / "extension" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["host_permissions"].append("http://127.0.0.1/*")
    manifest.write_text(json.dumps(content))
    return manifest.parent


class GmailBrowser:
    """One browser profile. `warnings` is what our script said in Gmail's console, `errors` what the page threw."""

    def __init__(
        self, chromium: BrowserType, executable: str, extension: Path, profile: Path, gmail: GmailServer
    ) -> None:
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.context: BrowserContext = chromium.launch_persistent_context(
            str(profile), executable_path=executable, viewport={"width": 1400, "height": 900},
            ignore_default_args=["--disable-extensions"],
            args=["--no-sandbox", "--headless=new", "--disable-gpu", f"--disable-extensions-except={extension}",
                  f"--load-extension={extension}", *gmail.chromium_arguments],
        )  # fmt: skip
        self.context.set_default_timeout(LOAD_MS)
        self.context.on("console", self._note)
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))
        self.options = self.context.pages[0]
        self.options.wait_for_url("**/options/options.html", timeout=LOAD_MS)  # it opens by itself once installed
        self.page = self.context.new_page()

    def pair(self, server: str, token: str) -> None:
        """Give the extension its token, and let it ask how things stand."""
        self.options.evaluate("pairing => chrome.storage.local.set({ pairing })", {"server": server, "token": token})
        self.ask("refreshStanding")

    def move_server(self, server: str) -> None:
        """Let the extension believe that its server is at another address."""
        self.options.evaluate(
            "async server => { const { pairing } = await chrome.storage.local.get('pairing');"
            " await chrome.storage.local.set({ pairing: { ...pairing, server } }); }",
            server,
        )

    def ask(self, request: str, **question: Any) -> Any:
        """Ask the extension's worker something, as a page of its own."""
        return self.options.evaluate("message => chrome.runtime.sendMessage(message)", {"type": request, **question})

    def open(self, view: str = "inbox", wait: bool = True) -> Page:
        """Show a view of Gmail; with `wait`, until InboxSDK has taken hold of it."""
        self.page.goto(f"{GMAIL}#{view}")
        if wait:
            self.page.locator("head[data-inboxsdk-user-email-address]").wait_for(state="attached", timeout=LOAD_MS)
        return self.page

    def compose(self, **options: Any) -> Locator:
        """Open a compose window and return it once our buttons stand in it."""
        self.page.evaluate("options => openCompose(options)", options)
        window = self.page.get_by_role("dialog", name="New Message").last
        window.locator(".warmline-toggle").wait_for(timeout=LOAD_MS)
        return window

    def send(self, window: Locator) -> None:
        """Press Send in a compose window, and wait until the page has its server's answer and says so."""
        body = self.page.locator("body")
        count = int(body.get_attribute("data-sent") or 0)
        window.get_by_role("button", name="Send", exact=True).click()
        expect(body).to_have_attribute("data-sent", str(count + 1))

    @property
    def sidebar(self) -> FrameLocator:
        """The extension's page inside Gmail's side panel."""
        return self.page.frame_locator("iframe.warmline-sidebar")

    @property
    def bar(self) -> Locator:
        """Gmail's message bar, as far as it is ours."""
        return self.page.locator(".inboxsdk__butterbar")

    def close(self) -> None:
        """End the browser."""
        self.context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.text.startswith(OURS):
            self.warnings.append(message.text)
