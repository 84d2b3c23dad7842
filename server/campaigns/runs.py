"""Runs: a campaign takes its audience, person by person, in batches that a killed worker goes on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, Table, column, func, or_, select, update, values
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from server.campaigns.audience import Asker, count_audience, read_audience
from server.campaigns.history.history import note
from server.campaigns.history.models import ChangeKind
from server.campaigns.models import (
    Campaign,
    CampaignKind,
    CampaignState,
    Delivery,
    DeliveryState,
    EndReason,
    Enrolment,
    EnrolmentState,
    Run,
    RunState,
    Sender,
    Step,
    StepKind,
)
from server.campaigns.notices import tell
from server.clock import now
from server.consent.suppression import find_suppressed
from server.gmail.models import Mailbox, MailboxState
from server.people.models import Person
from server.people.projections import read_emails_of
from server.queue import wake

ENROLMENT: Table = Enrolment.__table__  # type: ignore[attr-defined]
DELIVERY: Table = Delivery.__table__  # type: ignore[attr-defined]
PERSON: Table = Person.__table__  # type: ignore[attr-defined]
MAILBOX: Table = Mailbox.__table__  # type: ignore[attr-defined]
BATCH = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person of the audience: who sends to them, from where, and why they are excluded, "" where they are not."""

    person_id: int
    member_id: int | None
    mailbox_id: int | None
    address: str
    reason: str = ""


def start_run(session: Session, campaign: Campaign) -> Run:
    """Add the campaign's next run, which then takes its audience in the background."""
    last = session.scalar(select(func.max(col(Run.number))).where(col(Run.campaign_id) == campaign.id)) or 0
    run = Run(campaign_id=campaign.id, number=last + 1)
    asker = Asker(campaign.workspace_id, campaign.member_id)
    run.audience_size = count_audience(session, asker, campaign.audience)
    session.add(run)
    session.flush()
    note(session, campaign.id, ChangeKind.RUN_STARTED, reason=run.number)
    wake(session, "prepare_run", run.id)
    return run


def find_preparing(session: Session) -> list[int]:
    """Return the ids of runs whose audience is being taken, of campaigns that run."""
    chosen = select(col(Run.id)).join(Campaign, col(Campaign.id) == Run.campaign_id)
    chosen = chosen.where(col(Run.state) == RunState.PREPARING, col(Campaign.state) == CampaignState.RUNNING)
    return list(session.scalars(chosen.order_by(col(Run.id)).limit(50)))


def prepare_batch(session: Session, run_id: int) -> bool:
    """Enrol the next people of the run's audience; return whether there may be more of them."""
    run = session.get(Run, run_id, with_for_update=True)
    if run is None or run.state != RunState.PREPARING:
        return False
    campaign = session.get_one(Campaign, run.campaign_id)
    if campaign.state != CampaignState.RUNNING:
        return False
    asker = Asker(campaign.workspace_id, campaign.member_id)
    ids = read_audience(session, asker, campaign.audience, run.prepared_to_id, BATCH)
    if ids:
        enrol(session, campaign, run, ids)
        run.prepared_to_id = ids[-1]
    else:
        run.state = RunState.RUNNING
    session.add(run)
    session.flush()
    tell(session, campaign.id)
    return bool(ids)


