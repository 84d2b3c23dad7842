"""Whom a campaign means: a filter over people and their engagement, read once and checked, then asked as one query.

A filter is JSON: `{"all": […]}`, `{"any": […]}`, `{"not": …}` around conditions, nested to a depth of `DEPTH`.
A condition is one of
`{"field": "company", "is": "contains", "value": "acme"}` (a field of the person, or `custom:<id>`),
`{"owner": "me" | "nobody" | <member id>}`, `{"list": <id>}`, `{"score_at_least": 20}`,
`{"did": "clicked", "times": 1, "days": 30}` (counted engagement only: what machines did never branches).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, String, Table, and_, cast, exists, false, func, literal, not_, or_, select, true
from sqlmodel import Session

from server.campaigns.models import AudienceList, ListedPerson
from server.clock import now
from server.errors import Refused
from server.events.models import COUNTED_VERDICTS, Event, EventKind
from server.people.models import Person, PersonAddress
from server.scoring.ranking import scored_at_least

PERSON: Table = Person.__table__  # type: ignore[attr-defined]
ADDRESS: Table = PersonAddress.__table__  # type: ignore[attr-defined]
EVENT: Table = Event.__table__  # type: ignore[attr-defined]
LISTED: Table = ListedPerson.__table__  # type: ignore[attr-defined]
DEPTH = 4
MOST_CONDITIONS = 50
MOST_DAYS = 3650
VALUE_CHARACTERS = 200
FIELDS = ("name", "company", "job_title", "phone", "linkedin_url", "email")
TEXT_TESTS: dict[str, Callable[[Any, str], ColumnElement[bool]]] = {
    "equals": lambda column, value: func.lower(column) == value,
    "contains": lambda column, value: func.lower(column).contains(value, autoescape=True),
    "begins": lambda column, value: func.lower(column).startswith(value, autoescape=True),
    "ends": lambda column, value: func.lower(column).endswith(value, autoescape=True),
    "is_empty": lambda column, _value: func.coalesce(column, "") == "",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom a filter is asked: the campaign's workspace and the member whose people `me` means."""

    workspace_id: int
    member_id: int


def check_filter(session: Session, asker: Asker, tree: Mapping[str, Any]) -> None:
    """Raise `Refused` naming what in `tree` cannot be asked."""
    _Reader(session, asker).read(tree)


def count_audience(session: Session, asker: Asker, tree: Mapping[str, Any]) -> int:
    """Return how many people the filter means now."""
    chosen = select(func.count()).select_from(PERSON).where(*_conditions(session, asker, tree))
    return int(session.execute(chosen).scalar_one())


def read_audience(session: Session, asker: Asker, tree: Mapping[str, Any], after_id: int, limit: int) -> list[int]:
    """Return the ids of the next people that the filter means, by id after `after_id`."""
    chosen = select(PERSON.c.id).where(*_conditions(session, asker, tree), PERSON.c.id > after_id)
    return list(session.execute(chosen.order_by(PERSON.c.id).limit(limit)).scalars())


def read_some(session: Session, asker: Asker, tree: Mapping[str, Any], limit: int = 5) -> list[str]:
    """Return the names, or else the first addresses, of some people that the filter means."""
    ids = read_audience(session, asker, tree, 0, limit)
    first = select(func.min(ADDRESS.c.email)).where(ADDRESS.c.person_id == PERSON.c.id).scalar_subquery()
    chosen = select(PERSON.c.name, first).where(PERSON.c.id.in_(ids)).order_by(PERSON.c.id)
    return [name or email or "" for name, email in session.execute(chosen)]


def is_meant(session: Session, asker: Asker, tree: Mapping[str, Any], person_id: int) -> bool:
    """Return whether the filter means this person now."""
    chosen = select(PERSON.c.id).where(*_conditions(session, asker, tree), PERSON.c.id == person_id)
    return session.execute(chosen).first() is not None


def _conditions(session: Session, asker: Asker, tree: Mapping[str, Any]) -> tuple[ColumnElement[bool], ...]:
    return PERSON.c.workspace_id == asker.workspace_id, _Reader(session, asker).read(tree)


