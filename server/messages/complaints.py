"""Reads a complaint in the Abuse Reporting Format (RFC 5965): what it is about, and whose it is where it says so."""

from dataclasses import dataclass
from email.message import Message as Mail

from server.messages.headers import read_text, read_word

NO_COMPLAINT = frozenset({"not-spam"})  # somebody took it out of the spam folder
ADDRESS_FIELDS = ("Original-Rcpt-To", "Removal-Recipient", "X-HmXmrOriginalRecipient")


@dataclass(frozen=True, slots=True)
class Complaint:
    """Its type (abuse, fraud, virus, other …) and the recipient's address, empty where it is kept back."""

    type: str = ""
    address: str = ""


def read_complaint(mail: Mail) -> Complaint | None:
    """Return the complaint in `mail`, None where it is none."""
    for part in mail.walk():
        if part.get_content_type() != "message/feedback-report":
            continue
        report = _read_fields(part)
        kind = read_word(report, "Feedback-Type") or "other"
        if kind in NO_COMPLAINT:
            return None
        named = (read_text(report, name) or read_text(mail, name) for name in ADDRESS_FIELDS)
        address = next((one for one in named if "@" in one), "")
        return Complaint(kind[:40], address.strip().strip("<>"))
    return None


def _read_fields(part: Mail) -> Mail:
    """Return the report's fields, which parsers give as a mail of their own, as several, or as text."""
    payload = part.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Mail):
        return payload[0]
    fields = Mail()
    for line in str(payload).splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields[name.strip()] = value.strip()
    return fields
