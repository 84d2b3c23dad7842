"""How much is kept of one mail: its first views and clicks of an hour one by one, of the rest the number.

Whoever has a pixel's address can fetch it without end. The event log, the feed and the scores stay as they are then,
and the sum stays exact: events and `copy.repeats` together are the hits that were acknowledged.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from server.events.models import Event
from server.events.record import Fact
from server.messages.models import Copy, Message, Silence

KEPT_AN_HOUR = 500  # of a copy and kind, by the clock
Place = tuple[int | None, str, datetime]  # copy, kind, hour


def sum_repeats(session: Session, facts: Sequence[Fact]) -> list[Fact]:
    """Return those of `facts` that are kept one by one; count the others at their copies, in this transaction.

    What an objection silences is not counted, and mail under an aggregate policy has sums of its own: both pass.
    """
    places = Counter(map(_place, facts))
    counts = _count_events(session, places)
    crowded = {place for place, count in places.items() if counts[place] + count > KEPT_AN_HOUR}
    counted = _find_counted(session, {place[0] for place in crowded}) if crowded else set()
    kept, repeats = [], Counter[int]()
    for fact in facts:
        place = _place(fact)
        counts[place] += 1
        if counts[place] <= KEPT_AN_HOUR or fact.copy_id not in counted or fact.evidence.get("honeypot"):
            kept.append(fact)
        else:
            repeats[fact.copy_id] += 1
    for copy_id, count in sorted(repeats.items()):
        more = update(Copy).where(col(Copy.id) == copy_id).values(repeats=col(Copy.repeats) + count)
        session.execute(more, execution_options={"synchronize_session": False})
    return kept


def _place(fact: Fact) -> Place:
    return fact.copy_id, fact.kind, fact.at.replace(minute=0, second=0, microsecond=0)


def _count_events(session: Session, places: Iterable[Place]) -> Counter[Place]:
    counts: Counter[Place] = Counter()
    copies: dict[datetime, set[int | None]] = {}
    for copy_id, _kind, hour in places:
        copies.setdefault(hour, set()).add(copy_id)
    for hour, ids in copies.items():
        rows = select(col(Event.copy_id), col(Event.kind), func.count()).where(
            col(Event.copy_id).in_(ids), col(Event.at) >= hour, col(Event.at) < hour + timedelta(hours=1)
        )
        for copy_id, kind, count in session.execute(rows.group_by(col(Event.copy_id), col(Event.kind))):
            counts[copy_id, kind, hour] = count
    return counts


def _find_counted(session: Session, copy_ids: set[int | None]) -> set[int]:
    rows = select(col(Copy.id)).join(Message, col(Message.id) == col(Copy.message_id))
    is_counted = (col(Copy.silence) == Silence.NONE, col(Message.policy) == "individual")
    return set(session.execute(rows.where(col(Copy.id).in_(copy_ids), *is_counted)).scalars())
