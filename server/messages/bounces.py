"""Reads from a bounce who did not get the mail, and why (RFC 3464; other forms as flufl.bounce knows them)."""

import re
from dataclasses import dataclass
from email.message import Message as Mail

from flufl.bounce import all_failures

from server.messages.absence import read_body
from server.messages.failures import SOFT, Cause, find_cause
from server.messages.headers import BROKEN, read_message_ids, read_text, read_word

STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
RECIPIENT_FIELDS = ("Original-Recipient", "Final-Recipient")
FAILED_ACTIONS = ("fail", "error")
MAX_FAILURES = 100
MAX_LINES = 200
LINES_OF_A_FAILURE = 6
MAX_DIAGNOSTIC = 300
RETURNED = re.compile(
    r"-{2,}.*(original|below|copy|returned|message header|unsent)|received:|return-path:|"
    r"(a copy of|this is a copy|the (text|first).{0,30}original|below (this line )?is)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient who did not get the mail; `status` is the enhanced code of RFC 3463 where one was given."""

    address: str
    status: str = ""
    diagnostic: str = ""

    @property
    def cause(self) -> Cause:
        """Why it failed: a reason's code, and the category hard, soft or ignored."""
        return find_cause(self.status, self.diagnostic)

    @property
    def category(self) -> str:
        """Hard (the address is no good), soft (the same mail may get through later) or ignored."""
        return self.cause.category

    @property
    def reason(self) -> str:
        """The code of the reason, one of `failures.REASONS` and `failures.WORDS`."""
        return self.cause.code

    @property
    def is_soft(self) -> bool:
        """Whether the same mail may get through later."""
        return self.category == SOFT


def read_report(mail: Mail) -> list[Failure] | None:
    """Return the failures in a delivery status notification (none where it only tells of a delay); None for others."""
    parts = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    if not parts:
        return None
    blocks = [block for part in parts if part.is_multipart() for block in part.get_payload()]
    failures = [_read_block(block) for block in blocks if isinstance(block, Mail) and _is_failure(block)]
    words = _read_words(mail) if any(failure.reason == "unspecified" for failure in failures) else []
    failures = [_add_words(failure, words) for failure in failures]
    named = [failure for failure in failures if failure.address]
    return (named or (scan(mail) or failures[:1] if failures else []))[:MAX_FAILURES]


def _add_words(failure: Failure, words: list[str]) -> Failure:
    """Return a failure whose report gives no reason with what the letter around it says."""
    if failure.reason != "unspecified" or failure.diagnostic or not words:
        return failure
    status, said = _find_words(words, failure.address)
    return Failure(failure.address, status or failure.status, said)


def scan(mail: Mail) -> list[Failure]:
    """Return the failures in a bounce of any other form."""
    try:
        _, permanent = all_failures(mail)
    except BROKEN:  # flufl.bounce trips over headers with 8-bit characters
        permanent = frozenset()
    addresses = sorted(address.decode("ascii", "replace") for address in permanent)
    addresses = addresses or read_text(mail, "X-Failed-Recipients").replace(",", " ").split()
    if not addresses:
        return []
    words = _read_words(mail)
    return [Failure(address, *_find_words(words, address)) for address in addresses[:MAX_FAILURES]]


def _read_words(mail: Mail) -> list[str]:
    """Return the lines in which a server says what went wrong: those before the mail that it sends back."""
    lines: list[str] = []
    for line in read_body(mail).splitlines()[:MAX_LINES]:
        if RETURNED.match(line):
            break
        lines.append(line.strip())
    return lines


def _find_words(lines: list[str], address: str) -> tuple[str, str]:
    """Return the status and the words for `address`: what stands from it on, else all there is."""
    start = next((index for index, line in enumerate(lines) if address.lower() in line.lower()), None)
    said = " ".join(lines if start is None else lines[start : start + LINES_OF_A_FAILURE])
    if find_cause("", said).code == "unspecified":
        said = " ".join(lines)
    status = STATUS.search(said)
    return (status[1] if status else ""), said.replace(address, "<…>")[:MAX_DIAGNOSTIC]


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
    # RFC 3464 §2.3.1: the original recipient is whom the sender wrote to; the final one may be known inside only.
    named = (read_text(block, name).rpartition(";")[2].strip().strip("<>") for name in RECIPIENT_FIELDS)
    address = next((one for one in named if "@" in one), "")
    said = read_text(block, "Status")
    diagnostic = read_text(block, "Diagnostic-Code") or said.partition("(")[2].strip(") ")
    status = STATUS.search(said) or STATUS.search(diagnostic)
    return Failure(address, status[1] if status else "", diagnostic[:MAX_DIAGNOSTIC])
