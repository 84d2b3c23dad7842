"""Reads of the feed: one page by keyset, what came after an id, and how much is hidden. Knows no HTTP and no markup."""

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, tuple_, union_all
from sqlmodel import Session, col

from server.accounts.models import Member
from server.accounts.scope import Scope
from server.db import UtcDateTime
from server.errors import Refused
from server.events.models import UNOWNED, Event, EventClock

PAGE_SIZE = 50
COUNT_LIMIT = 100
LOOKED_AT_ONCE = 500
LOOKED_THROUGH = 2500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EventRow(NamedTuple):
    """The columns of `event` that a row of the feed shows."""

    id: int
    at: datetime
    workspace_id: int
    member_id: int
    kind: str
    verdict: str
    is_shown: bool
    confidence: float
    reasons: list[str]
    message_id: int | None
    person_id: int | None
    person_name: str
    person_address: str
    person_candidates: list[str]
    subject: str
    content_kind: str
    link_target: str | None
    place_city: str | None
    place_country: str | None
    place_source: str
    details: dict[str, Any]
    copy_id: int | None = None
    campaign: str = ""  # its name, where a search asks for it (`campaigns.name_campaigns`)

    @property
    def at_us(self) -> int:
        """`at` in microseconds since the Unix epoch, exactly."""
        return (self.at - EPOCH) // timedelta(microseconds=1)


