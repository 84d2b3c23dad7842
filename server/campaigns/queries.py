"""What the pages of campaigns show: lists by keyset, counts of steps, who is where, what goes out next.

Counts are grouped reads of indexes that begin with the run or the step; nothing reads the event log.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select
from sqlmodel import Session, col

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.campaigns.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    Enrolment,
    EnrolmentState,
    Run,
)
from server.errors import Refused
from server.messages.models import Copy, CopyState, InboundMail
from server.people.models import Person

ENROLMENT: Table = Enrolment.__table__  # type: ignore[attr-defined]
DELIVERY: Table = Delivery.__table__  # type: ignore[attr-defined]
PERSON: Table = Person.__table__  # type: ignore[attr-defined]
COPY: Table = Copy.__table__  # type: ignore[attr-defined]
PAGE_SIZE = 50
SHOWN_NEXT = 10
SHOWN_FAILURES = 20
WAYS = (EnrolmentState.ACTIVE, EnrolmentState.PAUSED, EnrolmentState.ENDED)


@dataclass(frozen=True, slots=True)
class StepCounts:
    """An email step by what became of its deliveries (mission, R): targeted = excluded + sent + waiting + errors.

    `bounced` is part of `sent`, by category; `retrying` is part of `waiting`.
    """

    targeted: int
    waiting: int
    retrying: int
    sent: int
    bounced: dict[str, int]
    errors: dict[str, int]
    excluded: dict[str, int]
    cancelled: int

    @property
    def delivered(self) -> int:
        """Sent, and not come back."""
        return self.sent - sum(self.bounced.values())


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the board: where they are, what is next, and how it ended."""

    enrolment: Enrolment
    person_name: str
    answer: InboundMail | None


@dataclass(frozen=True, slots=True)
class Board:
    """A run as it stands."""

    run: Run
    ways: dict[str, int]
    ends: dict[str, int]
    at_step: dict[int, int]
    next_up: list[Line]
    failures: list[tuple[Delivery, str]]


def list_campaigns(
    session: Session, member: Member, state: str = "", before_id: int | None = None
) -> tuple[list[Campaign], int | None]:
    """Return a member's campaigns, or their team's where they may see those, the newest first, and the next cursor."""
    chosen = select(Campaign).where(
        col(Campaign.workspace_id) == member.workspace_id, col(Campaign.archived_at).is_(None)
    )
    if not may_see_team(session, member):
        chosen = chosen.where(col(Campaign.member_id) == member.id)
    if state in list(CampaignState):
        chosen = chosen.where(col(Campaign.state) == state)
    if before_id is not None:
        chosen = chosen.where(col(Campaign.id) < before_id)
    rows = list(session.scalars(chosen.order_by(col(Campaign.id).desc()).limit(PAGE_SIZE + 1)))
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None


def get_campaign(session: Session, member: Member, campaign_id: int) -> Campaign:
    """Return a campaign that `member` may see; raises `Refused` (404) for any other."""
    campaign = session.get(Campaign, campaign_id)
    may_see = campaign is not None and campaign.workspace_id == member.workspace_id
    if not may_see or campaign is None or (campaign.member_id != member.id and not may_see_team(session, member)):
        raise Refused("There is no such campaign.", status=404)
    return campaign


def find_run(session: Session, campaign_id: int, number: int | None = None) -> Run | None:
    """Return a run of a campaign, the newest one unless told."""
    chosen = select(Run).where(col(Run.campaign_id) == campaign_id)
    if number is not None:
        chosen = chosen.where(col(Run.number) == number)
    return session.scalars(chosen.order_by(col(Run.number).desc()).limit(1)).first()


def read_board(session: Session, run: Run) -> Board:
    """Return how a run stands."""
    rows = session.execute(
        select(ENROLMENT.c.state, ENROLMENT.c.position, ENROLMENT.c.end_reason, func.count())
        .where(ENROLMENT.c.run_id == run.id)
        .group_by(ENROLMENT.c.state, ENROLMENT.c.position, ENROLMENT.c.end_reason)
    ).all()
    ways, ends, at_step = dict.fromkeys(WAYS, 0), dict[str, int](), dict[int, int]()
    for state, position, end_reason, count in rows:
        ways[EnrolmentState(state)] += count
        if state == EnrolmentState.ENDED:
            ends[end_reason] = ends.get(end_reason, 0) + count
        else:
            at_step[position] = at_step.get(position, 0) + count
    counted = {str(key): value for key, value in ways.items()}
    return Board(run, counted, ends, at_step, _read_next(session, run), _read_failures(session, run))


