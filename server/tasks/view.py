"""What a panel of tasks shows, as the address says it: one of the four filters, chosen days, or one person's tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.tasks.days import DAYS, Window, make_window
from server.tasks.queries import LARGEST_ID, Place, read_place

DEFAULT = "today"
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class View:
    """The filter, kept through every act on the panel; `query` puts it into an address."""

    due: str = DEFAULT
    first: date | None = None
    last: date | None = None
    person_id: int | None = None
    shows_done: bool = False
    after: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """The parameters of an address that shows the same."""
        named = {
            "due": None if self.person_id or self.is_chosen else self.due,
            "from": self.first.isoformat() if self.first else None,
            "to": self.last.isoformat() if self.last else None,
            "person": self.person_id,
            "done": "shown" if self.shows_done else None,
            "after": self.after,
        }
        return {name: value for name, value in named.items() if value}

    @property
    def is_chosen(self) -> bool:
        """Whether the days were chosen by date."""
        return self.first is not None

    @property
    def place(self) -> Place | None:
        """Where the page before ended."""
        return read_place(self.after)

    def window(self, zone: ZoneInfo, at: datetime) -> Window | None:
        """Return the days that are shown; None for all of a person's tasks."""
        if self.person_id is not None:
            return None
        if self.first is not None and self.last is not None:
            return Window(self.first, self.last, zone)
        return make_window(self.due, zone, at)


def read_view(arguments: Mapping[str, str]) -> View:
    """Return the view that an address asks for; what it cannot mean is left out."""
    due, person = arguments.get("due", ""), arguments.get("person", "")
    first, last = _read_day(arguments.get("from", "")), _read_day(arguments.get("to", ""))
    if first or last:
        first, last = first or last, last or first
    if first and last:
        first, last = min(first, last), max(first, last)
        last = min(last, first + LONGEST)
    after = arguments.get("after", "")
    return View(
        due=due if due in DAYS else DEFAULT,
        first=first,
        last=last,
        person_id=int(person) if person.isdecimal() and 0 < int(person[:12]) <= LARGEST_ID else None,
        shows_done=arguments.get("done") == "shown",
        after=after if read_place(after) else "",
    )


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None
