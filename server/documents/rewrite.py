"""Points a mail's document links at the share of the very copy that carries them, while that copy is rendered."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode
from sqlmodel import Session

from server.config import Settings
from server.documents.shares import find_share, for_copy, share_url
from server.keys import Keyring
from server.messages.models import Copy, Message, Recipient

QUOTES = "blockquote, .gmail_quote"


def share_links(
    session: Session, settings: Settings, keys: Keyring, body: LexborNode, copy: Copy, recipients: Sequence[Recipient]
) -> None:
    """Give each document link of `body` outside of quoted text the address of the share of `copy`.

    A link of another workspace, or one that nobody made, stays as it is; it opens what it opens.
    """
    quoted = {anchor.mem_id for quote in body.css(QUOTES) for anchor in quote.css("a[href]")}
    workspace_id = 0
    for anchor in body.css("a[href]"):
        token = find_share_token(settings, anchor.attributes.get("href") or "")
        share = None if token is None or anchor.mem_id in quoted else find_share(session, token)
        if share is None:
            continue
        workspace_id = workspace_id or session.get_one(Message, copy.message_id).workspace_id
        if share.workspace_id == workspace_id:
            anchor.attrs["href"] = share_url(settings, keys, for_copy(session, copy, recipients, share))


def find_share_token(settings: Settings, url: str) -> str | None:
    """Return the token in the address of a share of this installation; None for every other address."""
    try:
        given, edge = urlsplit(url.strip()), urlsplit(settings.edge_base_url)
    except ValueError:
        return None
    if (given.scheme, given.netloc.lower()) != (edge.scheme, edge.netloc.lower()):
        return None
    path = given.path.removeprefix(f"{edge.path}/d/")
    return path.partition("/")[0] if path != given.path and path else None
