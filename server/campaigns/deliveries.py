"""Deliveries: an email step for one person, given a slot, queued in the outbox, and followed to its end.

The row is unique for enrolment and step, and its copy is added in the same transaction that marks it queued: so the
outbox, which sends a copy once, sends a step once.
"""

from collections.abc import Collection
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, select, update
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.history.history import note_ends, note_people
from server.campaigns.history.models import ChangeKind
from server.campaigns.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EnrolmentState,
    Run,
    RunState,
    Step,
)
from server.campaigns.notices import tell
from server.clock import now
from server.errors import Refused
from server.messages import outbox
from server.messages.models import Copy, CopyState

SETTLED_AT_ONCE = 500
RETRY_HOURS = 84  # mission, R: the retry window
RETRY_WINDOW, SKIPPED, HELD = "retry_window", "skipped", "held"  # why a copy was withdrawn, beside the ends of a way
OVER = (CopyState.SENT, CopyState.FAILED, CopyState.EXCLUDED)


def find_settled(session: Session) -> bool:
    """Return whether a queued delivery's copy has come to its end."""
    return session.execute(_settled(1)).first() is not None


def settle_batch(session: Session) -> bool:
    """Follow the outbox: mark what was sent or given up, and let those people go on; return whether there was any."""
    settled = _settled(SETTLED_AT_ONCE).with_for_update(of=Delivery, skip_locked=True)  # a second worker takes others
    rows = session.execute(settled.execution_options(populate_existing=True)).all()
    chosen = select(Enrolment).where(col(Enrolment.id).in_([delivery.enrolment_id for delivery, _copy in rows]))
    held = chosen.order_by(col(Enrolment.id)).with_for_update().execution_options(populate_existing=True)
    enrolments = {enrolment.id: enrolment for enrolment in session.scalars(held)}
    ended = []
    for delivery, copy in rows:
        enrolment = enrolments[delivery.enrolment_id]
        was_over = _is_over(enrolment)
        _settle(session, delivery, enrolment, copy)
        if _is_over(enrolment) and not was_over:
            ended.append(enrolment)
        session.add(delivery)
        session.add(enrolment)
    session.flush()
    note_ends(session, ended)
    for campaign_id in {delivery.campaign_id for delivery, _copy in rows}:
        tell(session, campaign_id)
    return bool(rows)


def _settle(session: Session, delivery: Delivery, enrolment: Enrolment, copy: Copy) -> None:
    if copy.state == CopyState.SENT:
        delivery.state, delivery.sent_at = DeliveryState.SENT, copy.sent_at
        go_on(session, enrolment, delivery)
    elif copy.state == CopyState.FAILED:
        _mark(delivery, enrolment, DeliveryState.ERROR, copy.failure)
    elif copy.exclusion == RETRY_WINDOW:
        _mark(delivery, enrolment, DeliveryState.ERROR, RETRY_WINDOW)
    elif _is_over(enrolment) or copy.exclusion == SKIPPED:
        delivery.state = DeliveryState.CANCELLED
        delivery.reason = enrolment.end_reason if copy.exclusion == HELD else copy.exclusion
    elif copy.exclusion == HELD:
        delivery.state, delivery.copy_id, delivery.slot_at = DeliveryState.WAITING, None, None
        enrolment.due_at = now()
    else:
        _mark(delivery, enrolment, DeliveryState.EXCLUDED, copy.exclusion)


def withdraw(session: Session, deliveries: Collection[Delivery], reason: str) -> None:
    """Let none of these leave any more; one that Gmail has already sent is found there, and counts as sent."""
    outbox.withdraw(session, [one.copy_id for one in deliveries if one.copy_id is not None], reason)
    for delivery in deliveries:
        if delivery.state == DeliveryState.WAITING:
            delivery.state, delivery.reason = DeliveryState.CANCELLED, reason
            session.add(delivery)
    session.flush()  # those that were queued are settled by what their copy says


def _settled(limit: int) -> Select[Delivery, Copy]:
    chosen = select(Delivery, Copy).join(Copy, col(Copy.id) == Delivery.copy_id)
    chosen = chosen.where(col(Delivery.state) == DeliveryState.QUEUED, col(Copy.state).in_(OVER))
    return chosen.order_by(col(Delivery.id)).limit(limit)


def _is_over(enrolment: Enrolment) -> bool:
    return enrolment.state == EnrolmentState.ENDED


def go_on(session: Session, enrolment: Enrolment, delivery: Delivery) -> None:
    """Let a person whose mail has gone wait for the step after it, however often that is said."""
    step = session.get_one(Step, delivery.step_id)
    if not _is_over(enrolment) and enrolment.position <= step.position:
        enrolment.position = step.position + 1
        enrolment.due_at = max(now(), delivery.sent_at or now())


def _mark(delivery: Delivery, enrolment: Enrolment, state: DeliveryState, reason: str) -> None:
    delivery.state, delivery.reason = state, reason
    if not _is_over(enrolment):
        enrolment.state, enrolment.ended_at = EnrolmentState.ENDED, now()
        enrolment.end_reason = EndReason.EXCLUDED if state == DeliveryState.EXCLUDED else EndReason.ERROR
        enrolment.end_detail = reason


def try_again(session: Session, campaign_id: int, delivery_id: int, by: Member | None = None) -> Delivery:
    """Send after all what could not be sent, and return it; raises `Refused` for a delivery that did not fail."""
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.campaign_id != campaign_id or delivery.state != DeliveryState.ERROR:
        raise Refused(_("Only what failed can be tried again."), status=409)
    copy = session.get(Copy, delivery.copy_id or 0)
    if copy is None:
        raise Refused(_("The mail is gone."), status=409)
    outbox.retry(session, copy, of_campaign=True)
    enrolment = session.get_one(Enrolment, delivery.enrolment_id)
    enrolment.state, enrolment.end_reason, enrolment.end_detail = EnrolmentState.ACTIVE, "", ""
    enrolment.ended_at, enrolment.due_at = None, now() + timedelta(hours=RETRY_HOURS)
    delivery.state, delivery.reason = DeliveryState.QUEUED, ""
    session.add(delivery)
    # A campaign that was through is under way again, until this person is through too.
    over = update(Campaign).where(col(Campaign.id) == campaign_id, col(Campaign.state) == CampaignState.DONE)
    session.execute(over.values(state=CampaignState.RUNNING))
    over = update(Run).where(col(Run.id) == delivery.run_id, col(Run.state) == RunState.DONE)
    session.execute(over.values(state=RunState.RUNNING))
    session.add(enrolment)
    session.flush()
    note_people(session, [enrolment], ChangeKind.MAIL_RETRIED, by=by)
    tell(session, campaign_id)
    return delivery
