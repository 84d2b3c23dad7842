"""Signatures: what a member ends mail with, and which of them a mailbox starts a mail with."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.library.models import MailboxSignature, Signature
from server.messages.addresses import has_control
from server.messages.html import clean_html, is_blank

MOST = 20  # of a member
NAME_LENGTH = 80
MOST_CHARACTERS = 50_000


def list_signatures(session: Session, member: Member) -> Sequence[Signature]:
    """Return a member's signatures by name."""
    mine = select(Signature).where(Signature.member_id == member.id)
    return session.exec(mine.order_by(col(Signature.name))).all()


def get_signature(session: Session, member: Member, signature_id: int) -> Signature:
    """Return one of the member's signatures; refuses any other as if there were none."""
    signature = session.get(Signature, signature_id)
    if signature is None or signature.member_id != member.id:
        raise Refused(_("You have no such signature."), status=404)
    return signature


def find_signatures(session: Session, mailboxes: Sequence[Mailbox]) -> dict[int, Signature]:
    """Return the signature that mail from each of `mailboxes` starts with, by the mailbox's id."""
    chosen = select(MailboxSignature.mailbox_id, Signature).join(Signature)
    chosen = chosen.where(col(MailboxSignature.mailbox_id).in_([mailbox.id for mailbox in mailboxes]))
    return {mailbox_id: signature for mailbox_id, signature in session.exec(chosen)}


def add_signature(session: Session, member: Member, name: str, html: str) -> Signature:
    """Add a signature; the first one becomes that of mailboxes without any."""
    known = list_signatures(session, member)
    if len(known) >= MOST:
        raise Refused(_("A member has at most %(most)d signatures.", most=MOST), status=409)
    signature = Signature(workspace_id=member.workspace_id, member_id=member.id, name="")
    _write(signature, known, name, html)
    session.add(signature)
    session.flush()
    if not known:
        for mailbox in session.exec(select(Mailbox).where(Mailbox.member_id == member.id)).all():
            set_default(session, mailbox, signature)
    return signature


def edit_signature(session: Session, member: Member, signature: Signature, name: str, html: str) -> None:
    """Write another name and text over a signature; mail sent before keeps what it said."""
    _write(signature, list_signatures(session, member), name, html)
    session.add(signature)
    session.flush()


def remove_signature(session: Session, signature: Signature) -> None:
    """Delete a signature; mailboxes that started with it start with none."""
    session.execute(delete(MailboxSignature).where(col(MailboxSignature.signature_id) == signature.id))
    session.delete(signature)
    session.flush()


def set_default(session: Session, mailbox: Mailbox, signature: Signature | None) -> None:
    """Let new mail from `mailbox` start with `signature`, or with none."""
    session.execute(delete(MailboxSignature).where(col(MailboxSignature.mailbox_id) == mailbox.id))
    if signature is not None:
        session.add(MailboxSignature(mailbox_id=mailbox.id, signature_id=signature.id))
    session.flush()


def _write(signature: Signature, known: Sequence[Signature], name: str, html: str) -> None:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH or has_control(name):
        raise Refused(_("A name has 1 to %(most)s characters.", most=NAME_LENGTH), field="name")
    if any(other.id != signature.id and other.name.casefold() == name.casefold() for other in known):
        raise Refused(_("You have a signature “%(name)s” already.", name=name), status=409, field="name")
    if len(html) > MOST_CHARACTERS:
        raise Refused(_("The text has more than %(most)d characters.", most=MOST_CHARACTERS), field="html")
    clean = clean_html(get_settings(), get_keys(), html.replace("\0", "").encode("utf-8", "replace").decode())
    if is_blank(clean):
        raise Refused(_("Write a text first."), field="html")
    if "{{" in clean:
        raise Refused(_("A signature has no fields: it is the same in every mail."), field="html")
    signature.name, signature.html, signature.updated_at = name, clean, now()
