"""Which links of a mail are wrapped, in what order, and what exactly each leads to.

A link stays as the member wrote it when its target is not http(s), when it stands in quoted text, and when its visible
text shows an address: a wrapped link under a visible address looks like phishing, to people and to filters. A link to
one of our documents is tracked by itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from server.config import Settings
from server.documents.rewrite import find_share_token
from server.messages.html import QUOTES, parse_body
from server.tracking.tokens import is_own_url, is_wrappable

# The URL Standard §4.4 strips C0 controls and spaces at both ends, and tabs and newlines anywhere.
EDGE_CHARACTERS = "".join(map(chr, range(0x21)))
INNER_CHARACTERS = str.maketrans("", "", "\t\n\r")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link to wrap: its place among those of the mail, from 1, and its target as a browser would go there."""

    position: int
    target: str


def find_links(settings: Settings, html: str) -> list[Anchor]:
    """Return the links of `html` that are wrapped, in document order."""
    return [anchor for anchor, _ in _find_anchors(settings, parse_body(html))]


def wrap_links(settings: Settings, body: LexborNode, make_url: Callable[[int, str], str]) -> None:
    """Point each link of `body` that is wrapped at `make_url(position, target)`."""
    for anchor, node in list(_find_anchors(settings, body)):
        node.attrs["href"] = make_url(anchor.position, anchor.target)


def read_target(href: str) -> str:
    """Return the address that a browser would go to for the attribute value `href`."""
    return href.strip(EDGE_CHARACTERS).translate(INNER_CHARACTERS)


def _find_anchors(settings: Settings, body: LexborNode) -> Iterator[tuple[Anchor, LexborNode]]:
    quoted = {anchor.mem_id for quote in body.css(QUOTES) for anchor in quote.css("a[href]")}
    position = 0
    for node in body.css("a[href]"):
        target = read_target(node.attributes.get("href") or "")
        if node.mem_id in quoted or not _has_host(target) or not is_wrappable(target):
            continue
        if is_own_url(settings, target) or find_share_token(settings, target):
            continue
        if not _shows_address(node.text(), target):
            position += 1
            yield Anchor(position, target), node


def _has_host(target: str) -> bool:
    try:
        return bool(urlsplit(target).hostname)
    except ValueError:
        return False


def _shows_address(text: str, target: str) -> bool:
    shown = text.strip().lower()
    if "://" in shown or shown.startswith("www."):
        return True
    host = (urlsplit(target).hostname or "").removeprefix("www.")
    return shown.partition("/")[0].rstrip(".") == host
