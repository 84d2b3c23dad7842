"""Who gets to see what a share leads to: whether it is open at all, and its password."""

from datetime import datetime
from enum import StrEnum

from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _

from server.accounts.passwords import HASHER
from server.documents.models import Document, DocumentVersion, Share, VersionState
from server.errors import Refused

PASSWORD_LENGTHS = (4, 128)


class Closed(StrEnum):
    """Why a share shows nothing."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    DELETED = "deleted"
    PREPARING = "preparing"
    FAILED = "failed"


def why_closed(share: Share, document: Document, version: DocumentVersion | None, at: datetime) -> Closed | None:
    """Return why `share` shows nothing at `at`, None where it is open; its password and email are asked after this.

    `version` is the document's current one. To be asked again for every page, picture and download.
    """
    if share.revoked_at is not None:
        return Closed.REVOKED
    if share.expires_at is not None and share.expires_at <= at:
        return Closed.EXPIRED
    if document.deleted_at is not None or version is None or version.state == VersionState.SWEPT:
        return Closed.DELETED
    if version.state == VersionState.READY:
        return None
    return Closed.FAILED if version.state == VersionState.FAILED else Closed.PREPARING


def is_password(share: Share, password: str) -> bool:
    """Return whether `password` opens a share that asks for one; slow by design (Argon2id), so limit the tries."""
    try:
        return share.password_hash is not None and HASHER.verify(share.password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def set_password(share: Share, password: str) -> None:
    """Ask whoever opens the share for `password`; an empty one asks no more."""
    least, most = PASSWORD_LENGTHS
    if password and not least <= len(password) <= most:
        raise Refused(_("A password has %(least)s to %(most)s characters.", least=least, most=most), field="password")
    share.password_hash = HASHER.hash(password) if password else None
