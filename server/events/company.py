"""Which copies a batch of new events says something new about, so that their earlier events are judged again.

Cheap where nothing is new: one lean read of the clicks around the batch, and one of what a new trap would condemn.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, select
from sqlmodel import Session

from server.events.attribution import SentCopy
from server.events.models import Event, EventKind, Verdict
from server.events.networks import find_neighbourhood
from server.events.reading import ReadingState, level_of
from server.events.traps import BURST_WINDOW, FAR, NEAR, Click, Trap, find_traps
from server.events.verdict import HIDDEN_VERDICTS, READ_KINDS, is_soon

if TYPE_CHECKING:
    from server.events.record import Fact

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
SCANNED_KINDS = (EventKind.VIEWED, EventKind.CLICKED, *READ_KINDS)
NO_TRAPS: Sequence[Trap] = ()


@dataclass(frozen=True, slots=True)
class Company:
    """The traps of the batch's copies: those that were known, and those that are with the batch."""

    known: Mapping[int, Sequence[Trap]] = field(default_factory=dict)
    traps: Mapping[int, Sequence[Trap]] = field(default_factory=dict)

    def of(self, copy_id: int | None) -> Sequence[Trap]:
        """Return the traps of a copy."""
        return self.traps.get(copy_id or 0, NO_TRAPS)


def load_company(session: Session, facts: "Sequence[Fact]") -> Company:
    """Return the traps around these facts, in one query."""
    near = [fact for fact in facts if fact.copy_id is not None and fact.kind in SCANNED_KINDS]
    if not near:
        return Company()
    clicks = _load_clicks(session, near)
    known = {copy_id: find_traps(some) for copy_id, some in clicks.items()}
    for fact in near:
        if fact.kind == EventKind.CLICKED and not fact.evidence.get("device"):
            network = find_neighbourhood(str(fact.evidence.get("ip") or ""))
            click = Click(fact.at, fact.link_target or "", network, bool(fact.evidence.get("honeypot")))
            clicks[fact.copy_id or 0].append(click)
    return Company(known, {copy_id: traps for copy_id, some in clicks.items() if (traps := find_traps(some))})


def find_stirred(
    session: Session, rows: Iterable[Mapping[str, Any]], copies: Mapping[int, SentCopy], company: Company
) -> set[int]:
    """Return the copies of the new `rows`, already inserted, whose events are to be judged again."""
    stirred = _find_newly_condemned(session, company)
    for row in rows:
        copy = copies.get(row["copy_id"])
        if copy is None or row["copy_id"] in stirred:
            continue
        is_first_proof = level_of(row) == ReadingState.CONFIRMED.level > copy.reading
        is_new_doubt = row["verdict"] in (Verdict.HUMAN, Verdict.UNKNOWN) and is_soon(row["evidence"])
        if is_first_proof or (row["kind"] in SCANNED_KINDS and (copy.has_doubt or is_new_doubt)):
            stirred.add(row["copy_id"])
    return stirred


def _load_clicks(session: Session, facts: "Sequence[Fact]") -> defaultdict[int, list[Click]]:
    reach = FAR + BURST_WINDOW
    ip, honeypot = EVENT.c.evidence["ip"].as_string(), EVENT.c.evidence["honeypot"].as_boolean()
    chosen = select(EVENT.c.copy_id, EVENT.c.at, EVENT.c.link_target, ip, honeypot).where(
        EVENT.c.copy_id.in_({fact.copy_id for fact in facts}),
        EVENT.c.at >= min(fact.at for fact in facts) - reach,
        EVENT.c.at <= max(fact.at for fact in facts) + reach,
        EVENT.c.kind == EventKind.CLICKED,
        EVENT.c.verdict != Verdict.SELF,
    )
    clicks: defaultdict[int, list[Click]] = defaultdict(list)
    for copy_id, at, target, address, is_honeypot in session.execute(chosen).all():
        clicks[copy_id].append(Click(at, target or "", find_neighbourhood(address or ""), bool(is_honeypot)))
    return clicks


def _find_newly_condemned(session: Session, company: Company) -> set[int]:
    """Return the copies on which a trap that is new, or has grown, holds something that was not condemned yet."""
    reaches = {
        copy_id: since
        for copy_id, traps in company.traps.items()
        if (since := _find_reach(company.known.get(copy_id, NO_TRAPS), traps)) is not None
    }
    if not reaches:
        return set()
    chosen = select(EVENT.c.copy_id, EVENT.c.at, EVENT.c.evidence["ip"].as_string()).where(
        EVENT.c.copy_id.in_(reaches),
        EVENT.c.at >= min(reaches.values()),
        EVENT.c.at <= max(trap.end for copy_id in reaches for trap in company.of(copy_id)) + FAR,
        EVENT.c.kind.in_(SCANNED_KINDS),
        EVENT.c.verdict.not_in(HIDDEN_VERDICTS),
    )
    return {
        copy_id
        for copy_id, at, address in session.execute(chosen).all()
        if any(trap.holds(at, find_neighbourhood(address or "")) for trap in company.of(copy_id))
    }


def _find_reach(known: Collection[Trap], traps: Collection[Trap]) -> datetime | None:
    """Return from when on the traps may hold what those known before did not; None where nothing is new."""
    starts = []
    for trap in traps:
        if trap in known:
            continue
        grown = [one for one in known if one.start == trap.start and one.networks >= trap.networks]
        starts.append(max(one.end for one in grown) + NEAR if grown else trap.start - FAR)
    return min(starts) if starts else None