def read_step_counts(session: Session, run: Run) -> dict[int, StepCounts]:
    """Return the counts of each email step of a run, by the step's id."""
    rows = session.execute(
        select(DELIVERY.c.step_id, DELIVERY.c.state, DELIVERY.c.reason, DELIVERY.c.category, func.count())
        .where(DELIVERY.c.run_id == run.id)
        .group_by(DELIVERY.c.step_id, DELIVERY.c.state, DELIVERY.c.reason, DELIVERY.c.category)
    )
    found: dict[int, dict[str, Any]] = {}
    for step_id, state, reason, category, count in rows:
        counts = found.setdefault(step_id, {"sums": {}, "errors": {}, "excluded": {}, "bounced": {}})
        counts["sums"][state] = counts["sums"].get(state, 0) + count
        named = {"error": reason, "excluded": reason, "bounced": category or "ignored"}.get(state)
        key = {"error": "errors"}.get(state, state)
        if named is not None:
            counts[key][named] = counts[key].get(named, 0) + count
    retrying = _count_retrying(session, run)
    return {step_id: _make_counts(counts, retrying.get(step_id, 0)) for step_id, counts in found.items()}


def read_lines(
    session: Session, run: Run, state: str = "", end_reason: str = "", after_id: int = 0
) -> tuple[list[Line], int | None]:
    """Return the people of a run in the order of their enrolment, and the cursor of the next page."""
    chosen = select(Enrolment).where(col(Enrolment.run_id) == run.id, col(Enrolment.id) > after_id)
    if state in list(EnrolmentState):
        chosen = chosen.where(col(Enrolment.state) == state)
    if end_reason:
        chosen = chosen.where(col(Enrolment.end_reason) == end_reason)
    rows = list(session.scalars(chosen.order_by(col(Enrolment.id)).limit(PAGE_SIZE + 1)))
    lines = _make_lines(session, rows[:PAGE_SIZE])
    return lines, rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None


def get_enrolment(session: Session, campaign: Campaign, enrolment_id: int) -> Enrolment:
    """Return an enrolment of `campaign`, held until the commit; raises `Refused` (404) for any other."""
    enrolment = session.get(Enrolment, enrolment_id, with_for_update=True)
    if enrolment is None or enrolment.campaign_id != campaign.id:
        raise Refused("There is no such person in this campaign.", status=404)
    return enrolment


def find_way(session: Session, person_id: int) -> list[tuple[Enrolment, Campaign]]:
    """Return the campaigns that a person is or was in, the newest first."""
    chosen = (
        select(Enrolment, Campaign)
        .join(Campaign, col(Campaign.id) == Enrolment.campaign_id)
        .where(col(Enrolment.person_id) == person_id)
        .order_by(col(Enrolment.id).desc())
        .limit(PAGE_SIZE)
    )
    return [(enrolment, campaign) for enrolment, campaign in session.execute(chosen)]


def _make_counts(counts: dict[str, Any], retrying: int) -> StepCounts:
    sums: dict[str, int] = counts["sums"]
    cancelled = sums.get(DeliveryState.CANCELLED, 0)
    return StepCounts(
        targeted=sum(sums.values()) - cancelled,
        waiting=sums.get(DeliveryState.WAITING, 0) + sums.get(DeliveryState.QUEUED, 0),
        retrying=retrying,
        sent=sums.get(DeliveryState.SENT, 0) + sums.get(DeliveryState.BOUNCED, 0),
        bounced=counts["bounced"],
        errors=counts["errors"],
        excluded=counts["excluded"],
        cancelled=cancelled,
    )


def _count_retrying(session: Session, run: Run) -> dict[int, int]:
    """Return how many mails of each step wait for another try."""
    rows = session.execute(
        select(DELIVERY.c.step_id, func.count())
        .join(COPY, COPY.c.id == DELIVERY.c.copy_id)
        .where(DELIVERY.c.run_id == run.id, DELIVERY.c.state == DeliveryState.QUEUED,
               COPY.c.state == CopyState.QUEUED, COPY.c.attempts > 0)
        .group_by(DELIVERY.c.step_id)
    )  # fmt: skip
    return {step_id: count for step_id, count in rows}


def _read_next(session: Session, run: Run) -> list[Line]:
    chosen = select(Enrolment).where(
        col(Enrolment.campaign_id) == run.campaign_id, col(Enrolment.run_id) == run.id,
        col(Enrolment.state) == EnrolmentState.ACTIVE,
    )  # fmt: skip
    return _make_lines(session, list(session.scalars(chosen.order_by(col(Enrolment.due_at)).limit(SHOWN_NEXT))))


def _read_failures(session: Session, run: Run) -> list[tuple[Delivery, str]]:
    chosen = (
        select(Delivery, col(Person.name))
        .join(Person, col(Person.id) == Delivery.person_id)
        .where(col(Delivery.run_id) == run.id, col(Delivery.state) == DeliveryState.ERROR)
        .order_by(col(Delivery.id).desc())
        .limit(SHOWN_FAILURES)
    )
    return [(delivery, name) for delivery, name in session.execute(chosen)]


def _make_lines(session: Session, enrolments: list[Enrolment]) -> list[Line]:
    names = {
        row.id: row.name
        for row in session.execute(
            select(PERSON.c.id, PERSON.c.name).where(PERSON.c.id.in_([one.person_id for one in enrolments]))
        )
    }
    ids = [one.ended_by_id for one in enrolments if one.ended_by_id is not None]
    answers = {mail.id: mail for mail in session.scalars(select(InboundMail).where(col(InboundMail.id).in_(ids)))}
    return [Line(one, names.get(one.person_id) or one.address, answers.get(one.ended_by_id or 0)) for one in enrolments]
