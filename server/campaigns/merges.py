"""Two people who are one, in campaigns: what one was in, the other is in, and nobody gets a step twice."""

from sqlalchemy import Table, delete, select, update
from sqlmodel import Session, col

from server.campaigns.models import Delivery, EndReason, Enrolment, ListedPerson
from server.campaigns.stops import UNDER_WAY, stop

ENROLMENT: Table = Enrolment.__table__  # type: ignore[attr-defined]
DELIVERY: Table = Delivery.__table__  # type: ignore[attr-defined]
LISTED: Table = ListedPerson.__table__  # type: ignore[attr-defined]


def follow_merge(session: Session, keep_id: int, gone_id: int) -> None:
    """Give `keep_id` the ways, deliveries and places on lists of `gone_id`; of two ways in one run, one goes on."""
    runs = select(ENROLMENT.c.run_id).where(ENROLMENT.c.person_id == keep_id)
    twice = select(Enrolment).where(col(Enrolment.person_id) == gone_id, col(Enrolment.run_id).in_(runs))
    doubled = list(session.scalars(twice.with_for_update()))
    stop(session, [one for one in doubled if one.state in UNDER_WAY], EndReason.EXCLUDED, "duplicate")
    session.flush()
    session.execute(update(ENROLMENT).where(ENROLMENT.c.id.in_([one.id for one in doubled])).values(person_id=None))
    for table in (ENROLMENT, DELIVERY):
        session.execute(update(table).where(table.c.person_id == gone_id).values(person_id=keep_id))
    on_both = select(LISTED.c.list_id).where(LISTED.c.person_id == keep_id).scalar_subquery()
    session.execute(delete(LISTED).where(LISTED.c.person_id == gone_id, LISTED.c.list_id.in_(on_both)))
    session.execute(update(LISTED).where(LISTED.c.person_id == gone_id).values(person_id=keep_id))