COLUMNS: list[Any] = [getattr(Event, name) for name in EventRow._fields if name != "campaign"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the opaque cursor of the page after them, or None at the end.

    `looked_to` is how far back a search looked before it paused without having found a whole page.
    """

    rows: list[EventRow]
    next: str | None
    looked_to: datetime | None = None


def read_page(
    session: Session,
    scope: Scope,
    before: str | None = None,
    after_id: int | None = None,
    limit: int = PAGE_SIZE,
    show_machine: bool = False,
) -> Page:
    """Return the newest rows (`at`, then `id`, descending) before a cursor; or those after an id, by ascending id."""
    if after_id is not None:
        return Page(read_after(session, after_id, scope=scope, limit=limit, show_machine=show_machine), None)
    parts = [_part(*one, before, limit + 1) for one in _ranges(scope, (True, False) if show_machine else (True,))]
    newest = union_all(*(select(part.subquery()) for part in parts)).subquery()
    rows = _rows(session, select(newest).order_by(newest.c.at.desc(), newest.c.id.desc()).limit(limit + 1))
    return Page(rows[:limit], make_cursor(rows[limit - 1]) if len(rows) > limit else None)


def find_page(
    session: Session,
    scope: Scope,
    matches: Callable[[EventRow], bool],
    before: str | None = None,
    limit: int = PAGE_SIZE,
    show_machine: bool = False,
    prepare: Callable[[Session, list[EventRow]], list[EventRow]] | None = None,
) -> Page:
    """Return the newest rows before a cursor that match, found among the next 2,500 at most.

    `prepare` adds to rows what `matches` asks for and the event does not hold.
    """
    found: list[EventRow] = []
    for _turn in range(LOOKED_THROUGH // LOOKED_AT_ONCE):
        page = read_page(session, scope, before, limit=LOOKED_AT_ONCE, show_machine=show_machine)
        for row in prepare(session, page.rows) if prepare else page.rows:
            if matches(row):
                found.append(row)
            if len(found) == limit:
                return Page(found, make_cursor(row))
        if page.next is None:
            return Page(found, None)
        before = page.next
    return Page(found, before, looked_to=page.rows[-1].at)


def read_after(
    session: Session,
    after_id: int,
    until_id: int | None = None,
    *,
    scope: Scope | None = None,
    limit: int = PAGE_SIZE,
    show_machine: bool = True,
) -> list[EventRow]:
    """Return the rows with `after_id < id <= until_id` by ascending id; without a scope, the whole installation's."""
    chosen = select(*COLUMNS).where(col(Event.id) > after_id).order_by(col(Event.id)).limit(limit)
    if until_id is not None:
        chosen = chosen.where(col(Event.id) <= until_id)
    if scope is not None:
        # "+ 0" keeps the planner on the primary key: an index of the member's feed would have to read all of it.
        chosen = chosen.where(col(Event.workspace_id) + 0 == scope.workspace_id)
        if scope.member_id is not None:
            chosen = chosen.where((col(Event.member_id) + 0).in_((scope.member_id, UNOWNED)))
    if not show_machine:
        chosen = chosen.where(col(Event.is_shown))
    return _rows(session, chosen)


def read_rows(session: Session, ids: Collection[int]) -> list[EventRow]:
    """Return the rows with these ids, by ascending id; without a scope, so for the stream only."""
    return _rows(session, select(*COLUMNS).where(col(Event.id).in_(ids)).order_by(col(Event.id)))


def read_last_id(session: Session) -> int:
    """Return the id of the newest event of the installation, 0 when there is none."""
    return session.scalar(select(col(EventClock.last_event_id))) or 0


def count_hidden(session: Session, scope: Scope) -> int:
    """Return how many rows the machine switch would add, counted up to 100."""
    parts = [select(col(Event.id)).where(*one).limit(COUNT_LIMIT) for one in _ranges(scope, (False,))]
    some = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return min(COUNT_LIMIT, session.scalar(select(func.count()).select_from(some)) or 0)


def read_names(session: Session, workspace_id: int) -> dict[int, str]:
    """Return the names of a workspace's members by id."""
    rows = session.execute(
        select(col(Member.id), col(Member.name), col(Member.email)).where(col(Member.workspace_id) == workspace_id)
    )
    return {member_id: name or email for member_id, name, email in rows}


def read_callings(session: Session, workspace_id: int) -> dict[int, str]:
    """Return all that a workspace's members may be called by, by id: name and address."""
    rows = session.execute(
        select(col(Member.id), col(Member.name), col(Member.email)).where(col(Member.workspace_id) == workspace_id)
    )
    return {member_id: f"{name} {email}" for member_id, name, email in rows}


def make_cursor(row: EventRow) -> str:
    """Return the opaque cursor of the page that follows `row`."""
    return base64.urlsafe_b64encode(f"{row.at_us}.{row.id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, int]:
    """Return the time and id that a cursor stands for; refuses what `make_cursor` never made."""
    try:
        at_us, event_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).split(b".")
        return EPOCH + timedelta(microseconds=int(at_us)), int(event_id)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Refused("This page's cursor is not one of ours. Start again from the feed.", status=400) from error


def _part(owner: ColumnElement[bool], visibility: ColumnElement[bool], before: str | None, limit: int) -> Select[Any]:
    """Select the newest rows of one range."""
    chosen = select(*COLUMNS).where(owner, visibility)
    if before is not None:
        at, event_id = read_cursor(before)
        chosen = chosen.where(tuple_(col(Event.at), col(Event.id)) < tuple_(literal(at, UtcDateTime()), event_id))
    return chosen.order_by(col(Event.at).desc(), col(Event.id).desc()).limit(limit)


def _ranges(scope: Scope, visibilities: Iterable[bool]) -> list[tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """Return the conditions of the parts of a feed, each exactly one range of one of the feed's indexes."""
    workspace = col(Event.workspace_id) == scope.workspace_id
    owners = [workspace]
    if scope.member_id is not None:
        owners = [and_(workspace, col(Event.member_id) == member_id) for member_id in (scope.member_id, UNOWNED)]
    return [(owner, col(Event.is_shown) == is_shown) for owner in owners for is_shown in visibilities]


def _rows(session: Session, chosen: Select[Any]) -> list[EventRow]:
    rows: Sequence[Any] = session.execute(chosen).all()
    return [EventRow(*row) for row in rows]
