"""Follows the event log: engagement that stops a campaign, engagement that starts one, bounces that a delivery has."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Table, select, update
from sqlmodel import Session, col

from server.campaigns.audience import Asker, is_meant
from server.campaigns.deliveries import go_on
from server.campaigns.models import (
    Campaign,
    CampaignKind,
    CampaignState,
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EventCursor,
    Run,
    RunState,
)
from server.campaigns.notices import tell
from server.campaigns.runs import enrol
from server.campaigns.stops import UNDER_WAY, find_enrolments, stop
from server.events.models import Event, EventClock, EventKind, Verdict

EVENT: Table = Event.__table__  # type: ignore[attr-defined]
BATCH = 500
STOPPING = {
    EventKind.UNSUBSCRIBED: EndReason.UNSUBSCRIBED,
    EventKind.COMPLAINED: EndReason.COMPLAINED,
}
MEETING_BOOKED = "meeting_booked"
TRIGGERS = (
    EventKind.CLICKED, EventKind.REPLIED, EventKind.DOCUMENT_OPENED, EventKind.DOWNLOADED, EventKind.WEB_VISITED,
    EventKind.INTERESTING_MOMENT,
)  # fmt: skip
NAMES = ("id", "workspace_id", "kind", "verdict", "copy_id", "person_id", "subject", "link_target", "details")
COLUMNS = [EVENT.c[name] for name in NAMES]


def has_news(session: Session) -> bool:
    """Return whether there are events that campaigns have not followed."""
    cursor = session.get(EventCursor, 1)
    last = session.scalar(select(col(EventClock.last_event_id)).where(col(EventClock.id) == 1)) or 0
    return cursor is None or cursor.last_event_id < last


def follow_batch(session: Session) -> bool:
    """Follow the next events; return whether there may be more. A new installation begins at the newest one."""
    last = session.scalar(select(col(EventClock.last_event_id)).where(col(EventClock.id) == 1)) or 0
    cursor = session.get(EventCursor, 1, with_for_update=True)
    if cursor is None:
        session.add(EventCursor(id=1, last_event_id=last))
        session.flush()
        return False
    rows = session.execute(
        select(*COLUMNS).where(EVENT.c.id > cursor.last_event_id).order_by(EVENT.c.id).limit(BATCH)
    ).all()
    triggered = _read_triggered(session) if rows else []
    for row in rows:
        _follow(session, row, triggered)
    reached = rows[-1].id if len(rows) == BATCH else max(last, rows[-1].id if rows else 0)
    session.execute(update(EventCursor).where(col(EventCursor.id) == 1).values(last_event_id=reached))
    return len(rows) == BATCH


def _follow(session: Session, row: Row[Any], triggered: Sequence[Campaign]) -> None:
    if row.copy_id is not None:
        if row.kind == EventKind.BOUNCED:
            _note_bounce(session, row)
        elif row.kind in STOPPING:
            stop(session, find_enrolments(session, row.copy_id), STOPPING[EventKind(row.kind)])
        elif row.kind == EventKind.CLICKED and row.verdict == Verdict.HUMAN:
            clicked = [one for one in find_enrolments(session, row.copy_id) if _campaign(session, one).stops_on_click]
            stop(session, clicked, EndReason.CLICKED, row.link_target or "")
    if row.kind == EventKind.INTERESTING_MOMENT and row.details.get("type") == MEETING_BOOKED and row.person_id:
        _stop_on_meeting(session, row)
    if row.person_id is not None and row.kind in TRIGGERS and row.verdict == Verdict.HUMAN:
        for campaign in triggered:
            if campaign.workspace_id == row.workspace_id and is_trigger(campaign.trigger, row):
                _start_for(session, campaign, row.person_id)


def is_trigger(trigger: dict[str, Any], row: Any) -> bool:
    """Return whether the event `row` is the one that a campaign waits for: its kind, and words where it names some."""
    words = str(trigger.get("contains", "")).strip().lower()
    if trigger.get("kind") != row.kind:
        return False
    return not words or words in f"{row.subject} {row.link_target or ''} {row.details.get('description', '')}".lower()


def _note_bounce(session: Session, row: Row[Any]) -> None:
    """Note what came back. A soft bounce ends nothing: the next step tries again, and five in a row suppress."""
    category = str(row.details.get("category") or "")
    chosen = select(Delivery).where(col(Delivery.copy_id) == row.copy_id)
    for delivery in session.scalars(chosen.with_for_update()).all():
        if delivery.state == DeliveryState.QUEUED:  # whoever sent it died before saying so
            go_on(session, session.get_one(Enrolment, delivery.enrolment_id), delivery)
        delivery.state, delivery.category = DeliveryState.BOUNCED, category
        delivery.reason = str(row.details.get("reason") or row.details.get("status") or "")
        session.add(delivery)
    if category not in ("soft", "ignored"):
        stop(session, find_enrolments(session, row.copy_id), EndReason.BOUNCED, str(row.details.get("status") or ""))


def _stop_on_meeting(session: Session, row: Row[Any]) -> None:
    chosen = select(Enrolment).join(Campaign, col(Campaign.id) == Enrolment.campaign_id)
    chosen = chosen.where(
        col(Enrolment.person_id) == row.person_id, col(Enrolment.state).in_(UNDER_WAY),
        col(Campaign.stops_on_meeting).is_(True),
    )  # fmt: skip
    stop(session, list(session.scalars(chosen.with_for_update(of=Enrolment))), EndReason.MEETING_BOOKED, row.subject)


def _read_triggered(session: Session) -> list[Campaign]:
    chosen = select(Campaign).where(
        col(Campaign.kind) == CampaignKind.TRIGGER, col(Campaign.state) == CampaignState.RUNNING
    )
    return list(session.scalars(chosen))


def _start_for(session: Session, campaign: Campaign, person_id: int) -> None:
    if not is_meant(session, Asker(campaign.workspace_id, campaign.member_id), campaign.audience, person_id):
        return
    run = session.scalars(
        select(Run).where(col(Run.campaign_id) == campaign.id, col(Run.state) == RunState.RUNNING)
    ).first()
    if run is not None:
        enrol(session, campaign, run, [person_id])
        tell(session, campaign.id)


def _campaign(session: Session, enrolment: Enrolment) -> Campaign:
    return session.get_one(Campaign, enrolment.campaign_id)
