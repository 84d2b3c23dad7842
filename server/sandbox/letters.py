"""What a recipient's mail program sees in a mail: who wrote, which images it would load, which links it shows."""

import base64
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail in a recipient's mailbox. `images` and `links` are only those that lead to Warmline's edge."""

    account: str
    gmail_id: str
    thread_id: str
    sender: str
    recipients: str
    subject: str
    message_id: str
    references: str
    is_automatic: bool
    html: str
    images: tuple[str, ...]
    links: tuple[str, ...]


def read_letter(account: str, message: dict[str, Any], edge_base_url: str) -> Letter:
    """Return the letter in a Message resource of format `full`."""
    headers: dict[str, str] = {one["name"].lower(): one["value"] for one in message["payload"].get("headers", ())}
    html = _find_html(message["payload"])
    page = LexborHTMLParser(html)
    images = [image.attributes.get("src") or "" for image in page.css("img")]
    links = [link.attributes.get("href") or "" for link in page.css("a") if not _is_quoted(link)]
    return Letter(
        account=account,
        gmail_id=message["id"],
        thread_id=message["threadId"],
        sender=parseaddr(headers.get("reply-to") or headers.get("from", ""))[1].lower(),
        recipients=f"{headers.get('to', '')}, {headers.get('cc', '')}".lower(),
        subject=headers.get("subject", ""),
        message_id=headers.get("message-id", ""),
        references=headers.get("references", ""),
        is_automatic=headers.get("auto-submitted", "no").lower() != "no" or "mailer-daemon" in headers.get("from", ""),
        html=html,
        images=tuple(dict.fromkeys(url for url in images if is_allowed(url, edge_base_url))),
        links=tuple(dict.fromkeys(url for url in links if is_allowed(url, edge_base_url) and not _is_footer(url))),
    )


def is_allowed(url: str, edge_base_url: str) -> bool:
    """Return whether a simulated recipient may fetch `url`: only the edge, or this machine; never the world outside."""
    try:
        parts, edge = urlsplit(url), urlsplit(edge_base_url)
        return parts.scheme in ("http", "https") and (parts.netloc == edge.netloc or parts.hostname in LOOPBACK)
    except ValueError:
        return False


def _is_footer(url: str) -> bool:
    """Return whether `url` leads to what stands below a mail: unsubscribing, and what the sender sees."""
    return urlsplit(url).path.rpartition("/")[0].endswith(("/u", "/y"))


def _is_quoted(node: Any) -> bool:
    while (node := node.parent) is not None:
        if node.tag == "blockquote":
            return True
    return False


def _find_html(part: dict[str, Any]) -> str:
    if part.get("mimeType") == "text/html" and "data" in part.get("body", {}):
        return base64.urlsafe_b64decode(part["body"]["data"]).decode(errors="replace")
    return next((html for child in part.get("parts", ()) if (html := _find_html(child))), "")
