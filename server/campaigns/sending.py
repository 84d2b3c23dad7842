"""The email step: a slot of the mailbox, then a copy in the outbox, or the reason why there is none."""

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from server.campaigns import variants
from server.campaigns.batch import Batch
from server.campaigns.deliveries import RETRY_HOURS, withdraw
from server.campaigns.ends import end
from server.campaigns.mail import Incomplete, add_copy
from server.campaigns.models import Delivery, DeliveryState, EndReason, Enrolment, Step
from server.campaigns.pace import STALE_SECONDS
from server.gmail.models import Mailbox, MailboxState
from server.messages.models import Copy
from server.people.models import Person

MAILBOX_AWAY_MINUTES = 10
GONE = (DeliveryState.SENT, DeliveryState.BOUNCED)


def send(batch: Batch, enrolment: Enrolment, step: Step) -> bool:
    """Give the mail of this step its slot, or queue it at its slot; return whether it has gone already."""
    session = batch.session
    delivery = session.scalars(
        select(Delivery).where(col(Delivery.enrolment_id) == enrolment.id, col(Delivery.step_id) == step.id)
    ).one_or_none()
    if delivery is None:
        delivery = Delivery(
            campaign_id=batch.campaign.id, run_id=enrolment.run_id, enrolment_id=enrolment.id, step_id=step.id,
            person_id=enrolment.person_id,
        )  # fmt: skip
    if delivery.state == DeliveryState.WAITING:
        _give_slot_or_queue(batch, enrolment, step, delivery)
    elif delivery.state == DeliveryState.QUEUED:  # the retry window is over
        withdraw(session, [delivery], "retry_window")
        end(enrolment, EndReason.ERROR, "retry_window")
    else:  # sent, and killed before going on
        enrolment.position += 1
        return True
    session.add(delivery)
    return False


def _give_slot_or_queue(batch: Batch, enrolment: Enrolment, step: Step, delivery: Delivery) -> None:
    if reason := batch.suppressed.get(enrolment.address):
        _exclude(enrolment, delivery, reason)
        return
    mailbox = batch.session.get(Mailbox, enrolment.mailbox_id or 0)
    if mailbox is None or mailbox.state == MailboxState.DISCONNECTED:
        _exclude(enrolment, delivery, "no_mailbox")
        return
    if mailbox.state != MailboxState.LINKED:  # it may come back: nothing is lost by waiting
        enrolment.due_at = delivery.due_at = batch.at + timedelta(minutes=MAILBOX_AWAY_MINUTES)
        return
    is_fresh = delivery.slot_at is not None and batch.at - delivery.slot_at < timedelta(seconds=STALE_SECONDS)
    if not is_fresh:
        slot = batch.planner(mailbox).give(batch.window(enrolment))
        delivery.slot_at = slot.at if slot.is_taken else None
        enrolment.due_at = delivery.due_at = slot.at
        if not slot.is_taken or slot.at > batch.at:
            return
    _queue(batch, enrolment, step, delivery, mailbox)


def _queue(batch: Batch, enrolment: Enrolment, step: Step, delivery: Delivery, mailbox: Mailbox) -> None:
    session = batch.session
    variant = variants.choose(session, step, enrolment.person_id)
    person = session.get_one(Person, enrolment.person_id)
    if variant is None:
        _exclude(enrolment, delivery, "no_text")
        return
    try:
        mail = batch.mail(enrolment.run_id, variant, mailbox)
        copy = add_copy(
            session, mail, enrolment, person, _find_earlier(session, enrolment), bool(step.settings.get("in_thread"))
        )  # fmt: skip
    except Incomplete as error:
        _exclude(enrolment, delivery, f"missing_field:{error.args[0]}")
        return
    delivery.state, delivery.copy_id, delivery.variant_id = DeliveryState.QUEUED, copy.id, variant.id
    delivery.queued_at = batch.at
    enrolment.due_at = batch.at + timedelta(hours=RETRY_HOURS)


def _find_earlier(session: Session, enrolment: Enrolment) -> Copy | None:
    """Return the last copy that the person got."""
    earlier = (
        select(Copy)
        .join(Delivery, col(Delivery.copy_id) == Copy.id)
        .where(col(Delivery.enrolment_id) == enrolment.id, col(Delivery.state).in_(GONE))
        .order_by(col(Delivery.id).desc())
        .limit(1)
    )
    return session.scalars(earlier).first()


def _exclude(enrolment: Enrolment, delivery: Delivery, reason: str) -> None:
    delivery.state, delivery.reason = DeliveryState.EXCLUDED, reason
    end(enrolment, EndReason.EXCLUDED, reason)
