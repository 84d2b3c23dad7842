"""A member's links to a document: one with a name, what each asks for and allows, and taking one back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.clock import now
from server.documents.conversion import announce
from server.documents.models import Document, Share, ShareKind
from server.documents.protection import set_password
from server.documents.shares import add_share
from server.errors import Refused
from server.keys import Keyring
from server.tasks.days import day_of, end_of

NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What a link asks for and allows; `password` None leaves the one it has, an empty one takes it away."""

    expires_on: date | None = None
    password: str | None = None
    asks_for_email: bool = False
    allow_download: bool = True


def read_settings(fields: Mapping[str, str]) -> LinkSettings:
    """Return the settings as a form sent them; refuses a day that is none."""
    text = fields.get("expires_on", "").strip()
    try:
        expires_on = date.fromisoformat(text) if text else None
    except ValueError:
        raise Refused(_("“%(day)s” is no day.", day=text[:20]), field="expires_on") from None
    password = "" if "drops_password" in fields else fields.get("password") or None
    return LinkSettings(expires_on, password, "asks_for_email" in fields, "allow_download" in fields)


def add_link(session: Session, keys: Keyring, member: Member, document: Document, name: str) -> Share:
    """Add a bare link to `document`, to be given to somebody by hand."""
    name = " ".join("".join(letter for letter in name if letter.isprintable()).split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise Refused(_("Give the link a name of at most %(most)s characters, such as whom it is for.",
                        most=NAME_LENGTH), field="name")  # fmt: skip
    share = add_share(session, keys, document, member.id, ShareKind.LINK, name=name)
    announce(session, document.id)
    return share


def change(session: Session, share: Share, chosen: LinkSettings, zone: ZoneInfo) -> None:
    """Let `chosen` hold for a link from now on; it expires at the end of its last day in `zone`."""
    if chosen.expires_on is not None and chosen.expires_on < day_of(now(), zone):
        raise Refused(_("That day is over. Choose a later one, or revoke the link."), field="expires_on")
    share.expires_at = end_of(chosen.expires_on, zone) if chosen.expires_on else None
    share.asks_for_email, share.allow_download = chosen.asks_for_email, chosen.allow_download
    if chosen.password is not None:
        set_password(share, chosen.password)
    session.add(share)
    session.flush()


def revoke(session: Session, share: Share) -> None:
    """Take a link back: whoever opens it, or has it open, sees nothing more."""
    share.revoked_at = share.revoked_at or now()
    session.add(share)
    session.flush()


def reopen(session: Session, share: Share) -> None:
    """Let a link that was taken back show the document again."""
    share.revoked_at = None
    session.add(share)
    session.flush()
