"""What stands below a mail for its reader: what the sender sees, and how to get no more of it (RFC 2369, RFC 8058)."""

import html as markup
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import force_locale
from flask_babel import gettext as _

from server.accounts.models import Member
from server.config import Settings
from server.keys import Keyring
from server.messages.models import Copy, Message, Recipient
from server.tracking.tokens import say_url

STYLE = "margin:24px 0 0;font-size:12px;line-height:18px;color:#666"
LINK_STYLE = "color:#666"


@dataclass(frozen=True, slots=True)
class Footer:
    """(words, address) of each link below a mail."""

    links: Sequence[tuple[str, str]] = ()

    @property
    def html(self) -> str:
        """The footer as HTML; "" where there is none."""
        links = [f'<a href="{markup.escape(url)}" style="{LINK_STYLE}">{markup.escape(words)}</a>'
                 for words, url in self.links]  # fmt: skip
        return f'<p style="{STYLE}">{" · ".join(links)}</p>' if links else ""

    @property
    def text(self) -> str:
        """The footer as text; "" where there is none."""
        return "".join(f"\n{words}: {url}" for words, url in self.links) + ("\n" if self.links else "")


def make_footer(settings: Settings, keys: Keyring, member: Member, message: Message, copy: Copy) -> Footer:
    """Return what stands below `copy`, in the member's language."""
    links = []
    with force_locale(member.locale or "en"):
        if message.has_notice:
            words = _("What the sender sees when you read this")
            links.append((words, say_url(settings, keys, "y", copy.tracking_id)))
        if message.has_unsubscribe:
            links.append((_("Unsubscribe"), say_url(settings, keys, "u", copy.tracking_id)))
    return Footer(links)


def list_headers(
    settings: Settings, keys: Keyring, message: Message, copy: Copy, recipients: Sequence[Recipient]
) -> list[tuple[str, str]]:
    """Return the headers by which a mail program unsubscribes its user with one click; none where several share it."""
    if not message.has_unsubscribe or len(recipients) != 1:
        return []
    return [
        ("List-Unsubscribe", f"<{say_url(settings, keys, 'u', copy.tracking_id)}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
