"""Deliveries: an email step for one person, given a slot, queued in the outbox, and followed to its end.

The row is unique for enrolment and step, and its copy is added in the same transaction that marks it queued: so the
outbox, which sends a copy once, sends a step once.
"""

from collections.abc import Collection
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, select, update
from sqlmodel import Session, col

from server.campaigns.models import (
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EnrolmentState,
)
from server.campaigns.notices import tell
from server.clock import now
from server.errors import Refused
from server.messages.models import Copy, CopyState
from server.messages.outbox import retry

SETTLED_AT_ONCE = 500
RETRY_HOURS = 84  # mission, R: the retry window
OVER = (CopyState.SENT, CopyState.FAILED, CopyState.EXCLUDED)


def find_settled(session: Session) -> bool:
    """Return whether a queued delivery's copy has come to its end."""
    return session.execute(_settled(1)).first() is not None


def settle_batch(session: Session) -> bool:
    """Follow the outbox: mark what was sent or given up, and let those people go on; return whether there was any."""
    rows = session.execute(_settled(SETTLED_AT_ONCE)).all()
    touched: set[int] = set()
    reached: dict[int, list[str]] = {}
    for delivery, copy in rows:
        enrolment = session.get_one(Enrolment, delivery.enrolment_id)
        touched.add(delivery.campaign_id)
        if copy.state == CopyState.SENT:
            delivery.state, delivery.sent_at = DeliveryState.SENT, copy.sent_at
            _go_on(enrolment, delivery)
            reached.setdefault(enrolment.campaign_id, []).append(enrolment.address)
        elif copy.state == CopyState.EXCLUDED:
            _mark(delivery, enrolment, DeliveryState.CANCELLED if _is_over(enrolment) else DeliveryState.EXCLUDED,
                  copy.exclusion)  # fmt: skip
        else:
            _mark(delivery, enrolment, DeliveryState.ERROR, copy.failure)
        session.add(delivery)
        session.add(enrolment)
    session.flush()
    for campaign_id in touched:
        tell(session, campaign_id)
    return bool(rows)


def withdraw(session: Session, deliveries: Collection[Delivery], reason: str) -> None:
    """Let none of these leave any more: their copies are taken out of the outbox, also from a worker that holds one.

    A worker that holds a copy notices by its fence, before it sends; one that Gmail has already sent stays sent.
    """
    copy_ids = [delivery.copy_id for delivery in deliveries if delivery.copy_id is not None]
    waiting = (CopyState.QUEUED, CopyState.SENDING)
    taken = update(Copy).where(col(Copy.id).in_(copy_ids), col(Copy.state).in_(waiting))
    values = {"state": CopyState.EXCLUDED, "exclusion": reason, "fence": Copy.fence + 1, "lease_until": None}
    session.execute(taken.values(values), execution_options={"synchronize_session": False})
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


def _go_on(enrolment: Enrolment, delivery: Delivery) -> None:
    if not _is_over(enrolment):
        enrolment.position += 1
        enrolment.due_at = max(now(), delivery.sent_at or now())


def _mark(delivery: Delivery, enrolment: Enrolment, state: DeliveryState, reason: str) -> None:
    delivery.state, delivery.reason = state, reason
    if not _is_over(enrolment):
        enrolment.state, enrolment.ended_at = EnrolmentState.ENDED, now()
        enrolment.end_reason = EndReason.EXCLUDED if state == DeliveryState.EXCLUDED else EndReason.ERROR
        enrolment.end_detail = reason


def try_again(session: Session, campaign_id: int, delivery_id: int) -> None:
    """Send after all what could not be sent; raises `Refused` for a delivery that did not fail."""
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.campaign_id != campaign_id or delivery.state != DeliveryState.ERROR:
        raise Refused(_("Only what failed can be tried again."), status=409)
    copy = session.get(Copy, delivery.copy_id or 0)
    if copy is None:
        raise Refused(_("The mail is gone."), status=409)
    retry(session, copy)
    enrolment = session.get_one(Enrolment, delivery.enrolment_id)
    enrolment.state, enrolment.end_reason, enrolment.end_detail = EnrolmentState.ACTIVE, "", ""
    enrolment.ended_at, enrolment.due_at = None, now() + timedelta(hours=RETRY_HOURS)
    delivery.state, delivery.reason = DeliveryState.QUEUED, ""
    session.add(delivery)
    session.add(enrolment)
    session.flush()
    tell(session, campaign_id)
