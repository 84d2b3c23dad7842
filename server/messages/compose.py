"""Turns what a member wrote into rows that the outbox sends: checked, cleaned, once for each idempotency key."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from server.accounts.models import Member
from server.config import get_settings
from server.consent.silence import prepare
from server.consent.suppression import refuse_suppressed
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState
from server.keys import get_keys
from server.library.fields import pack
from server.messages.addresses import Address, has_control, read_addresses
from server.messages.attachments import files as attachments
from server.messages.attachments.models import Attachment
from server.messages.html import clean_html, is_blank
from server.messages.links import find_links
from server.messages.models import Copy, Link, Message, MessageSource, Recipient
from server.messages.personal import Merge, find_merge
from server.people.people import ensure_person
from server.queue import announce, wake

MAX_RECIPIENTS = 100
MAX_SUBJECT_CHARACTERS = 998  # RFC 5322 §2.1.1
MAX_BODY_BYTES = 2 * 2**20
TRACKING_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail as its member wrote it. With `text` and no `html` it is text only, and not trackable (T14).

    Where it `merges`, its fields (`library.merge`) are filled in for each recipient; else braces are just braces.
    """

    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    subject: str = ""
    html: str = ""
    individually: bool = False
    track_views: bool = True
    track_clicks: bool = True
    text: str = ""
    merges: bool = False
    source: str = MessageSource.APP
    attachments: Sequence[int] = ()


