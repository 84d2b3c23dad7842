"""What people type about themselves and their workspace, read and checked: names, email addresses, time zones."""

from functools import cache
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from server.errors import Refused

NAME_LENGTH = 100


def read_name(text: str, field: str = "name") -> str:
    """Return the name of a person, a workspace or a token; refuses one that is empty or too long."""
    name = " ".join(text.split())
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Refused(_("A name has 1 to %(most)s characters.", most=NAME_LENGTH), field=field)
    return name


def read_email(text: str) -> str:
    """Return an email address in lower case; refuses what is none."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise Refused(_("“%(text)s” is not an email address.", text=text.strip()[:100]), field="email") from error
    return checked.normalized.lower()


@cache
def list_time_zones() -> tuple[str, ...]:
    """Return the time zones people live in, by name, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def read_time_zone(text: str) -> str:
    """Return a time zone's name; refuses one that is not offered."""
    if text not in list_time_zones():
        raise Refused(_("“%(zone)s” is not a time zone. Choose one of the list.", zone=text[:50]), field="time_zone")
    return text
