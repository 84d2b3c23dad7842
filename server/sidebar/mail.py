"""A mail about to leave Gmail's compose: tracked there, or sent one by one from here; else why it leaves untracked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.config import Settings
from server.errors import Refused
from server.gmail.models import Mailbox, MailboxState
from server.keys import Keyring
from server.messages import handed
from server.messages.addresses import Address, has_control, read_addresses
from server.messages.compose import MAX_BODY_BYTES, MAX_RECIPIENTS, MAX_SUBJECT_CHARACTERS, Draft, compose
from server.messages.html import parse_body
from server.messages.models import Copy, Message, MessageSource
from server.sidebar.answers import Declined

KINDS = ("to", "cc", "bcc")
KEY_LENGTH = 200
FIELD_CODES = {"to": "bad_address", "cc": "bad_address", "subject": "bad_subject", "idempotency_key": "key_used"}
GMAIL_PICTURES = ("cid:", "blob:", "https://mail.google.com/")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What Gmail's compose holds; `key` names it through all tries of sending it one by one."""

    mailbox: str
    subject: str
    html: str
    recipients: Mapping[str, list[str]]
    key: str = ""
    in_thread: bool = False
    merges: bool = False


def hand_out(
    session: Session, settings: Settings, keys: Keyring, member: Member, mail: Outgoing
) -> tuple[Message, str]:
    """Return the message that was added for `mail`, and the HTML that Gmail shall send; declines with a reason."""
    mailbox = get_mailbox(session, member, mail.mailbox)
    _check(mail)
    recipients = list(_read_recipients(mail))
    if not recipients:
        raise Declined("no_recipients", _("This mail has no recipient yet."), field="to")
    if len(recipients) > MAX_RECIPIENTS:
        message = _("More than %(limit)d people get this mail.", limit=MAX_RECIPIENTS)
        raise Declined("too_many_recipients", message, field="to")
    try:
        prepared = handed.GmailMail(mail.subject.strip(), mail.html, recipients)
        return handed.hand_out(session, settings, keys, member, mailbox, prepared)
    except handed.Unchangeable as error:
        raise Declined("unchangeable", error.message) from error
    except handed.Untracked as error:
        raise Declined("not_tracked", error.message) from error


def send_individually(session: Session, member: Member, mail: Outgoing) -> tuple[Message, int]:
    """Send one mail to each recipient from here; return the message and how many. The same key sends once."""
    mailbox = get_mailbox(session, member, mail.mailbox)
    _check(mail)
    if not 0 < len(mail.key) <= KEY_LENGTH or has_control(mail.key):
        raise Declined("bad_key", _("This mail has no key by which it would be sent once only."), field="key")
    if mail.in_thread:
        raise Declined("in_thread", _("An answer cannot be sent to each of its recipients separately."))
    if any(_is_in_gmail(node.attributes.get("src") or "") for node in parse_body(mail.html).css("img[src]")):
        raise Declined("has_pictures", _("Pictures that were put in here cannot be sent from outside Gmail."))
    to, cc, bcc = (mail.recipients.get(kind, []) for kind in KINDS)
    draft = Draft(
        to=to or [*cc, *bcc][:1], cc=[*cc, *bcc], subject=mail.subject, html=mail.html, individually=True,
        source=MessageSource.GMAIL, merges=mail.merges,
    )  # fmt: skip
    try:
        message = compose(session, member, mailbox, draft, f"gmail:{mail.key}")
    except Declined:
        raise
    except Refused as error:
        code = "suppressed" if error.status == 409 else FIELD_CODES.get(error.field or "", "refused")
        raise Declined(code, error.message, status=error.status, field=error.field) from error
    return message, len(session.exec(select(Copy.id).where(Copy.message_id == message.id)).all())


def get_mailbox(session: Session, member: Member, email: str) -> Mailbox:
    """Return the member's own mailbox of this address, where mail may be tracked."""
    used = select(Mailbox).where(Mailbox.member_id == member.id, Mailbox.state != MailboxState.DISCONNECTED)
    mailbox = session.exec(used.where(Mailbox.email == email.strip().lower()).order_by(col(Mailbox.id))).first()
    ways = _("Connect it on Warmline’s page Mailboxes.")
    if mailbox is None:
        message = _("%(email)s is not connected to Warmline.", email=email.strip()[:100] or _("This account"))
        raise Declined("mailbox_unknown", message, ways, status=409, field="mailbox")
    if mailbox.state != MailboxState.LINKED:
        message = _("Google no longer lets Warmline into %(email)s.", email=mailbox.email)
        raise Declined("mailbox_revoked", message, ways, status=409, field="mailbox")
    return mailbox


def cancel(session: Session, member: Member, message_id: int) -> None:
    """Forget a mail of the member's that Gmail did not send after all; where there is none, there is nothing to do."""
    message = session.get(Message, message_id)
    if message is None or message.member_id != member.id or message.source != MessageSource.GMAIL:
        return
    try:
        handed.cancel(session, message)
    except Refused as error:
        raise Declined("already_sent", error.message, status=error.status) from error


def _check(mail: Outgoing) -> None:
    if not mail.html.strip():
        raise Declined("text_only", _("A text-only mail carries nothing that could be tracked."), field="html")
    if len(mail.html.encode(errors="replace")) > MAX_BODY_BYTES or "\0" in mail.html:
        message = _("The mail is larger than %(limit)d MB.", limit=MAX_BODY_BYTES // 2**20)
        raise Declined("too_large", message, status=413, field="html")
    if has_control(mail.subject) or len(mail.subject) > MAX_SUBJECT_CHARACTERS:
        raise Declined("bad_subject", _("The subject is longer than a line may be."), field="subject")


def _read_recipients(mail: Outgoing) -> Iterator[tuple[str, Address]]:
    """Yield each address once, under the first kind that names it."""
    known: set[str] = set()
    for kind in KINDS:
        for address in _read(mail.recipients.get(kind, []), kind):
            if address.key not in known:
                known.add(address.key)
                yield kind, address


def _read(texts: Iterable[str], kind: str) -> list[Address]:
    try:
        return read_addresses(texts, kind)
    except Refused as error:
        raise Declined("bad_address", error.message, field=kind) from error


def _is_in_gmail(address: str) -> bool:
    return address.strip().lower().startswith(GMAIL_PICTURES)


def read_outgoing(body: Mapping[str, Any]) -> Outgoing:
    """Return the mail that a request's body holds; declines what has another shape."""
    texts = {name: body.get(name) or "" for name in ("mailbox", "subject", "html", "key", "gmail_thread_id")}
    lists = {kind: body.get(kind) or [] for kind in KINDS}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    wrong += [kind for kind, value in lists.items() if not _is_texts(value)]
    if wrong:
        raise Declined("bad_request", _("“%(name)s” has another shape.", name=wrong[0]), status=400, field=wrong[0])
    return Outgoing(
        texts["mailbox"], texts["subject"], texts["html"], lists, texts["key"],
        in_thread=bool(texts["gmail_thread_id"]), merges=body.get("merges") is True,
    )  # fmt: skip


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
