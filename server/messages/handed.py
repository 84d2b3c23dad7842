"""A mail that Gmail's own compose sends: tracked HTML is handed out for it, taken back, or given up unseen.

Nothing here may change what the member wrote: pixel and links go in, our own of earlier mail come out, and where
anything else would come out differently the mail is refused and leaves untracked.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.clock import now
from server.config import Settings
from server.consent.silence import prepare
from server.errors import Refused
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages.addresses import Address
from server.messages.compose import TRACKING_ID_BYTES
from server.messages.footer import make_footer
from server.messages.html import clean_html, parse_body, strip_own
from server.messages.links import find_links
from server.messages.models import Copy, CopyState, Link, Message, MessageSource, Recipient
from server.messages.render import render_html
from server.messages.sent import list_tracking_ids
from server.people.people import find_person
from server.queue import announce

AWAITED_HOURS = 24
SWEPT_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class GmailMail:
    """A mail as it stands in Gmail's compose: `recipients` are (kind, address) with kind to, cc or bcc."""

    subject: str
    html: str
    recipients: Sequence[tuple[str, Address]] = field(default_factory=list)


class Unchangeable(Refused):
    """The HTML would not come out as it went in."""


class Untracked(Refused):
    """Nothing in the mail may tell anything: the policy, or a recipient, says no."""


def hand_out(
    session: Session, settings: Settings, keys: Keyring, member: Member, mailbox: Mailbox, mail: GmailMail
) -> tuple[Message, str]:
    """Add `mail` as a message with one copy, and return it with the HTML that Gmail shall send in its place.

    Raises `Unchangeable` and `Untracked`; then nothing may be committed.
    """
    body = parse_body(mail.html)
    strip_own(settings, keys, body)
    own = body.inner_html or ""
    message = Message(
        workspace_id=member.workspace_id, member_id=member.id, mailbox_id=mailbox.id, subject=mail.subject,
        html=clean_html(settings, keys, own), source=MessageSource.GMAIL,
    )  # fmt: skip
    session.add(message)
    session.flush()
    copy, recipients = _add_copy(session, message, mail.recipients)
    prepare(session, mailbox, message)
    _add_links(session, settings, message, own)
    html = render_html(session, settings, keys, member.sender_key, message, copy, recipients, own)
    if parse_body(html).text() != parse_body(mail.html).text():
        raise Unchangeable(_("This mail cannot be tracked without changing it."))
    if copy.tracking_id not in list_tracking_ids(settings, keys, html):
        raise Untracked(_("Somebody who gets this mail, or your workspace’s policy, does not want it tracked."))
    announce(session, "message", member_id=member.id, id=message.id)
    return message, html + make_footer(settings, keys, member, message, copy).html


def cancel(session: Session, message: Message) -> None:
    """Forget a mail that Gmail did not send after all; refuses one that it did send."""
    copies = session.exec(select(Copy).where(Copy.message_id == message.id)).all()
    if any(copy.state != CopyState.HANDED or copy.last_event_at is not None for copy in copies):
        raise Refused(_("This mail was sent."), status=409)
    _delete(session, [message.id])
    announce(session, "message", member_id=message.member_id, id=message.id)


def sweep(session: Session) -> None:
    """Forget mails that never appeared among the sent ones, unless something came of them."""
    given_up = select(Copy.message_id).where(
        Copy.state == CopyState.HANDED, col(Copy.due_at) < now(), col(Copy.last_event_at).is_(None)
    )
    _delete(session, session.exec(given_up.order_by(col(Copy.due_at)).limit(SWEPT_AT_ONCE)).all())


def _add_copy(
    session: Session, message: Message, addresses: Iterable[tuple[str, Address]]
) -> tuple[Copy, list[Recipient]]:
    """Add the copy; people are only looked up: nobody new comes into the database before the mail was sent."""
    copy = Copy(
        message_id=message.id, mailbox_id=message.mailbox_id, tracking_id=secrets.token_hex(TRACKING_ID_BYTES),
        state=CopyState.HANDED, due_at=now() + timedelta(hours=AWAITED_HOURS),
    )  # fmt: skip
    session.add(copy)
    session.flush()
    recipients = []
    for kind, address in addresses:
        person = find_person(session, message.workspace_id, address.address)
        recipient = Recipient(message_id=message.id, copy_id=copy.id, kind=kind, address=address.address)
        recipient.name, recipient.person_id = address.name, person.id if person else None
        recipients.append(recipient)
    session.add_all(recipients)
    session.flush()
    return copy, recipients


def _add_links(session: Session, settings: Settings, message: Message, html: str) -> None:
    if message.track_clicks:
        for link in find_links(settings, html):
            session.add(Link(message_id=message.id, position=link.position, target=link.target))
    session.flush()


def _delete(session: Session, message_ids: Sequence[int]) -> None:
    for table in (Link, Recipient, Copy):
        session.exec(delete(table).where(col(table.message_id).in_(message_ids)))
    session.exec(delete(Message).where(col(Message.id).in_(message_ids)))
