"""What the pages of campaigns show: lists by keyset, counts of steps, who is where, what goes out next.

Counts are grouped reads of indexes that begin with the run or the step; nothing reads the event log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Table, func, select
from sqlmodel import Session, col

from server.accounts.models import Member
from server.accounts.scope import may_see_team
from server.campaigns.aside import FAILED
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
from server.people.people import LARGEST_ID

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
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A campaign that a person is or was in; `may_open` says whether the reader may see the whole of it."""

    line: Line
    campaign: Campaign
    may_open: bool


@dataclass(frozen=True, slots=True)
class Board:
    """A run as it stands."""

    run: Run
    ways: dict[str, int]
    ends: dict[str, int]
    at_step: dict[int, int]
    next_up: list[Line]
    failures: list[tuple[Delivery, str]]
    set_aside: list[Line]


def list_campaigns(
    session: Session, member: Member, state: str = "", before_id: int | None = None, limit: int = PAGE_SIZE
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
    rows = list(session.scalars(chosen.order_by(col(Campaign.id).desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def get_campaign(session: Session, member: Member, campaign_id: int) -> Campaign:
    """Return a campaign that `member` may see; raises `Refused` (404) for any other."""
    campaign = find_campaign(session, member, campaign_id)
    if campaign is None or not may_open(session, member, campaign):
        raise Refused(_("There is no such campaign."), status=404)
    return campaign


def find_campaign(session: Session, member: Member, campaign_id: int) -> Campaign | None:
    """Return a campaign of the member's workspace, whose name everybody there may read on mail that it sent."""
    campaign = session.get(Campaign, campaign_id) if campaign_id <= LARGEST_ID else None
    return campaign if campaign is not None and campaign.workspace_id == member.workspace_id else None


def may_open(session: Session, member: Member, campaign: Campaign) -> bool:
    """Return whether `member` may see the whole of a campaign of their workspace; nobody, once it is removed."""
    return campaign.archived_at is None and (campaign.member_id == member.id or may_see_team(session, member))


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
    next_up, failures = _read_next(session, run), _read_failures(session, run)
    return Board(run, counted, ends, at_step, next_up, failures, _read_set_aside(session, run))


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
    session: Session, run: Run, state: str = "", end_reason: str = "", after_id: int = 0, limit: int = PAGE_SIZE
) -> tuple[list[Line], int | None]:
    """Return the people of a run in the order of their enrolment, and the cursor of the next page."""
    chosen = select(Enrolment).where(col(Enrolment.run_id) == run.id, col(Enrolment.id) > after_id)
    if state in list(EnrolmentState):
        chosen = chosen.where(col(Enrolment.state) == state)
    if end_reason:
        chosen = chosen.where(col(Enrolment.end_reason) == end_reason)
    rows = list(session.scalars(chosen.order_by(col(Enrolment.id)).limit(limit + 1)))
    return make_lines(session, rows[:limit]), rows[limit - 1].id if len(rows) > limit else None


def get_enrolment(session: Session, campaign: Campaign, enrolment_id: int, *, held: bool = False) -> Enrolment:
    """Return an enrolment of `campaign`, `held` until the commit; raises `Refused` (404) for any other."""
    hold = True if held else None
    enrolment = session.get(Enrolment, enrolment_id, with_for_update=hold) if enrolment_id <= LARGEST_ID else None
    if enrolment is None or enrolment.campaign_id != campaign.id:
        raise Refused(_("There is no such person in this campaign."), status=404)
    return enrolment


def read_ways(session: Session, member: Member, person_id: int) -> list[Way]:
    """Return the campaigns that a person is or was in, the newest first."""
    chosen = (
        select(Enrolment, Campaign)
        .join(Campaign, col(Campaign.id) == Enrolment.campaign_id)
        .where(col(Enrolment.person_id) == person_id)
        .order_by(col(Enrolment.id).desc())
        .limit(PAGE_SIZE)
    )
    rows = [(enrolment, campaign) for enrolment, campaign in session.execute(chosen)]
    lines = make_lines(session, [enrolment for enrolment, _campaign in rows])
    return [Way(line, campaign, may_open(session, member, campaign))
            for line, (_enrolment, campaign) in zip(lines, rows, strict=True)]  # fmt: skip


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
    return make_lines(session, list(session.scalars(chosen.order_by(col(Enrolment.due_at)).limit(SHOWN_NEXT))))


def _read_failures(session: Session, run: Run) -> list[tuple[Delivery, str]]:
    chosen = (
        select(Delivery, col(Person.name))
        .join(Person, col(Person.id) == Delivery.person_id)
        .where(col(Delivery.run_id) == run.id, col(Delivery.state) == DeliveryState.ERROR)
        .order_by(col(Delivery.id).desc())
        .limit(SHOWN_FAILURES)
    )
    return [(delivery, name) for delivery, name in session.execute(chosen)]


def _read_set_aside(session: Session, run: Run) -> list[Line]:
    chosen = select(Enrolment).where(
        col(Enrolment.run_id) == run.id, col(Enrolment.state) == EnrolmentState.PAUSED,
        col(Enrolment.paused_reason).startswith(f"{FAILED}:"),
    )  # fmt: skip
    return make_lines(session, list(session.scalars(chosen.order_by(col(Enrolment.id)).limit(SHOWN_FAILURES))))


def make_lines(session: Session, enrolments: Sequence[Enrolment]) -> list[Line]:
    """Return these enrolments with the people's names, and with the mail that ended them."""
    names = {
        row.id: row.name
        for row in session.execute(
            select(PERSON.c.id, PERSON.c.name).where(PERSON.c.id.in_([one.person_id for one in enrolments]))
        )
    }
    ids = [one.ended_by_id for one in enrolments if one.ended_by_id is not None]
    mails = select(InboundMail, col(Copy.message_id)).join(Copy, col(Copy.id) == InboundMail.copy_id)
    answers = {mail.id: (mail, message_id) for mail, message_id in
               session.execute(mails.where(col(InboundMail.id).in_(ids)))} if ids else {}  # fmt: skip
    return [Line(one, names.get(one.person_id) or one.address, *answers.get(one.ended_by_id or 0, (None, None)))
            for one in enrolments]  # fmt: skip
