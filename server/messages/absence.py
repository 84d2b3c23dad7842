"""When somebody who answers automatically says to be back: read from notes in English, French, German and Spanish.

Pure. “Back on Monday” is that Monday; “until Friday” is the day after it, except in English, where “until Monday” is
how people announce the day of their return. A day without a year is the next such day after the mail came.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email.message import Message as Mail

from server.errors import Unreadable
from server.messages.headers import BROKEN, parse_mail
from server.messages.plain import to_text

MAX_BODY_CHARACTERS = 20_000
LONGEST_ABSENCE = timedelta(days=366)
REACH = 70  # characters between the words of return and their date

BACK = re.compile(
    r"\b(?:(?:will )?(?:be |get |come )?back|return(?:ing|s)?|available (?:again|from)|in the office (?:again|from)|"
    r"de retour|retour(?:nerai)?|je reviens|reviendrai|disponible a (?:partir|nouveau)|serai (?:joignable|disponible)|"
    r"zuruck|wieder (?:da|im (?:buro|haus)|erreichbar|verfugbar|fur sie da)|erreichbar ab|ab dem|"
    r"de vuelta|de regreso|regres(?:o|are|ando)|volvere|vuelvo|disponible (?:de nuevo )?(?:a partir|desde)|"
    r"reincorpor\w+|estare disponible)\b"
)
UNTIL = re.compile(
    r"\b(?:through|up to and including|till and including|until and including|"
    r"jusqu ?'?(?:au|a|aux)|jusque|au soir du|bis (?:einschlie(?:ss|ß)lich|inklusive|zum|und mit|inkl\.?)?|"
    r"hasta(?: el)?(?: dia)?)(?= |$)"
)
ENGLISH_UNTIL = re.compile(r"\b(?:until|till|'til)\b")
RANGE_END = re.compile(r"\b(?:from|du|vom|del?)\b.{1,45}?\b(to|au|al?|bis(?: zum)?)\b")

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv januar janner enero ene", "february feb fevrier fevr februar febrero",
            "march mar mars marz maerz marzo", "april apr avril avr abril abr", "may mai mayo",
            "june jun juin juni junio", "july jul juillet juil juli julio", "august aug aout agosto ago",
            "september sep sept septembre septiembre setiembre", "october oct octobre oktober okt octubre",
            "november nov novembre noviembre", "december dec decembre dezember dez diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lundi montag lunes", "tuesday tue tues mardi dienstag martes",
            "wednesday wed mercredi mittwoch miercoles", "thursday thu thurs jeudi donnerstag jueves",
            "friday fri vendredi freitag viernes", "saturday sat samedi samstag sonnabend sabado",
            "sunday sun dimanche sonntag domingo",
        )
    )
    for name in names.split()
}  # fmt: skip
NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
DAYS = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
ISO = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b")
DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|o)?(?: of| de)? ?-?(?P<name>{NAMES})\b"
    r"\.?,?(?: de)?(?: (?P<year>\d{4}))?"
)
MONTH_FIRST = re.compile(rf"\b(?P<name>{NAMES})\b\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}}))?")
NUMBERS = re.compile(
    r"\b(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2})?)?(?!\d)"
)
WEEKDAY = re.compile(rf"\b(?P<weekday>{DAYS})\b")
TOMORROW = re.compile(r"\b(?:tomorrow|demain|morgen|manana)\b")
NEXT_WEEK = re.compile(r"\b(?:next week|la semaine prochaine|nachste woche|la (?:proxima semana|semana que viene))\b")


def read_return_date(mail: bytes | Mail, received_at: datetime) -> date | None:
    """Return the day on which the sender of an automatic reply is back, None where it names none that can be true."""
    try:
        parsed = parse_mail(mail) if isinstance(mail, bytes) else mail
        text = f"{parsed.get('Subject', '')}\n{read_body(parsed)}"
    except (Unreadable, *BROKEN):
        return None
    return find_return_date(text, received_at.date())


def find_return_date(text: str, today: date) -> date | None:
    """Return the day of return that `text`, written `today`, names; the surest wording wins."""
    plain = _simplify(text)
    for pattern, extra_days in ((BACK, 0), (UNTIL, 1), (ENGLISH_UNTIL, 0), (RANGE_END, 1)):
        for found in pattern.finditer(plain):
            reach = re.split(r"(?<!\d)\. |[!?\n]{2,}", plain[found.end() : found.end() + REACH])[0]
            day = _find_date(reach, today)
            if day is not None:
                return day + timedelta(days=extra_days)
    return None


def read_body(mail: Mail) -> str:
    """Return the text of `mail` without what it quotes: its plain part, else its HTML as text."""
    parts = {part.get_content_type(): part for part in reversed(list(mail.walk())) if not part.is_multipart()}
    part = parts.get("text/plain") or parts.get("text/html")
    if part is None:
        return ""
    octets = part.get_payload(decode=True)
    raw = octets if isinstance(octets, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    text = text[:MAX_BODY_CHARACTERS]
    if part.get_content_type() == "text/html":
        text = to_text(text)
    return "\n".join(line for line in text.splitlines() if not line.startswith(">"))


def _simplify(text: str) -> str:
    """Return `text` in lower case, without accents, on one line."""
    text = text.replace("’", "'").lower().replace("ß", "ss")
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[ \t\r\n\f\v]+", " ", bare)


def _find_date(text: str, today: date) -> date | None:
    """Return the first day that `text` names and that can be meant; a date before the name of its weekday."""
    written = [found for pattern in (ISO, DAY_FIRST, MONTH_FIRST, NUMBERS) for found in pattern.finditer(text)]
    for found in sorted(written, key=lambda found: found.start()):
        for day in _read_dates(found, today):
            if today <= day <= today + LONGEST_ABSENCE:
                return day
    if named := WEEKDAY.search(text):
        return today + timedelta(days=(WEEKDAYS[named["weekday"]] - today.weekday() - 1) % 7 + 1)
    if TOMORROW.search(text):
        return today + timedelta(days=1)
    return today + timedelta(days=7 - today.weekday()) if NEXT_WEEK.search(text) else None


def _read_dates(found: re.Match[str], today: date) -> Iterator[date]:
    """Yield what a written date may mean, the likeliest first; 3/4 may be of either country, so the nearer day."""
    groups = found.groupdict()
    year = _read_year(groups.get("year"))
    if groups.get("first"):
        first, second = int(groups["first"]), int(groups["second"])
        pairs = [(first, second)] if groups["mark"] == "." else [(first, second), (second, first)]
        yield from sorted(day for day_number, month in pairs for day in _make_dates(year, month, day_number, today))
        return
    month = MONTHS[groups["name"]] if groups.get("name") else int(groups["month"])
    yield from _make_dates(year, month, int(groups["day"]), today)


def _read_year(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _make_dates(year: int | None, month: int, day: int, today: date) -> Iterator[date]:
    for candidate in (year,) if year else (today.year, today.year + 1):
        try:
            made = date(candidate, month, day)
        except ValueError:
            continue
        if made >= today:
            yield made
            return