class _Reader:
    """Makes a condition of SQL of a filter, counting how much it asks."""

    def __init__(self, session: Session, asker: Asker) -> None:
        self.session, self.asker, self.conditions = session, asker, 0

    def read(self, tree: Any, depth: int = 0) -> ColumnElement[bool]:
        """Return the condition that `tree` means; an empty one means everybody."""
        if not isinstance(tree, Mapping) or depth > DEPTH:
            raise _refuse(_("A filter is nested at most %(depth)d deep.", depth=DEPTH))
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise _refuse(_("A filter has at most %(most)d conditions.", most=MOST_CONDITIONS))
        if not tree:
            return true()
        if "all" in tree:
            return and_(true(), *[self.read(part, depth + 1) for part in _parts(tree["all"])])
        if "any" in tree:
            return or_(false(), *[self.read(part, depth + 1) for part in _parts(tree["any"])])
        if "not" in tree:
            return not_(self.read(tree["not"], depth + 1))
        for name, read in self._readers().items():
            if name in tree:
                return read(tree)
        raise _refuse(_("“%(key)s” is not a condition.", key=str(next(iter(tree)))[:50]))

    def _readers(self) -> dict[str, Callable[[Mapping[str, Any]], ColumnElement[bool]]]:
        return {
            "field": self._read_field, "owner": self._read_owner, "list": self._read_list,
            "score_at_least": self._read_score, "did": self._read_engagement,
        }  # fmt: skip

    def _read_field(self, tree: Mapping[str, Any]) -> ColumnElement[bool]:
        name, test, value = str(tree["field"]), str(tree.get("is", "contains")), str(tree.get("value", ""))
        if test not in TEXT_TESTS:
            raise _refuse(_("“%(test)s” is not a way to compare.", test=test[:50]))
        if len(value) > VALUE_CHARACTERS or (not value.strip() and test != "is_empty"):
            raise _refuse(_("Say what “%(field)s” is compared with.", field=name[:50]))
        ask = TEXT_TESTS[test]
        value = value.strip().lower()
        if name == "email":
            of_person = select(ADDRESS.c.id).where(ADDRESS.c.person_id == PERSON.c.id)
            if test == "is_empty":
                return not_(exists(of_person))
            return exists(of_person.where(ask(ADDRESS.c.email, value)))
        if name.startswith("custom:") and name[7:].isdigit():
            return ask(cast(PERSON.c.custom[name[7:]].as_string(), String), value)
        if name not in FIELDS:
            raise _refuse(_("“%(field)s” is not a field of people.", field=name[:50]))
        return ask(PERSON.c[name], value)

    def _read_owner(self, tree: Mapping[str, Any]) -> ColumnElement[bool]:
        owner = tree["owner"]
        if owner == "nobody":
            return PERSON.c.owner_id.is_(None)
        owner_id = self.asker.member_id if owner == "me" else _read_number(owner, 1, 2**31)
        return PERSON.c.owner_id == owner_id

    def _read_list(self, tree: Mapping[str, Any]) -> ColumnElement[bool]:
        wanted = self.session.get(AudienceList, _read_number(tree["list"], 1, 2**31))
        if wanted is None or wanted.workspace_id != self.asker.workspace_id:
            raise _refuse(_("There is no such list."))
        listed = select(LISTED.c.person_id).where(LISTED.c.list_id == wanted.id, LISTED.c.person_id == PERSON.c.id)
        return exists(listed)

    def _read_score(self, tree: Mapping[str, Any]) -> ColumnElement[bool]:
        least = _read_number(tree["score_at_least"], -(10**6), 10**6)
        return PERSON.c.id.in_(scored_at_least(self.session, self.asker.workspace_id, least))

    def _read_engagement(self, tree: Mapping[str, Any]) -> ColumnElement[bool]:
        kind = str(tree["did"])
        if kind not in list(EventKind):
            raise _refuse(_("“%(kind)s” is not a kind of engagement.", kind=kind[:50]))
        times, days = _read_number(tree.get("times", 1), 1, 1000), _read_number(tree.get("days", 90), 1, MOST_DAYS)
        is_made_by_machines = kind in (EventKind.BOUNCED, EventKind.AUTO_REPLIED)
        counted = true() if is_made_by_machines else EVENT.c.verdict.in_(COUNTED_VERDICTS)
        done = select(literal(1)).where(
            EVENT.c.person_id == PERSON.c.id, EVENT.c.at >= now() - timedelta(days=days), EVENT.c.kind == kind, counted
        )
        if times == 1:
            return exists(done)
        return done.with_only_columns(func.count()).correlate(PERSON).scalar_subquery() >= times


def _parts(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _refuse(_("“all” and “any” hold lists of conditions."))
    return value


def _read_number(value: Any, least: int, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise _refuse(_("“%(value)s” is not a whole number.", value=str(value)[:50])) from error
    if not least <= number <= most:
        raise _refuse(_("%(value)d is not between %(least)d and %(most)d.", value=number, least=least, most=most))
    return number


def _refuse(message: str) -> Refused:
    return Refused(message, field="audience")
