"""What became of a run's mails, one by one: whom each was for, at which step, how it stands and why."""

from dataclasses import dataclass

from sqlalchemy import Row, Select, select
from sqlmodel import Session, col

from server.campaigns.models import Delivery, DeliveryState, Enrolment, Run, Step, Variant
from server.messages.models import Copy
from server.people.models import Person


@dataclass(frozen=True, slots=True)
class Mailed:
    """One delivery with the names that it is told with; `message_id` is None until it is queued."""

    delivery: Delivery
    person_name: str
    address: str
    position: int
    label: str
    message_id: int | None


def read_deliveries(
    session: Session, run: Run, state: str = "", after_id: int = 0, limit: int = 50
) -> tuple[list[Mailed], int | None]:
    """Return the deliveries of a run in the order in which they were planned, and the cursor of the next page."""
    chosen = _choose().where(col(Delivery.run_id) == run.id, col(Delivery.id) > after_id)
    if state in list(DeliveryState):
        chosen = chosen.where(col(Delivery.state) == state)
    rows = [_make(row) for row in session.execute(chosen.order_by(col(Delivery.id)).limit(limit + 1))]
    return rows[:limit], rows[limit - 1].delivery.id if len(rows) > limit else None


def read_delivery(session: Session, delivery: Delivery) -> Mailed:
    """Return one delivery with its names."""
    return _make(session.execute(_choose().where(col(Delivery.id) == delivery.id)).one())


def _choose() -> "Select[Delivery, str, str, int, str, int]":
    return (
        select(Delivery, col(Person.name), col(Enrolment.address), col(Step.position), col(Variant.label),
               col(Copy.message_id))
        .join(Enrolment, col(Enrolment.id) == Delivery.enrolment_id)
        .join(Step, col(Step.id) == Delivery.step_id)
        .outerjoin(Person, col(Person.id) == Delivery.person_id)
        .outerjoin(Variant, col(Variant.id) == Delivery.variant_id)
        .outerjoin(Copy, col(Copy.id) == Delivery.copy_id)
    )  # fmt: skip


def _make(row: "Row[Delivery, str, str, int, str, int]") -> Mailed:
    delivery, name, address, position, label, message_id = row
    return Mailed(delivery, name or address, address, position, label or "", message_id)
