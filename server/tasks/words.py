"""Tasks in words: kinds, priorities, days."""

from datetime import date

from babel.dates import format_skeleton
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from server.tasks.models import Priority, TaskKind

KINDS = {
    TaskKind.CALL: ("phone", _l("Call")),
    TaskKind.EMAIL: ("mail", _l("Email")),
    TaskKind.INMAIL: ("message-square", _l("InMail")),
    TaskKind.CUSTOM: ("square-check", _l("Custom")),
}
PRIORITIES = {Priority.HIGH: _l("High"), Priority.NORMAL: _l("Normal"), Priority.LOW: _l("Low")}
FILTERS = {
    "today": _l("Today"),
    "tomorrow": _l("Tomorrow"),
    "today-tomorrow": _l("Today and tomorrow"),
    "week": _l("Next 7 days"),
}


def tell_day(day: date, today: date) -> str:
    """Return a day as a heading: today, tomorrow, or its date, with the year where it is another."""
    distance = (day - today).days
    if distance in (0, 1):
        return _("Tomorrow") if distance else _("Today")
    skeleton = "EEEEMMMMd" if day.year == today.year else "yMMMEd"
    return str(format_skeleton(skeleton, day, locale=get_locale()))
