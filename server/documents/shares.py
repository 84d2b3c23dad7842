"""Shares: the secret links under which a document is read, one for each copy of a mail, or one with a name."""

import re
import secrets
from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.config import Settings
from server.documents.models import Document, Share, ShareKind
from server.keys import Keyring, get_keys, hash_token
from server.messages.models import Copy, Message, MessageSource, Recipient

TOKEN_BYTES = 16
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
PURPOSE = "share"


def make_insertion(session: Session, member: Member, document: Document) -> Share:
    """Add the generic share whose address stands in the editor; it works by itself, and each copy gets its own."""
    return add_share(session, get_keys(), document, member.id, ShareKind.INSERTION)


def for_copy(session: Session, copy: Copy, recipients: Sequence[Recipient], insertion: Share) -> Share:
    """Return the share of `copy` for what `insertion` shows, made once with that one's settings."""
    known = _find_for_copy(session, copy, insertion)
    if known is not None:
        return known
    message = session.get_one(Message, copy.message_id)
    try:
        with session.begin_nested():
            return add_share(
                session, get_keys(), session.get_one(Document, insertion.document_id), message.member_id,
                ShareKind.COPY, parent_id=insertion.id, copy_id=copy.id,
                recipient_id=recipients[0].id if len(recipients) == 1 else None,
                is_counted=message.source != MessageSource.SAMPLE, expires_at=insertion.expires_at,
                password_hash=insertion.password_hash, asks_for_email=insertion.asks_for_email,
                allow_download=insertion.allow_download,
            )  # fmt: skip
    except IntegrityError:
        known = _find_for_copy(session, copy, insertion)
        if known is None:
            raise
        return known


def find_preview(session: Session, document: Document) -> Share | None:
    """Return the share under which members look at `document` themselves; nothing ever comes of it."""
    ours = select(Share).where(Share.document_id == document.id, Share.kind == ShareKind.PREVIEW)
    return session.exec(ours.order_by(col(Share.id)).limit(1)).first()


def add_share(
    session: Session, keys: Keyring, document: Document, member_id: int, kind: ShareKind, **settings: object
) -> Share:
    """Add a share of `document` with a new secret token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    digest = hash_token(token)
    share = Share.model_validate(
        {
            "workspace_id": document.workspace_id, "member_id": member_id, "document_id": document.id, "kind": kind,
            "token_hash": digest, "sealed_token": keys.seal(PURPOSE, token, digest), **settings,
        }
    )  # fmt: skip
    session.add(share)
    session.flush()
    return share


def share_url(settings: Settings, keys: Keyring, share: Share) -> str:
    """Return the address under which recipients read."""
    return f"{settings.edge_base_url}/d/{keys.unseal(PURPOSE, share.sealed_token, share.token_hash)}"


def find_share(session: Session, token: str) -> Share | None:
    """Return the share with this secret token."""
    if not TOKEN.fullmatch(token):
        return None
    return session.exec(select(Share).where(Share.token_hash == hash_token(token))).one_or_none()


def _find_for_copy(session: Session, copy: Copy, insertion: Share) -> Share | None:
    return session.exec(select(Share).where(Share.copy_id == copy.id, Share.parent_id == insertion.id)).one_or_none()
