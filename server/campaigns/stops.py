"""Stops: what ends a person's way, or holds it back, and what of it may still leave then (T2, T3, T4, T6)."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.deliveries import HELD, SKIPPED, withdraw
from server.campaigns.ends import end
from server.campaigns.history.history import note_ends, note_people
from server.campaigns.history.models import ChangeKind
from server.campaigns.models import (
    Campaign,
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EnrolmentState,
)
from server.campaigns.notices import tell
from server.clock import now
from server.messages.models import Copy, InboundMail
from server.messages.outbox import take_back
from server.people.models import Person

UNDER_WAY: Final = (EnrolmentState.ACTIVE, EnrolmentState.PAUSED)
COMPANY_PAUSE_DAYS = 7
MORNING = time(9)


def find_enrolments(session: Session, copy_id: int) -> list[Enrolment]:
    """Return the ways under way that sent this copy, held until the commit."""
    chosen = select(Enrolment).join(Delivery, col(Delivery.enrolment_id) == Enrolment.id)
    chosen = chosen.where(col(Delivery.copy_id) == copy_id, col(Enrolment.state).in_(UNDER_WAY))
    return list(session.scalars(chosen.with_for_update(of=Enrolment)))


def stop(
    session: Session, enrolments: Sequence[Enrolment], reason: EndReason, detail: str = "",
    mail: InboundMail | None = None, by: Member | None = None,
) -> None:  # fmt: skip
    """End these ways now; what is waiting or queued of them does not leave any more."""
    if not enrolments:
        return
    for enrolment in enrolments:
        end(enrolment, reason, detail)
        enrolment.ended_by_id = mail.id if mail is not None else None
        session.add(enrolment)
    ids = [enrolment.id for enrolment in enrolments]
    open_states = (DeliveryState.WAITING, DeliveryState.QUEUED)
    chosen = select(Delivery).where(col(Delivery.enrolment_id).in_(ids), col(Delivery.state).in_(open_states))
    withdraw(session, list(session.scalars(chosen)), reason)
    note_ends(session, enrolments, by)
    for campaign_id in {enrolment.campaign_id for enrolment in enrolments}:
        tell(session, campaign_id)


def stop_on_reply(session: Session, copy: Copy, mail: InboundMail) -> None:
    """End the way of whoever this thread went to, whoever answered in it; hold colleagues back where asked for."""
    enrolments = find_enrolments(session, copy.id)
    stop(session, enrolments, EndReason.REPLIED, mail.sender_address, mail)
    for enrolment in enrolments:
        campaign = session.get_one(Campaign, enrolment.campaign_id)
        if campaign.pauses_company:
            _pause_colleagues(session, campaign, enrolment, mail)


def pause_until(session: Session, copy: Copy, back_on: date, reason: str) -> None:
    """Hold back the way of whoever this copy went to until the morning of `back_on` (T6)."""
    until = datetime.combine(back_on, MORNING, UTC)
    for enrolment in find_enrolments(session, copy.id):
        hold(session, [enrolment], reason, until)


def hold(
    session: Session, enrolments: Sequence[Enrolment], reason: str, until: datetime | None = None,
    by: Member | None = None,
) -> None:  # fmt: skip
    """Pause these ways, until a time or until somebody resumes them; what waits of them keeps waiting."""
    for enrolment in enrolments:
        enrolment.state, enrolment.paused_until, enrolment.paused_reason = EnrolmentState.PAUSED, until, reason
        session.add(enrolment)
        tell(session, enrolment.campaign_id)
    _take_back(session, [enrolment.id for enrolment in enrolments])
    note_people(session, enrolments, ChangeKind.PERSON_HELD, reason, by)
    session.flush()


def resume(session: Session, enrolments: Sequence[Enrolment], by: Member | None = None) -> None:
    """Let paused ways go on from where they were held."""
    paused = [enrolment for enrolment in enrolments if enrolment.state == EnrolmentState.PAUSED]
    for enrolment in paused:
        enrolment.state, enrolment.due_at = EnrolmentState.ACTIVE, max(enrolment.due_at, now())
        enrolment.paused_until, enrolment.paused_reason = None, ""
        session.add(enrolment)
        tell(session, enrolment.campaign_id)
    note_people(session, paused, ChangeKind.PERSON_RESUMED, by=by)
    session.flush()


def has_due_return(session: Session) -> bool:
    """Return whether somebody's time of absence is over."""
    due = select(col(Enrolment.id)).where(
        col(Enrolment.state) == EnrolmentState.PAUSED, col(Enrolment.paused_until) <= now()
    )
    return session.scalars(due.limit(1)).first() is not None


