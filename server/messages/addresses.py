"""Addresses as people write them: `Name <address>` lists with commas, semicolons or lines, read and checked."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from server.errors import Refused

NAME_LIMIT = 200
PART = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^<>]*>|[^,;\n])+')
NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]*)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox address and the name to show with it; the domain is ASCII (RFC 5891), the name any text."""

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """What makes two addresses the same: nobody tells addresses apart by the case of letters."""
        return self.address.lower()


def read_addresses(texts: Iterable[str], field: str) -> list[Address]:
    """Return the addresses in `texts`, each once; raises `Refused` naming the first that is none and the `field`."""
    found: dict[str, Address] = {}
    for text in texts:
        for part in PART.findall(text):
            if part.strip():
                address = _read_address(part.strip(), field)
                known = found.get(address.key)
                if known is None or (address.name and not known.name):
                    found[address.key] = address
    return list(found.values())


def has_control(text: str) -> bool:
    """Return whether `text` holds a character that could end or bend a header (RFC 5322 §2.2)."""
    return drop_control(text) != text


def drop_control(text: str) -> str:
    """Return `text` without control characters, line separators and halves of characters."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"))


def _read_address(text: str, field: str) -> Address:
    named = NAMED.fullmatch(text)
    name, address = (named["name"].strip(), named["address"].strip()) if named else ("", text)
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if has_control(text) or len(name) > NAME_LIMIT:
        raise Refused(
            _("The name before %(address)s holds control characters or is too long.", address=address), field=field
        )
    try:
        checked = validate_email(address, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise Refused(
            _("“%(text)s” is not an email address: %(reason)s", text=text[:100], reason=str(error)), field=field
        ) from error
    return Address(checked.ascii_email or checked.normalized, " ".join(name.split()))
