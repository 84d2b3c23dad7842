"""Sends a mail as Gmail does: own Message-ID, a copy in SENT, delivery to the accounts here, bounces for the rest."""

import base64
import binascii
import re
import secrets
import sqlite3
import time
from email.utils import formataddr, formatdate, parseaddr

from server.sandbox.stand_in import accounts, bounces, mail
from server.sandbox.stand_in.errors import GoogleError, make_invalid
from server.sandbox.stand_in.mailbox import add_message, find_asked_thread
from server.sandbox.stand_in.rest import Call, Json

MAX_RAW_BYTES = 35 * 2**20
INBOX_LABELS = ("INBOX", "UNREAD", "CATEGORY_PERSONAL")


def read_raw(body: Json, media: bytes | None) -> bytes:
    """Return the mail a call carries: its media, else the base64url of `raw`; raises 400 or 413."""
    if media is None:
        text = body.get("raw")
        if not isinstance(text, str) or not text:
            raise make_invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
        if not re.fullmatch(r"[A-Za-z0-9_\-]*={0,2}", text):
            raise make_invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed")
        try:
            media = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error as error:
            message = "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed"
            raise make_invalid(message) from error
    if len(media) > MAX_RAW_BYTES:
        raise GoogleError(413, "uploadTooLarge", "Request payload size exceeds the limit: 36700160 bytes.")
    return media


def send(call: Call, raw: bytes, *, asked_thread: str | None = None, draft_thread: str | None = None) -> sqlite3.Row:
    """Accept a mail for sending, deliver it, and return the row of the sender's copy; raises 400 without recipients."""
    db, account = call.db, call.account
    if not mail.parse(raw).recipients:
        raise make_invalid("Recipient address required")
    thread_id = draft_thread or find_asked_thread(db, account, raw, asked_thread)
    fields, body = mail.split_head(raw)
    fields = _finish_head(db, account, fields)
    recipients = list(dict.fromkeys(address.lower() for address in mail.parse(mail.join_head(fields, body)).recipients))
    labels = ("SENT", *(INBOX_LABELS if account in map(str.lower, recipients) else ()))
    sent = add_message(db, account, mail.join_head(fields, body), labels, thread_id=thread_id)
    head = b"".join(fields)
    db.execute("INSERT INTO accepted_send (account, message_id, headers) VALUES (?, ?, ?)", (account, sent["id"], head))
    _deliver(db, sent, mail.without(fields, "bcc"), body, recipients)
    return sent


def _finish_head(db: sqlite3.Connection, account: str, fields: list[bytes]) -> list[bytes]:
    name = db.execute("SELECT name FROM account WHERE email = ?", (account,)).fetchone()["name"]
    given = [field.split(b":", 1)[1].decode(errors="replace") for field in fields if mail.name_of(field) == "from"]
    given_name, given_address = parseaddr(mail.unfold(given[0])) if given else ("", "")
    if given_address.lower() != account or not given_name:  # Gmail sends only as the account itself
        sender = formataddr((mail.decode(given_name) or name, account), "utf-8")
        fields = [mail.header("From", sender), *mail.without(fields, "from")]
    if not any(mail.name_of(field) == "date" for field in fields):
        fields = [mail.header("Date", formatdate(localtime=False)), *fields]
    if not any(mail.name_of(field) == "mime-version" for field in fields):
        fields = [mail.header("MIME-Version", "1.0"), *fields]
    message_id = f"<CA{secrets.token_urlsafe(31)}@mail.gmail.com>"
    received = f"from {secrets.randbelow(10**12)} named unknown by gmailapi.google.com with HTTPREST; {formatdate()}"
    return [
        mail.header("Received", received),
        *mail.without(fields, "message-id"),
        mail.header("Message-Id", message_id),
    ]


def _deliver(
    db: sqlite3.Connection, sent: sqlite3.Row, fields: list[bytes], body: bytes, recipients: list[str]
) -> None:
    delivered = {sent["account"]}
    for address in recipients:
        account = accounts.find_account(db, address)
        if address.startswith("bounce") or (account is None and accounts.is_local_domain(db, address)):
            notice = bounces.make_notice(sent["account"], sent["rfc822_id"], fields, address)
            add_message(db, sent["account"], notice, INBOX_LABELS, thread_id=sent["thread_id"])
        elif account is not None and account not in delivered:
            delivered.add(account)
            trace = [
                mail.header("Delivered-To", account),
                mail.header("Return-Path", f"<{sent['account']}>"),
                mail.header("Received", f"by mx.google.com with SMTPS id {secrets.token_hex(12)}; {formatdate()}"),
            ]
            add_message(db, account, mail.join_head([*trace, *fields], body), INBOX_LABELS)


def receive(call: Call, raw: bytes, *, labels: list[str], use_date_header: bool) -> sqlite3.Row:
    """Put a mail into the caller's own mailbox without sending it (insert and import)."""
    thread_id = find_asked_thread(call.db, call.account, raw, call.body.get("threadId"))
    fields, body = mail.split_head(raw)
    if not any(mail.name_of(field) == "message-id" for field in fields):
        fields.append(mail.header("Message-ID", f"<{secrets.token_hex(16)}@mx.google.com>"))
    internal_date = None
    if use_date_header:
        internal_date = bounces.read_date(fields) or int(time.time() * 1000)
    raw = mail.join_head(fields, body)
    return add_message(call.db, call.account, raw, labels, thread_id=thread_id, internal_date=internal_date)
