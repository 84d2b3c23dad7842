"""Sends a mail as Gmail's own page does: no draft of ours, no header of ours, Gmail's Message-ID, a copy in SENT."""

import email
import re
import sqlite3
from email.message import EmailMessage
from email.policy import SMTP

from werkzeug.datastructures import MultiDict

from server.sandbox.stand_in import accounts, delivery, mail
from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.mailbox import get_labels, get_message
from server.sandbox.stand_in.rest import Call, Json

ADDRESS_FIELDS = ("to", "cc", "bcc")


def send(db: sqlite3.Connection, body: Json) -> Json:
    """Send what `body` says (docs/extension-api.md) from its `account`; return the sent message with its Message-ID."""
    account = str(body.get("account", "")).lower()
    if accounts.find_account(db, account) is None:
        raise GoogleError(404, "notFound", f"No account {account!r}")
    composed, thread_id = _compose(body), str(body.get("thread_id") or "")
    if body.get("in_reply_to"):
        answered = get_message(db, account, str(body["in_reply_to"]))
        _answer(composed, answered)
        thread_id = thread_id or answered["thread_id"]
    call = Call(db, account, frozenset(), MultiDict(), {}, None)
    sent = delivery.send(call, composed.as_bytes(policy=SMTP), asked_thread=thread_id or None)
    labels = get_labels(db, sent["id"])
    return {"id": sent["id"], "threadId": sent["thread_id"], "labelIds": labels, "messageId": sent["rfc822_id"]}


def _compose(body: Json) -> EmailMessage:
    composed, html = EmailMessage(), str(body.get("html", ""))
    for name in ADDRESS_FIELDS:
        addresses = body.get(name) or []
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            raise make_invalid(f"Invalid value at '{name}'")
        if addresses:
            composed[name.capitalize()] = ", ".join(addresses)
    composed["Subject"] = re.sub(r"[\r\n]+", " ", str(body.get("subject", "")))
    composed.set_content(re.sub(r"<[^>]*>", " ", html), cte="quoted-printable")
    composed.add_alternative(html, subtype="html", cte="quoted-printable")
    return composed


def _answer(composed: EmailMessage, answered: sqlite3.Row) -> None:
    """Continue the thread of `answered` (RFC 5322 §3.6.4)."""
    references = mail.unfold(str(email.message_from_bytes(answered["raw"]).get("References", "")))
    composed["In-Reply-To"] = answered["rfc822_id"]
    composed["References"] = " ".join([*references.split(), answered["rfc822_id"]])
    if not composed["Subject"]:
        del composed["Subject"]
        composed["Subject"] = f"Re: {mail.REPLY_PREFIX.sub('', answered['subject'])}"
