"""Whether a request may read under a share: the share is open, and the reader has given what it asks for."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlmodel import Session, select

from server.clock import now
from server.documents.models import Document, DocumentVersion, Share
from server.documents.protection import Closed, is_password, why_closed
from server.documents.shares import find_share
from server.documents.viewer.grants import make_pass, read_pass
from server.documents.viewer.tries import MOST, Tries
from server.errors import Refused
from server.keys import Keyring
from server.tracking.visits import EMAIL, MAX_EMAIL_CHARACTERS

tries = Tries()


@dataclass(frozen=True, slots=True)
class Entry:
    """A share with what it shows. `closed` says why it shows nothing; `email` is None until what it asks for is given.

    `email` is "" where the share asks for none.
    """

    share: Share
    document: Document
    version: DocumentVersion | None
    closed: Closed | None
    email: str | None

    @property
    def is_open(self) -> bool:
        """Whether this request may read."""
        return self.closed is None and self.email is not None


def find_entry(session: Session, keys: Keyring, token: str, given: str, number: int | None = None) -> Entry | None:
    """Return what a share shows to whoever holds the pass `given`; None where there is no such share.

    Asked anew for every page, picture, text and download. `number` is a version's, for a page that was opened before
    another version came; by default the current one.
    """
    share = find_share(session, token)
    if share is None:
        return None
    document = session.get_one(Document, share.document_id)
    current = session.get(DocumentVersion, document.current_version_id) if document.current_version_id else None
    version = current if number is None else _find_version(session, document, number)
    asks = share.password_hash is not None or share.asks_for_email
    email = read_pass(keys, share, given) if asks else ""
    return Entry(share, document, version, why_closed(share, document, version, now()), email)


def _find_version(session: Session, document: Document, number: int) -> DocumentVersion | None:
    query = select(DocumentVersion).where(DocumentVersion.document_id == document.id, DocumentVersion.number == number)
    return session.exec(query).one_or_none()


def enter(keys: Keyring, share: Share, password: str, email: str) -> str:
    """Return the pass of a reader who gives what `share` asks for; refuses with the field and the reason."""
    address = email.strip().lower() if share.asks_for_email else ""
    if share.asks_for_email and (len(address) > MAX_EMAIL_CHARACTERS or not EMAIL.fullmatch(address)):
        raise Refused(_("Enter your email address, such as name@example.com."), field="email")
    if share.password_hash is not None:
        if not tries.take(share.token_hash):
            message = _("Too many tries. Wait a minute; %(most)s a minute are allowed.", most=MOST)
            raise Refused(message, field="password", status=429)
        if not is_password(share, password):
            raise Refused(_("That is not the password. Ask whoever sent you the link."), field="password")
    return make_pass(keys, share, address)
