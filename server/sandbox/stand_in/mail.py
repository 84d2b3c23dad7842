"""Reads and rewrites raw mail without ever reformatting what it does not change."""

import base64
import email
import re
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

SNIPPET_CHARACTERS = 200
SEARCHED_CHARACTERS = 20_000
REPLY_PREFIX = re.compile(r"^\s*((re|fwd?|aw|wg|tr|sv|antw)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the stand-in needs to know of a mail to thread, deliver and find it."""

    subject: str
    sender: str
    recipients: list[str]
    rfc822_id: str
    references: list[str]
    text: str
    has_attachment: bool


def parse(raw: bytes) -> Parsed:
    """Return what is known of the mail; a broken one yields what could be read."""
    message = email.message_from_bytes(raw)
    recipients = [address for name in ("to", "cc", "bcc") for address in get_addresses(message, name)]
    return Parsed(
        subject=get_header(message, "subject"),
        sender=get_header(message, "from"),
        recipients=recipients,
        rfc822_id=(MESSAGE_ID.findall(get_header(message, "message-id")) or [""])[0],
        references=MESSAGE_ID.findall(f"{get_header(message, 'in-reply-to')} {get_header(message, 'references')}"),
        text=read_text(message)[:SEARCHED_CHARACTERS],
        has_attachment=any(part.get_filename() for part in message.walk()),
    )


def get_header(message: Message, name: str) -> str:
    """Return a header, unfolded and decoded; empty where it is absent."""
    value = message.get(name)
    return "" if value is None else decode(value)


def decode(value: object) -> str:
    """Return a header's value as Gmail's API shows it: one line, encoded words decoded."""
    text = unfold(value)
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, UnicodeError, ValueError):
        return text


def unfold(value: object) -> str:
    """Return a header's value on one line (RFC 5322 §2.2.3)."""
    return re.sub(r"\r?\n[ \t]+", " ", str(value)).strip()


def get_addresses(message: Message, name: str) -> list[str]:
    """Return the addresses of all headers of that name; read before decoding, which may bring commas into a name."""
    values = [unfold(value) for value in message.get_all(name, [])]
    return [address for _, address in getaddresses(values) if "@" in address]


def read_text(message: Message) -> str:
    """Return the mail's text: its plain part, else its HTML without tags."""
    found: dict[str, str] = {}
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not part.get_filename():
            found.setdefault(kind, read_part(part).decode(errors="replace"))
    text = found.get("text/plain") or re.sub(r"(?s)<style.*?</style>|<[^>]*>", " ", found.get("text/html", ""))
    return re.sub(r"\s+", " ", text).strip()


def read_part(part: Message) -> bytes:
    """Return a part's content, transfer encoding undone; text is UTF-8, as Gmail's API returns it."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset() or "utf-8"
    if part.get_content_maintype() != "text" or charset in ("utf-8", "us-ascii"):
        return content
    try:
        return content.decode(charset).encode()
    except (LookupError, UnicodeError):
        return content


def normalise_subject(subject: str) -> str:
    """Return the subject by which Gmail compares threads: without `Re:` and the like."""
    return re.sub(r"\s+", " ", REPLY_PREFIX.sub("", subject)).strip().lower()


def split_head(raw: bytes) -> tuple[list[bytes], bytes]:
    """Return the mail's header fields, each with its folds and line end, and everything after the blank line."""
    raw = re.sub(rb"\r?\n|\r", b"\r\n", raw)
    if raw.startswith(b"\r\n"):
        return [], raw[2:]
    head, _, body = raw.partition(b"\r\n\r\n")
    return [field + b"\r\n" for field in re.split(rb"\r\n(?![ \t])", head) if field], body


def join_head(fields: list[bytes], body: bytes) -> bytes:
    """Return the mail that `split_head` took apart."""
    return b"".join(fields) + b"\r\n" + body


def name_of(field: bytes) -> str:
    """Return a header field's name in lower case."""
    return field.split(b":", 1)[0].strip().lower().decode("ascii", "replace")


def without(fields: list[bytes], *names: str) -> list[bytes]:
    """Return the fields but those of these names (lower case)."""
    return [field for field in fields if name_of(field) not in names]


def header(name: str, value: str) -> bytes:
    """Return one header field; `value` is plain text on one line."""
    value = re.sub(r"[\r\n]+", " ", value)
    return f"{name}: {value}\r\n".encode()


def encode_base64(data: bytes) -> str:
    """Return web-safe base64 with padding, as Gmail writes it."""
    return base64.urlsafe_b64encode(data).decode()
