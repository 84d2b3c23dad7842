"""Reads the headers of mail that strangers wrote: whatever they hold, text comes out, never an exception.

Parsed with `compat32`: `policy.default` raises on real bounces (facts.md, Gmail and Pub/Sub).
"""

import re
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.parser import BytesParser
from email.policy import compat32

from server.errors import Unreadable
from server.messages.addresses import Address

ADDRESS = r"[^\s<>(),;:\"\\\[\]]+@[^\s<>(),;:\"\\]+"
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
MESSAGE_ID = re.compile(r"<[^<>]{1,900}>")
# What the email package has been seen to raise on mail that breaks its rules.
BROKEN = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
MAX_REFERENCES = 50
MAX_TEXT_CHARACTERS = 1000


def parse_mail(raw: bytes, *, headers_only: bool = False) -> Mail:
    """Return the parsed mail; raises `Unreadable` where even the lenient parser gives up."""
    try:
        return BytesParser(policy=compat32).parsebytes(raw, headersonly=headers_only)
    except BROKEN as error:
        raise Unreadable(f"its structure cannot be parsed ({type(error).__name__})") from error


def read_text(mail: Mail, name: str) -> str:
    """Return the first header `name` as one line of readable text, or nothing."""
    return _decode(_read_raw(mail, name))[:MAX_TEXT_CHARACTERS]


def read_word(mail: Mail, name: str) -> str:
    """Return the first word of the header `name` in lower case, without comment or parameters."""
    return re.split(r"[;(\s]", _read_raw(mail, name).strip(), maxsplit=1)[0].lower()


def read_address(mail: Mail, *names: str) -> Address | None:
    """Return the first address in the first of the headers `names` that has one."""
    for name in names:
        raw = _read_raw(mail, name)
        bare = QUOTED.sub(lambda quoted: " " * len(quoted[0]), raw)  # an address in a quoted name is no address
        if found := re.search(rf"<\s*({ADDRESS})\s*>", bare) or re.search(rf"()({ADDRESS})", bare):
            shown = raw[: found.start()].rpartition(",")[2] if "," in bare[: found.start()] else raw[: found.start()]
            return Address(found[found.lastindex or 1], _read_name(shown))
    return None


def read_message_ids(mail: Mail, name: str) -> list[str]:
    """Return the message ids in the header `name`, with their angle brackets, in the order written."""
    found = MESSAGE_ID.findall(_read_raw(mail, name))
    return ["".join(message_id.split()) for message_id in found[-MAX_REFERENCES:]]


def read_references(mail: Mail) -> list[str]:
    """Return the ids of the mails that `mail` answers, the nearest first (RFC 5322 §3.6.4)."""
    return [*read_message_ids(mail, "In-Reply-To"), *reversed(read_message_ids(mail, "References"))]


def _read_raw(mail: Mail, name: str) -> str:
    for key, value in mail.raw_items():
        if key.lower() == name.lower():
            octets = str(value).encode("utf-8", "surrogateescape")
            try:
                text = octets.decode("utf-8")
            except UnicodeDecodeError:
                text = octets.decode("cp1252", "replace")
            return re.sub(r"\r?\n[ \t]", " ", text)
    return ""


def _read_name(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    name = _decode(text)[:200]
    return "" if "=?" in name else name  # still encoded: no charset we know


def _decode(text: str) -> str:
    try:
        decoded = str(make_header(decode_header(text)))
    except BROKEN:
        decoded = text
    return " ".join("".join(c if c.isprintable() else " " for c in decoded).split())
