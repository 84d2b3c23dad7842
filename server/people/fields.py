"""What people type about a person, read and checked: names, phone, LinkedIn profile, notes, custom fields."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask_babel import gettext as _

from server.errors import Refused

LINE_LENGTH = 200
CUSTOM_LENGTH = 500
NOTES_LENGTH = 10_000
PHONE = re.compile(r"\+?[\d\s().\-/]+")
PHONE_DIGITS = (3, 20)
PROFILE = re.compile(r"/(in|company|school)/([^/\s<>\"'\\]+)(?:/[^<>\"'\\]*)?")
CUSTOM = "custom-"


def read_line(text: str, field: str, most: int = LINE_LENGTH) -> str:
    """Return one line of text, which may be empty; refuses one that is too long or cannot be printed."""
    line = " ".join(text.split())
    if len(line) > most or not line.isprintable():
        raise Refused(_("At most %(most)s characters, on one line.", most=most), field=field)
    return line


def read_phone(text: str, field: str = "phone") -> str:
    """Return a phone number as it was written; refuses what cannot be dialled."""
    phone = " ".join(text.split())
    if phone and not (PHONE.fullmatch(phone) and PHONE_DIGITS[0] <= sum(map(str.isdigit, phone)) <= PHONE_DIGITS[1]):
        raise Refused(
            _("“%(text)s” is not a phone number. Use digits, spaces and a leading +.", text=text.strip()[:50]),
            field=field,
        )
    return phone


def read_linkedin(text: str, field: str = "linkedin_url") -> str:
    """Return the address of a LinkedIn profile or company, in one form; refuses any other address."""
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").lower()
    except ValueError:
        host, parts = "", urlsplit("")
    found = PROFILE.fullmatch(parts.path)
    is_theirs = host == "linkedin.com" or host.endswith(".linkedin.com")
    is_web = parts.scheme in ("http", "https") and text.isprintable() and len(text) <= LINE_LENGTH
    if not (is_web and is_theirs and found):
        raise Refused(_("This is not a LinkedIn profile: https://www.linkedin.com/in/… is one."), field=field)
    return f"https://www.linkedin.com/{found[1]}/{found[2]}"


def read_notes(text: str, field: str = "notes") -> str:
    """Return notes, which may have several lines."""
    notes = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(notes) > NOTES_LENGTH or any(not letter.isprintable() and letter not in "\n\t" for letter in notes):
        raise Refused(_("At most %(most)s characters of text.", most=NOTES_LENGTH), field=field)
    return notes


READERS: dict[str, Callable[[str, str], str]] = {
    "name": read_line,
    "company": read_line,
    "job_title": read_line,
    "phone": read_phone,
    "linkedin_url": read_linkedin,
    "notes": read_notes,
}


def read_fields(form: Mapping[str, str]) -> dict[str, str]:
    """Return those fields of a person that `form` has, checked; refuses the first wrong one by name."""
    return {name: read(form[name], name) for name, read in READERS.items() if name in form}


def read_custom(form: Mapping[str, str], field_ids: list[int]) -> dict[str, str]:
    """Return the values of custom fields that `form` has under `custom-<id>`, by their id."""
    values = {}
    for field_id in field_ids:
        name = f"{CUSTOM}{field_id}"
        if name in form:
            values[str(field_id)] = read_line(form[name], name, CUSTOM_LENGTH)
    return values
