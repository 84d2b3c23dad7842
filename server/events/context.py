"""What the installation knows beside an event's own evidence: whose device it was, which thread its sender had open.

Core statements only: this runs inside the recorder's hold of the clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session, col

from server.accounts.models import Device, Member
from server.events.agents import read_agent
from server.events.models import EventKind
from server.sidebar.models import ThreadOpening

OPENING: Table = ThreadOpening.__table__  # type: ignore[attr-defined]
OPENED_BEFORE = timedelta(seconds=15)  # how long a thread's images take to be fetched after it was opened
OPENED_AFTER = timedelta(seconds=2)  # the word of the opening may come a little later than the fetch


@dataclass(frozen=True, slots=True)
class Subject:
    """An event as far as its surroundings are asked for; `thread_id` is the copy's in its sender's mailbox."""

    at: datetime
    evidence: dict[str, Any]
    workspace_id: int
    member_id: int
    thread_id: str | None = None

    @property
    def may_be_opening(self) -> bool:
        """Whether a sender who looks at their own mail in Gmail would cause this."""
        if self.thread_id is None or self.evidence.get("kind") != EventKind.VIEWED:
            return False
        agent = read_agent(str(self.evidence.get("agent") or ""))
        return agent.is_prefetch or agent.proxy == "gmail_proxy"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Owners of devices (member and workspace), and when members opened their threads."""

    devices: dict[str, tuple[int, int]]
    openings: dict[tuple[int, str], list[datetime]]

    def tell(self, subject: Subject) -> dict[str, Any]:
        """Return what is known beside the event as evidence: `device_of` and `opened_thread_ms`, or nothing."""
        told: dict[str, Any] = {}
        if owner := self.devices.get(str(subject.evidence.get("device") or "")):
            is_colleague = owner[1] == subject.workspace_id and owner[0] != subject.member_id
            told["device_of"] = "colleague" if is_colleague else "own"
        if subject.may_be_opening:
            since = [
                subject.at - at
                for at in self.openings.get((subject.member_id, subject.thread_id or ""), ())
                if -OPENED_AFTER <= subject.at - at <= OPENED_BEFORE
            ]
            if since:
                told["opened_thread_ms"] = max(0, min(since) // timedelta(milliseconds=1))
        return told


def load_surroundings(session: Session, subjects: Sequence[Subject]) -> Surroundings:
    """Return what surrounds these events: two queries at most, none where there is neither device nor proxy."""
    return Surroundings(_load_devices(session, subjects), _load_openings(session, subjects))


def _load_devices(session: Session, subjects: Iterable[Subject]) -> dict[str, tuple[int, int]]:
    ids = {str(subject.evidence["device"]) for subject in subjects if subject.evidence.get("device")}
    if not ids:
        return {}
    chosen = select(col(Device.id), col(Member.id), col(Member.workspace_id)).join(
        Member, col(Member.id) == col(Device.member_id)
    )
    rows = session.execute(chosen.where(col(Device.id).in_(ids)))
    return {device_id: (member_id, workspace_id) for device_id, member_id, workspace_id in rows}


def _load_openings(session: Session, subjects: Iterable[Subject]) -> dict[tuple[int, str], list[datetime]]:
    asked = [subject for subject in subjects if subject.may_be_opening]
    openings: defaultdict[tuple[int, str], list[datetime]] = defaultdict(list)
    if not asked:
        return openings
    chosen = select(OPENING.c.member_id, OPENING.c.gmail_thread_id, OPENING.c.at).where(
        OPENING.c.gmail_thread_id.in_({subject.thread_id for subject in asked}),
        OPENING.c.at >= min(subject.at for subject in asked) - OPENED_BEFORE,
        OPENING.c.at <= max(subject.at for subject in asked) + OPENED_AFTER,
    )
    for member_id, thread_id, at in session.execute(chosen):
        openings[member_id, thread_id].append(at)
    return openings
