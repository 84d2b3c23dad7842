"""How many different links of one copy were followed at about the time of a click: a scanner follows them all."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from server.events.models import Event, EventKind
from server.events.verdict import BURST_SECONDS

if TYPE_CHECKING:
    from server.events.record import Fact

WINDOW = timedelta(seconds=BURST_SECONDS)

Click = tuple[datetime, str]


def count_links(session: Session, facts: "Sequence[Fact]") -> dict[str, int]:
    """Return, for the hit id of each click in `facts`, the distinct links of its copy clicked within the window."""
    clicks = [fact for fact in facts if fact.kind == EventKind.CLICKED and fact.copy_id is not None]
    if not clicks:
        return {}
    seen = _load_clicks(session, clicks)
    for fact in clicks:
        seen[fact.copy_id].append((fact.at, fact.link_target or ""))
    return {
        fact.hit_id: len({target for at, target in seen[fact.copy_id] if abs(at - fact.at) <= WINDOW})
        for fact in clicks
    }


def _load_clicks(session: Session, clicks: "Sequence[Fact]") -> defaultdict[int | None, list[Click]]:
    seen: defaultdict[int | None, list[Click]] = defaultdict(list)
    query = select(Event.copy_id, Event.at, Event.link_target).where(
        col(Event.copy_id).in_({fact.copy_id for fact in clicks}),
        col(Event.at) >= min(fact.at for fact in clicks) - WINDOW,
        col(Event.at) <= max(fact.at for fact in clicks) + WINDOW,
        col(Event.kind) == EventKind.CLICKED,
    )
    for copy_id, at, target in session.execute(query):
        seen[copy_id].append((at, target or ""))
    return seen
