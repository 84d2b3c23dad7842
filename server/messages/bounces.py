"""Reads from a bounce who did not get the mail, and why (RFC 3464; other forms as flufl.bounce knows them)."""

import re
from dataclasses import dataclass
from email.message import Message as Mail

from flufl.bounce import all_failures

from server.messages.headers import BROKEN, read_message_ids, read_text, read_word

STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
MAILBOX_FULL = "5.2.2"  # RFC 3463 §3.3: permanent by its number, temporary in truth
FAILED_ACTIONS = ("fail", "error")
MAX_FAILURES = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient who did not get the mail; `status` is the enhanced code of RFC 3463 where one was given."""

    address: str
    status: str = ""
    diagnostic: str = ""

    @property
    def is_soft(self) -> bool:
        """Whether the same mail may get through later."""
        return self.status.startswith("4") or self.status == MAILBOX_FULL


def read_report(mail: Mail) -> list[Failure] | None:
    """Return the failures in a delivery status notification (none where it only tells of a delay); None for others."""
    parts = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    if not parts:
        return None
    blocks = [block for part in parts if part.is_multipart() for block in part.get_payload()]
    failures = [_read_block(block) for block in blocks if isinstance(block, Mail) and _is_failure(block)]
    named = [failure for failure in failures if failure.address]
    return (named or (scan(mail) or failures[:1] if failures else []))[:MAX_FAILURES]


def scan(mail: Mail) -> list[Failure]:
    """Return the failures in a bounce of any other form."""
    try:
        _, permanent = all_failures(mail)
    except BROKEN:  # flufl.bounce trips over headers with 8-bit characters
        permanent = frozenset()
    addresses = sorted(address.decode("ascii", "replace") for address in permanent)
    addresses = addresses or read_text(mail, "X-Failed-Recipients").replace(",", " ").split()
    return [Failure(address) for address in addresses[:MAX_FAILURES]]


def read_original_ids(mail: Mail) -> list[str]:
    """Return the message ids of the mails that the bounce carries with it."""
    found: list[str] = []
    for part in mail.walk():
        if part.get_content_type() in ("text/rfc822-headers", "text/plain"):
            found += re.findall(r"^message-id:\s*(<[^<>\s]+>)", str(part.get_payload()), re.IGNORECASE | re.MULTILINE)
        elif part.get_content_type() == "message/rfc822" and part.is_multipart():
            for original in part.get_payload():
                found += read_message_ids(original, "Message-ID") if isinstance(original, Mail) else []
    return found


def _is_failure(block: Mail) -> bool:
    action, status = read_word(block, "Action"), read_text(block, "Status")
    return action.startswith(FAILED_ACTIONS) or (not action and status.startswith("5"))


def _read_block(block: Mail) -> Failure:
    named = read_text(block, "Final-Recipient") or read_text(block, "Original-Recipient")
    address = named.rpartition(";")[2].strip().strip("<>")
    diagnostic = read_text(block, "Diagnostic-Code")
    status = STATUS.search(read_text(block, "Status")) or STATUS.search(diagnostic)
    return Failure(address, status[1] if status else "", diagnostic[:300])