def enrol(session: Session, campaign: Campaign, run: Run, person_ids: Sequence[int]) -> None:
    """Enrol these people in `run`, once each; whoever may not get mail is counted as excluded, with the reason."""
    between = ENROLMENT.c.person_id.between(min(person_ids), max(person_ids))
    known = select(ENROLMENT.c.person_id).where(ENROLMENT.c.run_id == run.id, between)
    there = set(session.scalars(known))  # a trigger may fire again for somebody under way
    person_ids = [person_id for person_id in person_ids if person_id not in there]
    if not person_ids:
        return
    candidates = _judge(session, campaign, run, _find_candidates(session, campaign, person_ids))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [_make_row(campaign, run, one) for one in candidates]
    statement = insert(ENROLMENT).on_conflict_do_nothing(index_elements=["run_id", "person_id"])
    session.connection().execute(statement, rows)
    excluded = {one.person_id: one.reason for one in candidates if one.reason}
    step_id = session.scalar(
        select(col(Step.id))
        .where(col(Step.campaign_id) == campaign.id, col(Step.kind) == StepKind.EMAIL)
        .order_by(col(Step.position))
        .limit(1)
    )
    if excluded and step_id is not None:
        ids = (
            select(ENROLMENT.c.id, ENROLMENT.c.person_id)
            .where(ENROLMENT.c.run_id == run.id, ENROLMENT.c.person_id.in_(excluded))
            .order_by(ENROLMENT.c.id)
        )
        at = now()
        deliveries = [
            {
                "campaign_id": campaign.id, "run_id": run.id, "enrolment_id": row.id, "step_id": step_id,
                "person_id": row.person_id, "state": DeliveryState.EXCLUDED, "reason": excluded[row.person_id],
                "category": "", "due_at": at,
            }
            for row in session.execute(ids)
        ]  # fmt: skip
        session.connection().execute(insert(DELIVERY).on_conflict_do_nothing(), deliveries)


def _find_candidates(session: Session, campaign: Campaign, person_ids: Sequence[int]) -> list[Candidate]:
    chosen = select(PERSON.c.id, PERSON.c.owner_id).where(
        PERSON.c.id.in_(person_ids), PERSON.c.workspace_id == campaign.workspace_id
    )
    people = session.execute(chosen.order_by(PERSON.c.id)).all()
    emails = read_emails_of(session, [row.id for row in people])
    senders = _find_senders(session, campaign, {row.owner_id for row in people if row.owner_id})
    return [
        Candidate(row.id, *_find_sender(campaign, row.owner_id, senders), next(iter(emails.get(row.id, [])), ""))
        for row in people
    ]


def _find_senders(session: Session, campaign: Campaign, owner_ids: set[int]) -> dict[int, int]:
    """Return each owner's linked mailbox, the first where there are several."""
    if campaign.sender != Sender.OWNER:
        return {}
    chosen = select(MAILBOX.c.member_id, func.min(MAILBOX.c.id)).where(
        MAILBOX.c.member_id.in_(owner_ids), MAILBOX.c.state == MailboxState.LINKED
    )
    return {row[0]: row[1] for row in session.execute(chosen.group_by(MAILBOX.c.member_id))}


def _find_sender(campaign: Campaign, owner_id: int | None, senders: Mapping[int, int]) -> tuple[int | None, int | None]:
    if campaign.sender == Sender.MAILBOX:
        return campaign.member_id, campaign.mailbox_id
    return owner_id, senders.get(owner_id or 0)


def _judge(session: Session, campaign: Campaign, run: Run, candidates: list[Candidate]) -> list[Candidate]:
    suppressed = find_suppressed(session, campaign.workspace_id, {one.address for one in candidates if one.address})
    earlier = _find_earlier(session, campaign, run, [one.person_id for one in candidates])
    taken = _find_taken(session, run, candidates)
    judged = []
    for one in candidates:
        reason = _find_reason(one, suppressed, earlier, taken)
        taken.add(one.address)
        judged.append(Candidate(one.person_id, one.member_id, one.mailbox_id, one.address, reason))
    return judged


def _find_taken(session: Session, run: Run, candidates: Sequence[Candidate]) -> set[str]:
    """Return the addresses of candidates under which somebody is in the run already; none of the candidates is."""
    addresses = {one.address for one in candidates if one.address}
    if not addresses:
        return set()
    # Looked up one by one: of `IN`, and of a join, PostgreSQL would read all of a large run for each batch.
    listed = values(column("address", String), name="listed").data([(address,) for address in addresses]).cte()
    there = select(ENROLMENT.c.id).where(ENROLMENT.c.run_id == run.id, ENROLMENT.c.address == listed.c.address).limit(1)
    found = session.execute(select(listed.c.address, there.scalar_subquery()))
    return {address for address, enrolment_id in found if enrolment_id is not None}