def compose(
    session: Session, member: Member, mailbox: Mailbox | None, draft: Draft, idempotency_key: str | None = None
) -> Message:
    """Add the message of `draft` and its copies, due now, and wake the outbox; raises `Refused` naming the field.

    The same `idempotency_key` with the same content returns the first message; with other content it is refused.
    """
    mailbox = _check_mailbox(member, mailbox)
    files = attachments.find_own(session, member, draft.attachments)
    digest = _digest(mailbox, draft, files)
    if idempotency_key is not None and (known := _find_known(session, member, idempotency_key, digest)):
        return known
    recipients = _read_recipients(draft)
    attachments.check(files)
    draft = _clean(draft)
    if draft.source != MessageSource.SAMPLE:
        refuse_suppressed(session, member.workspace_id, [address.address for _kind, address in recipients])
    shared_by = 1 if draft.individually else sum(kind == "to" for kind, _address in recipients)
    texts = (draft.subject, draft.html, draft.text)
    merge = find_merge(session, member, mailbox, *texts, shared_by) if draft.merges else None
    message = Message(
        workspace_id=member.workspace_id, member_id=member.id, mailbox_id=mailbox.id,
        subject=draft.subject, html=draft.html, text=draft.text, individually=draft.individually,
        track_views=draft.track_views, track_clicks=draft.track_clicks, source=draft.source,
        is_merged=merge is not None, fields=pack(merge.sender, merge.keys) if merge else {},
        idempotency_key=idempotency_key, request_hash=digest,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(message)
            session.flush()
    except IntegrityError:
        if idempotency_key is None or not (known := _find_known(session, member, idempotency_key, digest)):
            raise
        return known
    _add_copies(session, member, message, recipients, merge)
    prepare(session, mailbox, message)
    attachments.bind(session, files, message)
    _add_links(session, message)
    return message


def _check_mailbox(member: Member, mailbox: Mailbox | None) -> Mailbox:
    if mailbox is None or mailbox.member_id != member.id or mailbox.state == MailboxState.DISCONNECTED:
        raise Refused(_("Connect your Gmail mailbox first: mail is sent from it."), status=409, field="mailbox_id")
    if mailbox.state != MailboxState.LINKED:
        raise Refused(
            _("Gmail no longer lets us into %(email)s. Connect it again, then send.", email=mailbox.email),
            status=409, field="mailbox_id",
        )  # fmt: skip
    return mailbox


def _digest(mailbox: Mailbox, draft: Draft, files: Sequence[Attachment]) -> str:
    content = asdict(replace(draft, to=list(draft.to), cc=list(draft.cc))) | {"mailbox_id": mailbox.id}
    content["attachments"] = [(file.name, file.sha256) for file in files]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _find_known(session: Session, member: Member, key: str, digest: str) -> Message | None:
    if not 0 < len(key) <= 255 or has_control(key):
        raise Refused(_("An idempotency key has 1 to 255 printable characters."), field="idempotency_key")
    known = session.exec(
        select(Message).where(Message.member_id == member.id, Message.idempotency_key == key)
    ).one_or_none()
    if known and known.request_hash != digest:
        raise Refused(
            _("The idempotency key “%(key)s” was used for another mail. Take a new key.", key=key[:100]),
            field="idempotency_key",
        )
    return known


def _read_recipients(draft: Draft) -> list[tuple[str, Address]]:
    to = read_addresses(draft.to, "to")
    cc = read_addresses(draft.cc, "cc")
    known = {address.key for address in to}
    recipients = [("to", address) for address in to] + [("cc", address) for address in cc if address.key not in known]
    if not to:
        raise Refused(_("Name at least one recipient."), field="to")
    if len(recipients) > MAX_RECIPIENTS:
        raise Refused(
            _(
                "%(count)d recipients are more than the %(limit)d that one mail may have.",
                count=len(recipients), limit=MAX_RECIPIENTS,
            ),
            field="to",
        )  # fmt: skip
    return recipients


def _clean(draft: Draft) -> Draft:
    if has_control(draft.subject) or len(draft.subject) > MAX_SUBJECT_CHARACTERS:
        raise Refused(
            _("The subject must be one line of at most %(limit)d characters.", limit=MAX_SUBJECT_CHARACTERS),
            field="subject",
        )
    if len(draft.html.encode(errors="replace")) + len(draft.text.encode(errors="replace")) > MAX_BODY_BYTES:
        raise Refused(_("The mail is larger than %(limit)d MB.", limit=MAX_BODY_BYTES // 2**20), field="html")
    html = clean_html(get_settings(), get_keys(), _whole_characters(draft.html))
    if is_blank(html):
        html = ""
    text = "" if html else _whole_characters(draft.text).replace("\r\n", "\n")
    if not html and not text.strip() and not draft.subject.strip():
        raise Refused(_("Write a subject or a text first."), field="html")
    tracks = bool(html)
    return replace(
        draft, subject=draft.subject.strip(), html=html, text=text,
        track_views=tracks and draft.track_views, track_clicks=tracks and draft.track_clicks,
    )  # fmt: skip


def _whole_characters(text: str) -> str:
    """Return `text` without NUL, which PostgreSQL cannot store, and without halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _add_copies(
    session: Session, member: Member, message: Message, recipients: list[tuple[str, Address]], merge: Merge | None
) -> None:
    groups = [[recipient] for recipient in recipients] if message.individually else [recipients]
    for group in groups:
        copy = Copy(
            message_id=message.id, mailbox_id=message.mailbox_id, tracking_id=secrets.token_hex(TRACKING_ID_BYTES)
        )
        session.add(copy)
        session.flush()
        for index, (kind, address) in enumerate(group):
            recipient = Recipient(message_id=message.id, copy_id=copy.id, kind=kind, address=address.address)
            recipient.name = address.name
            if message.source != MessageSource.SAMPLE:  # whoever looks at a sample is no prospect
                person = ensure_person(session, message.workspace_id, member.id, address.address, address.name)
                recipient.person_id = person.id
                if merge and not index:
                    merge.write(copy, person, address.address)
            session.add(recipient)
        wake(session, "send_copy", copy.id)
    if merge:
        merge.refuse_lacking()
        if len(groups) == 1:
            merge.settle(message, copy)
    announce(session, "message", member_id=message.member_id, id=message.id)


def _add_links(session: Session, message: Message) -> None:
    if message.html and message.track_clicks:
        for link in find_links(get_settings(), message.html):
            session.add(Link(message_id=message.id, position=link.position, target=link.target))
    session.flush()