def resume_due(session: Session, limit: int = 500) -> None:
    """Let those go on whose time of absence is over."""
    due = select(Enrolment).where(col(Enrolment.state) == EnrolmentState.PAUSED, col(Enrolment.paused_until) <= now())
    resume(session, list(session.scalars(due.limit(limit).with_for_update(skip_locked=True))))


def skip(session: Session, enrolment: Enrolment, by: Member | None = None) -> None:
    """Let a person go on with the step after the one they wait for."""
    waiting = (DeliveryState.WAITING, DeliveryState.QUEUED)
    chosen = select(Delivery).where(col(Delivery.enrolment_id) == enrolment.id, col(Delivery.state).in_(waiting))
    withdraw(session, list(session.scalars(chosen)), SKIPPED)
    note_people(session, [enrolment], ChangeKind.STEP_SKIPPED, str(enrolment.position), by)
    enrolment.position, enrolment.due_at = enrolment.position + 1, now()
    session.add(enrolment)
    session.flush()
    tell(session, enrolment.campaign_id)


def take_back_queued(session: Session, campaign_id: int) -> None:
    """Take what a campaign has in the outbox back, so that a paused campaign sends nothing; it is planned anew."""
    queued = select(col(Delivery.enrolment_id)).where(
        col(Delivery.campaign_id) == campaign_id, col(Delivery.state) == DeliveryState.QUEUED
    )
    _take_back(session, list(session.scalars(queued)))


def _take_back(session: Session, enrolment_ids: Collection[int]) -> None:
    """Take copies out of the outbox; their deliveries wait again. What Gmail has sent by then counts as sent."""
    for start in range(0, len(enrolment_ids), 500):
        some = list(enrolment_ids)[start : start + 500]
        queued = select(Delivery).where(
            col(Delivery.enrolment_id).in_(some), col(Delivery.state) == DeliveryState.QUEUED
        )
        begun = []
        for delivery in session.scalars(queued).all():
            copy_id = delivery.copy_id
            delivery.state, delivery.copy_id, delivery.slot_at = DeliveryState.WAITING, None, None
            session.add(delivery)
            session.flush()  # it points at the copy, which is deleted
            if copy_id is not None and not take_back(session, copy_id):
                delivery.state, delivery.copy_id = DeliveryState.QUEUED, copy_id
                begun.append(delivery)
                continue
            session.execute(update(Enrolment).where(col(Enrolment.id) == delivery.enrolment_id).values(due_at=now()))
        withdraw(session, begun, HELD)
    session.flush()


def _pause_colleagues(session: Session, campaign: Campaign, enrolment: Enrolment, mail: InboundMail) -> None:
    company = session.get_one(Person, enrolment.person_id).company.strip()
    if not company:
        return
    colleagues = (
        select(Enrolment)
        .join(Person, col(Person.id) == Enrolment.person_id)
        .where(
            col(Enrolment.campaign_id) == campaign.id, col(Enrolment.state) == EnrolmentState.ACTIVE,
            col(Person.company) == company, col(Enrolment.id) != enrolment.id,
        )
    )  # fmt: skip
    until = now() + timedelta(days=COMPANY_PAUSE_DAYS)
    hold(session, list(session.scalars(colleagues.limit(500))), f"colleague_replied:{mail.sender_address}", until)
