"""Takes a picture of every page of a running demo: `python -m tests.browser.screenshots ADDRESS FOLDER`."""

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.test_pages import MEMBERS_PAGES, OPEN_PAGES

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 780}},
    "french": {"viewport": {"width": 1280, "height": 860}, "locale": "fr-FR"},
}


def main(base_url: str, folder: str) -> None:
    """Write a PNG of each page in each look into `folder`, and feed.png for the README."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for look, options in LOOKS.items():
            page = browser.new_context(base_url=base_url, **options).new_page()
            page.goto("/sign-in")
            page.locator("form[action='/demo'] button").click()
            page.wait_for_url(base_url + "/")
            for path in (*MEMBERS_PAGES, *OPEN_PAGES):
                page.goto(path)
                page.wait_for_timeout(600)
                name = path.strip("/").translate(str.maketrans("/?=", "---")) or "feed"
                page.screenshot(path=f"{folder}/{look}-{name}.png")
                if look == "light" and name == "feed":
                    page.screenshot(path=f"{folder}/feed.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
