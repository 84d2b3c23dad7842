"""Google's delivery status notifications (RFC 3464 in the dress of mailer-daemon@googlemail.com)."""

import re
import secrets
from email.utils import formatdate, parsedate_to_datetime

from server.sandbox.stand_in import mail

NOTICE = """\
Content-Type: multipart/report; boundary="{boundary}"; report-type=delivery-status
Return-Path: <>
Received: by mx.google.com with SMTPS id {token}; {date}
To: {sender}
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
In-Reply-To: {message_id}
X-Failed-Recipients: {address}
Message-ID: <{token}.GMR@mx.google.com>
Date: {date}

--{boundary}
Content-Type: multipart/alternative; boundary="{boundary}2"

--{boundary}2
Content-Type: text/plain; charset="UTF-8"


** Address not found **

Your message wasn't delivered to {address} because the address couldn't be found, or is unable to receive mail.

The response from the remote server was:
550 5.1.1 The email account that you tried to reach does not exist.

--{boundary}2
Content-Type: text/html; charset="UTF-8"

<html><body><h2>Address not found</h2>
<p>Your message wasn't delivered to <b>{address}</b> because the address couldn't be found, or is unable to receive
mail.</p></body></html>
--{boundary}2--
--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Arrival-Date: {date}
X-Original-Message-ID: {message_id}

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.{domain}. (192.0.2.25, the server for the domain {domain}.)
Diagnostic-Code: smtp; 550 5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: {date}

--{boundary}
Content-Type: message/rfc822

"""


def make_notice(sender: str, message_id: str, fields: list[bytes], address: str) -> bytes:
    """Return the notice that a mail could not reach `address`; the original comes back as its header `fields`."""
    values = {
        "boundary": secrets.token_hex(14),
        "token": secrets.token_hex(16),
        "date": formatdate(),
        "sender": sender,
        "message_id": message_id,
        "address": re.sub(r"\s", "", address),
        "domain": address.rpartition("@")[2],
    }
    head = NOTICE.format(**values).replace("\n", "\r\n").encode()
    return head + mail.join_head(fields, b"") + f"\r\n--{values['boundary']}--\r\n".encode()


def read_date(fields: list[bytes]) -> int | None:
    """Return the `Date` header in epoch milliseconds, or None where there is none that can be read."""
    for field in fields:
        if mail.name_of(field) == "date":
            try:
                return int(parsedate_to_datetime(field.split(b":", 1)[1].decode().strip()).timestamp() * 1000)
            except ValueError:
                return None
    return None
