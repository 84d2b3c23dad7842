"""A campaign's history, written in the transaction of what happened, and read the newest first."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table, select
from sqlmodel import Session, col

from server.accounts.models import Member
from server.campaigns.history.models import Change, ChangeKind
from server.campaigns.models import Enrolment
from server.campaigns.reasons import find_end
from server.clock import now
from server.people.models import Person

CHANGE: Table = Change.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Told:
    """A change with the names that it is told with, as they are now; "" for whom nobody knows any more."""

    change: Change
    member_name: str
    person_id: int | None
    person_name: str


def note(
    session: Session, campaign_id: int, kind: ChangeKind, by: Member | None = None, reason: str | int = ""
) -> None:
    """Note what happened to a whole campaign, by somebody's hand where `by` names them."""
    change = {"campaign_id": campaign_id, "kind": kind, "at": now(), "member_id": by.id if by else None}
    session.connection().execute(CHANGE.insert(), {**change, "reason": str(reason)})


def note_people(
    session: Session, enrolments: Iterable[Enrolment], kind: ChangeKind, reason: str = "", by: Member | None = None
) -> None:
    """Note what happened to these people of campaigns."""
    _write(session, [(one, reason) for one in enrolments], kind, by)


def note_ends(session: Session, enrolments: Iterable[Enrolment], by: Member | None = None) -> None:
    """Note of people whose way is over why it is."""
    _write(session, [(one, find_end(one)) for one in enrolments], ChangeKind.PERSON_ENDED, by)


def _write(
    session: Session, happened: Iterable[tuple[Enrolment, str]], kind: ChangeKind, by: Member | None
) -> None:  # fmt: skip
    at, member_id = now(), by.id if by else None
    rows = [
        {"campaign_id": one.campaign_id, "enrolment_id": one.id, "kind": kind, "at": at, "member_id": member_id,
         "reason": reason.partition(":")[0]}
        for one, reason in happened
    ]  # fmt: skip
    if rows:
        session.connection().execute(CHANGE.insert(), rows)


def read_history(
    session: Session, campaign_id: int, before_id: int | None = None, limit: int = 50
) -> tuple[list[Told], int | None]:
    """Return what happened in a campaign, the newest first, and the cursor of the next page."""
    chosen = (
        select(Change, col(Member.name), col(Person.id), col(Person.name))
        .outerjoin(Member, col(Member.id) == Change.member_id)
        .outerjoin(Enrolment, col(Enrolment.id) == Change.enrolment_id)
        .outerjoin(Person, col(Person.id) == Enrolment.person_id)
        .where(col(Change.campaign_id) == campaign_id)
    )
    if before_id is not None:
        chosen = chosen.where(col(Change.id) < before_id)
    rows = [
        Told(change, member_name or "", person_id, person_name or "")
        for change, member_name, person_id, person_name in session.execute(
            chosen.order_by(col(Change.id).desc()).limit(limit + 1)
        )
    ]
    return rows[:limit], rows[limit - 1].change.id if len(rows) > limit else None
