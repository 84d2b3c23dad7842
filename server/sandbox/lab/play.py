"""Plays one scenario: a real mail, real requests to the edge, the real drain; then compares verdicts and wishes."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from server.clock import now
from server.config import get_settings
from server.errors import ForeignFailure, Refused
from server.events.models import Event
from server.events.reading import state_of
from server.keys import get_keys
from server.messages.models import Copy
from server.sandbox.lab import runs, visits
from server.sandbox.lab.laboratory import Laboratory, ensure_laboratory
from server.sandbox.lab.mail import Delivered, deliver, find_target, write_back
from server.sandbox.lab.scenarios import Scenario, Step
from server.sandbox.models import LabRun, LabState
from server.sidebar.models import ThreadOpening
from server.tracking.drain import drain_batch, hold_journal

ON_THE_EDGE = ("view", "click", "honeypot")
WAIT_SECONDS = 15.0
LOOK_SECONDS = 0.05

log = structlog.get_logger()


def play_next(session: Session, fetch: visits.Fetch = visits.fetch) -> Iterator[bool]:
    """Play the run that has waited longest. Yields wherever the caller must commit; nothing is yielded without one."""
    run = runs.claim(session)
    if run is None:
        return
    fence = run.fence
    yield True
    try:
        scenario = runs.get_scenario(run.scenario)
        yield from _play(session, run, scenario, fetch)
    except (Refused, ForeignFailure) as error:
        session.rollback()
        _finish(session, run.scenario, fence, state=LabState.FAILED, matches=None, failure=error.message)
    yield True


def _play(session: Session, run: LabRun, scenario: Scenario, fetch: visits.Fetch) -> Iterator[bool]:
    fence = run.fence
    lab = ensure_laboratory(session)
    delivered = deliver(session, lab, scenario)
    _open_threads(session, lab, scenario, delivered)
    yield True
    made = 0
    for step in scenario.steps:
        if step.do in ON_THE_EDGE:
            visit = visits.make_visit(get_keys(), step, delivered.find_url(step), delivered.sent_at, lab.devices)
            if fetch(visit) >= 400:
                raise ForeignFailure("The edge refused what the lab asked of it", permanent=True)
        elif step.kind is not None:
            yield from _settle(session, delivered.copy.id, made)
            write_back(session, lab, delivered, step)
            yield True
        made += step.kind is not None
    yield from _settle(session, delivered.copy.id, made)
    results = compare(scenario, delivered, _read_events(session, delivered.copy.id))
    reading = state_of(session.exec(select(Copy.reading).where(Copy.id == delivered.copy.id)).one())
    matches = reading == scenario.reading and all(result["matches"] for result in results)
    _finish(
        session, run.scenario, fence, state=LabState.DONE, matches=matches, results=results, reading=reading.value,
        copy_id=delivered.copy.id, failure="",
    )  # fmt: skip


def _open_threads(session: Session, lab: Laboratory, scenario: Scenario, delivered: Delivered) -> None:
    for step in scenario.steps:
        if step.do == "open_thread":
            at = delivered.sent_at + timedelta(milliseconds=step.at_ms)
            thread_id = delivered.copy.gmail_thread_id or ""
            session.add(ThreadOpening(member_id=lab.sender.id, gmail_thread_id=thread_id, at=at))


def _settle(session: Session, copy_id: int, wanted: int) -> Iterator[bool]:
    """Bring what the edge kept into the event log, or wait while the worker that does so is at it."""
    folder, keys = get_settings().journal_dir, get_keys()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with hold_journal(folder) as is_ours:
            while is_ours and drain_batch(session, folder, keys):
                yield True
        count = session.exec(select(func.count()).select_from(Event).where(Event.copy_id == copy_id)).one()
        yield True  # nothing is held while waiting
        if count >= wanted:
            return
        if time.monotonic() > deadline:
            raise ForeignFailure("Not everything that the edge took came into the event log", permanent=False)
        time.sleep(LOOK_SECONDS)


def _read_events(session: Session, copy_id: int) -> list[Event]:
    return list(session.exec(select(Event).where(Event.copy_id == copy_id).order_by(col(Event.at), col(Event.id))))


def compare(scenario: Scenario, delivered: Delivered, events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return for each step of `scenario` that makes an event how it was judged, and whether that is as wanted."""
    left = list(events)
    results = []
    for step in scenario.steps:
        if step.kind is not None:
            event = next((one for one in left if _is_of(one, step, delivered)), None)
            if event is not None:
                left.remove(event)
            results.append(_tell(step, event))
    return results


def _is_of(event: Event, step: Step, delivered: Delivered) -> bool:
    at = delivered.sent_at + timedelta(milliseconds=step.at_ms)
    is_target = step.do != "click" or event.link_target == find_target(step.link)
    return event.kind == step.kind and abs(event.at - at) < timedelta(milliseconds=2) and is_target


def _tell(step: Step, event: Event | None) -> dict[str, Any]:
    given = event.verdict if event else ""
    codes = {reason.partition(":")[0] for reason in event.reasons} if event else set()
    return {
        "do": step.do,
        "at_ms": step.at_ms,
        "wanted": step.verdict,
        "wanted_reason": step.reason,
        "verdict": given,
        "confidence": event.confidence if event else 0,
        "reasons": list(event.reasons) if event else [],
        "matches": given == step.verdict and (not step.reason or step.reason in codes),
    }


def _finish(session: Session, scenario: str, fence: int, **values: Any) -> None:
    if not runs.finish(session, scenario, fence, finished_at=now(), **values):
        log.info("another player went on with this scenario", scenario=scenario)
