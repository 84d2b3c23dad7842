"""What tests of the extension stand on: a whole Warmline, Gmail's page as it is played here, and browsers."""

from tests.browser.conftest import program, prospect, warmline
from tests.extension.gmail_page.fixtures import browser, delivered, extension, gmail, open_browser, token

__all__ = ["browser", "delivered", "extension", "gmail", "open_browser", "program", "prospect", "token", "warmline"]
