"""Finds a mail that was handed to Gmail's compose among those that Gmail sent, by our own addresses in its HTML.

Sent mail is read only while its mailbox waits for one, and of a mail that is not ours nothing is kept.
"""

from email.message import Message as Mail

from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.config import Settings, get_settings
from server.gmail.answers import RawMail
from server.gmail.models import Mailbox
from server.keys import Keyring, get_keys
from server.messages.headers import parse_mail, read_message_ids
from server.messages.html import parse_body
from server.messages.models import Copy, CopyState, Message, Recipient
from server.messages.outbox import update_copy
from server.people.people import ensure_person
from server.queue import announce
from server.tracking.tokens import find_tracking_id

MOST_ADDRESSES = 500


def is_awaited(session: Session, mailbox: Mailbox) -> bool:
    """Return whether a mail that was handed to this mailbox's compose has not been seen yet."""
    waiting = select(Copy.id).where(
        Copy.state == CopyState.HANDED, col(Copy.due_at) > now(), Copy.mailbox_id == mailbox.id
    )
    return session.exec(waiting.limit(1)).first() is not None


def receive(session: Session, mailbox: Mailbox, mail: RawMail) -> None:
    """Store that and how Gmail sent the handed copy that `mail` carries; any other sent mail leaves no trace."""
    if not is_awaited(session, mailbox):
        return
    parsed = parse_mail(mail.raw)
    copy = _find_copy(session, mailbox, list_tracking_ids(get_settings(), get_keys(), _read_html(parsed)))
    if copy is None:
        return
    message_ids = read_message_ids(parsed, "Message-ID")
    sent = {"state": CopyState.SENT, "sent_at": mail.received_at, "gmail_id": mail.gmail_id}
    sent |= {"gmail_thread_id": mail.thread_id, "rfc822_message_id": message_ids[0] if message_ids else None}
    if update_copy(session, copy.id, sent, col(Copy.state) == CopyState.HANDED):
        session.refresh(copy)
        _add_people(session, copy)


def list_tracking_ids(settings: Settings, keys: Keyring, html: str) -> list[str]:
    """Return the tracking ids in the pixels and links of ours in `html`, each once."""
    body = parse_body(html)
    images = [node.attributes.get("src") or "" for node in body.css("img[src]")]
    anchors = [node.attributes.get("href") or "" for node in body.css("a[href]")]
    found = (find_tracking_id(settings, keys, url) for url in [*images, *anchors])
    return list(dict.fromkeys(tracking_id for tracking_id in found if tracking_id))[:MOST_ADDRESSES]


def _read_html(mail: Mail) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/html" and part.get_filename() is None:
            content = part.get_payload(decode=True)
            return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    return ""


def _find_copy(session: Session, mailbox: Mailbox, tracking_ids: list[str]) -> Copy | None:
    handed = select(Copy).where(
        col(Copy.tracking_id).in_(tracking_ids), Copy.mailbox_id == mailbox.id, Copy.state == CopyState.HANDED
    )
    return session.exec(handed).first()


def _add_people(session: Session, copy: Copy) -> None:
    """Let the people whom the mail went to be known: it was sent, not merely written."""
    message = session.get_one(Message, copy.message_id)
    member = session.get_one(Member, message.member_id)
    for recipient in session.exec(select(Recipient).where(Recipient.copy_id == copy.id)):
        person = ensure_person(session, message.workspace_id, member.id, recipient.address, recipient.name)
        recipient.person_id = person.id
        session.add(recipient)
    session.flush()
    announce(session, "message", member_id=member.id, id=message.id)