def _find_reason(
    one: Candidate, suppressed: Mapping[str, str], earlier: Mapping[int, str], taken: set[str]
) -> str:  # fmt: skip
    if not one.address:
        return "no_address"
    if one.address in suppressed:
        return str(suppressed[one.address])
    if one.member_id is None:
        return "not_assigned"
    if one.mailbox_id is None:
        return "no_mailbox"
    if one.person_id in earlier:
        return earlier[one.person_id]
    return "duplicate" if one.address in taken else ""


def _find_earlier(session: Session, campaign: Campaign, run: Run, person_ids: Sequence[int]) -> dict[int, str]:
    """Return why people of earlier runs get no mail in this one: they are under way, or how their way ended.

    Nobody gets a campaign twice, least of all who has answered. Whoever was kept out at the start begins now.
    """
    others = select(col(Run.id)).where(col(Run.campaign_id) == campaign.id, col(Run.id) != run.id).limit(1)
    if session.scalar(others) is None:
        return {}
    chosen = select(ENROLMENT.c.person_id, ENROLMENT.c.state, ENROLMENT.c.end_reason).where(
        ENROLMENT.c.person_id.in_(person_ids), ENROLMENT.c.campaign_id == campaign.id, ENROLMENT.c.run_id != run.id,
        or_(ENROLMENT.c.end_reason != EndReason.EXCLUDED, ENROLMENT.c.position > 1),
    )  # fmt: skip
    return {
        row.person_id: row.end_reason if row.state == EnrolmentState.ENDED else "already_enrolled"
        for row in session.execute(chosen.order_by(ENROLMENT.c.id))
    }


def _make_row(campaign: Campaign, run: Run, one: Candidate) -> dict[str, Any]:
    at = now()
    is_out = bool(one.reason)
    return {
        "campaign_id": campaign.id, "run_id": run.id, "person_id": one.person_id, "member_id": one.member_id,
        "mailbox_id": one.mailbox_id, "address": one.address, "position": 1, "due_at": at, "paused_reason": "",
        "state": EnrolmentState.ENDED if is_out else EnrolmentState.ACTIVE,
        "end_reason": EndReason.EXCLUDED if is_out else "", "end_detail": one.reason,
        "ended_at": at if is_out else None, "enrolled_at": at,
    }  # fmt: skip


def has_finished(session: Session) -> bool:
    """Return whether there is a run in which nobody is under way any more."""
    return session.scalars(_over().limit(1)).first() is not None


def finish_runs(session: Session) -> None:
    """Close each run in which nobody is under way any more, and a campaign that will not run again."""
    for run in session.scalars(_over().limit(50)).all():
        run.state, run.ended_at = RunState.DONE, now()
        session.add(run)
        campaign = session.get_one(Campaign, run.campaign_id)
        if campaign.recurrence == "once":
            session.execute(update(Campaign).where(col(Campaign.id) == campaign.id).values(state=CampaignState.DONE))
        note(session, campaign.id, ChangeKind.RUN_DONE, reason=run.number)
        tell(session, campaign.id)


def _over() -> Select[Run]:
    # Named, not "other than ended": so that the index is asked for them and not read for all who are through.
    living = (EnrolmentState.ACTIVE, EnrolmentState.PAUSED)
    under_way = select(ENROLMENT.c.id).where(ENROLMENT.c.run_id == Run.id, ENROLMENT.c.state.in_(living))
    return (
        select(Run)
        .join(Campaign, col(Campaign.id) == Run.campaign_id)
        .where(
            col(Run.state) == RunState.RUNNING, col(Campaign.kind) == CampaignKind.BATCH,
            col(Campaign.state) == CampaignState.RUNNING, ~under_way.exists(),
        )
    )  # fmt: skip
