"""Campaigns between the API's shapes and the verbs of their room."""

from dataclasses import asdict, fields
from typing import Any

from sqlmodel import Session

from server.accounts.models import Member
from server.api.shapes import campaign_answers as answers
from server.api.shapes import campaigns as shapes
from server.api.shapes.outputs import PersonAnswer
from server.campaigns.campaigns import Plan
from server.campaigns.history.history import Told
from server.campaigns.models import Campaign, CampaignKind, EndReason, EnrolmentState, RunState, Sender, StepKind
from server.campaigns.queries import Line, find_run, read_board, read_step_counts
from server.campaigns.sent import Mailed
from server.campaigns.steps import StepPlan, Text, read_steps
from server.gmail.mailboxes import find_mailbox


def make_plan(session: Session, member: Member, given: shapes.NewCampaign) -> Plan:
    """Return the plan that was asked for; without a mailbox, from the member's first one."""
    kept = {one.name: getattr(given, one.name) for one in fields(Plan) if one.name in type(given).model_fields}
    mailbox = find_mailbox(session, member) if given.mailbox_id is None and given.sender == Sender.MAILBOX else None
    kept |= {
        "mailbox_id": mailbox.id if mailbox else given.mailbox_id,
        "trigger": given.trigger.model_dump(mode="json") if given.trigger else {},
        "days": sorted(set(given.days)),
        "window_start_minutes": _read_clock(given.window_start),
        "window_end_minutes": _read_clock(given.window_end),
    }
    return Plan(**kept)


def change_plan(campaign: Campaign, given: shapes.CampaignChange) -> Plan:
    """Return the plan of a draft with what was named of it changed."""
    named = given.model_fields_set
    kept = {one.name: getattr(campaign, one.name) for one in fields(Plan)}
    kept |= {name: getattr(given, name) for name in kept if name in named}
    if "trigger" in named:
        kept["trigger"] = given.trigger.model_dump(mode="json") if given.trigger else {}
    if "window_start" in named:
        kept["window_start_minutes"] = _read_clock(given.window_start)
    if "window_end" in named:
        kept["window_end_minutes"] = _read_clock(given.window_end)
    return Plan(**(kept | {"days": sorted(set(kept["days"]))}))


def make_steps(given: shapes.CampaignFields) -> list[StepPlan]:
    """Return the steps that were asked for."""
    return [_make_step(step) for step in given.steps]


def show(campaign: Campaign) -> answers.CampaignAnswer:
    """Return a campaign as the API tells it."""
    return answers.CampaignAnswer.model_validate(_fields_of(campaign))


def show_whole(session: Session, campaign: Campaign) -> answers.CampaignDetail:
    """Return a campaign with its steps and how its newest run stands."""
    run = find_run(session, campaign.id)
    board = read_board(session, run) if run else None
    counts = read_step_counts(session, run) if run else {}
    steps = [
        answers.StepAnswer(
            position=step.position, kind=StepKind(step.kind), settings=step.settings,
            texts=[answers.TextAnswer(label=one.label, subject=one.subject, html=one.html) for one in variants],
            next_for=board.at_step.get(step.position, 0) if board else 0,
            figures=answers.StepFigures(**asdict(counts[step.id]), delivered=counts[step.id].delivered)
            if step.id in counts else None,
        )
        for step, variants in read_steps(session, campaign.id)
    ]  # fmt: skip
    told = None
    if run is not None and board is not None:
        ways = {state: board.ways.get(state, 0) for state in ("active", "paused", "ended")}
        told = answers.BoardAnswer(
            run=run.number, state=RunState(run.state), audience_size=run.audience_size, ends=board.ends, **ways
        )
    return answers.CampaignDetail.model_validate({**_fields_of(campaign), "steps": steps, "board": told})


def show_line(line: Line) -> answers.EnrolmentAnswer:
    """Return one person's way as the API tells it."""
    one, mail = line.enrolment, line.answer
    ended_by = None
    if mail is not None:
        ended_by = answers.EndedBy(
            name=mail.sender_name, email=mail.sender_address, subject=mail.subject, received_at=mail.received_at,
            message_id=line.message_id,
        )  # fmt: skip
    kept = one.model_dump(include=set(answers.EnrolmentAnswer.model_fields))
    return answers.EnrolmentAnswer.model_validate(
        kept | {
            "person": PersonAnswer(id=one.person_id, name=line.person_name, email=one.address or None),
            "due_at": None if one.state == EnrolmentState.ENDED else one.due_at,
            "end_reason": EndReason(one.end_reason) if one.end_reason else None, "ended_by": ended_by,
        }
    )  # fmt: skip


def show_delivery(row: Mailed) -> answers.DeliveryAnswer:
    """Return one delivery as the API tells it."""
    one = row.delivery
    person = PersonAnswer(id=one.person_id, name=row.person_name, email=row.address or None)
    kept = one.model_dump(include=set(answers.DeliveryAnswer.model_fields))
    more = {"person": person, "step": row.position, "text": row.label, "message_id": row.message_id}
    return answers.DeliveryAnswer.model_validate(kept | more)


def show_change(told: Told) -> answers.ChangeAnswer:
    """Return one thing that happened as the API tells it."""
    one = told.change
    by = answers.Doer(id=one.member_id, name=told.member_name) if one.member_id else None
    person = PersonAnswer(id=told.person_id, name=told.person_name, email=None) if told.person_id else None
    kept = one.model_dump(include=set(answers.ChangeAnswer.model_fields))
    return answers.ChangeAnswer.model_validate(kept | {"by": by, "person": person})


def _make_step(step: Any) -> StepPlan:
    match step:
        case shapes.EmailStep():
            texts = [Text(text.subject, text.html) for text in step.texts]
            return StepPlan(step.kind, {"in_thread": step.in_thread}, texts)
        case shapes.TaskStep():
            task = {"name": step.name, "kind": str(step.task_kind), "due_days": step.due_days, "details": step.details}
            return StepPlan(step.kind, task)
        case shapes.ConditionStep():
            return StepPlan(step.kind, {"kind": str(step.did), "step": step.step, "yes": step.yes, "no": step.no})
        case shapes.WaitStep():
            return StepPlan(step.kind, {"minutes": step.minutes})
    return StepPlan(StepKind.END)


def _fields_of(campaign: Campaign) -> dict[str, Any]:
    return {
        **campaign.model_dump(), "kind": CampaignKind(campaign.kind), "owner_id": campaign.member_id,
        "window_start": _show_clock(campaign.window_start_minutes),
        "window_end": _show_clock(campaign.window_end_minutes),
    }  # fmt: skip


def _read_clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _show_clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
