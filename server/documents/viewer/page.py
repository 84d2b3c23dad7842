"""What the viewer's page shows of a version: its pages with their sizes, and the addresses of all that it loads.

Addresses are relative to `/d/`, so that they hold behind a proxy that serves the edge under a path.
"""

from dataclasses import dataclass
from urllib.parse import quote

from server.config import Settings
from server.documents.models import Document, DocumentVersion, Share
from server.documents.storage import WIDTHS, Page, read_pages
from server.static_files import digest


@dataclass(frozen=True, slots=True)
class View:
    """A document as the viewer's template shows it. `tells` says whether a link preview may name it."""

    token: str
    name: str
    number: int
    pages: list[Page]
    card_url: str
    may_download: bool
    tells: bool

    def picture(self, page: int, size: str) -> str:
        """Return the address of a page's picture."""
        return f"{self.token}/pages/{page}-{size}?v={self.number}"

    def pictures(self, page: int) -> str:
        """Return the addresses of a page's pictures by width, as `srcset` takes them."""
        return ", ".join(f"{self.picture(page, size)} {WIDTHS[size]}w" for size in ("small", "large"))

    def ratio(self, page: Page) -> int:
        """Return the page's height in thousandths of its width."""
        return round(1000 * page.height / page.width) if page.width else 1414


def built(name: str) -> str:
    """Return the address of a built file, from a page right under `/d/`."""
    return f"../viewer/{name}?v={digest(name)}"


def make_page(settings: Settings, token: str, share: Share, document: Document, version: DocumentVersion) -> View:
    """Return what the viewer shows of `version` under the share with `token`."""
    return View(
        token=quote(token, safe=""),
        name=document.name,
        number=version.number,
        pages=read_pages(settings, version.id),
        card_url=f"{settings.edge_base_url}/d/{token}/pages/1-small?v={version.number}",
        may_download=share.allow_download,
        tells=share.password_hash is None and not share.asks_for_email,
    )
