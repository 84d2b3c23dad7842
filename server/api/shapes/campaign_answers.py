"""The shapes of what the REST API answers about campaigns; OpenAPI is made from them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from server.api.shapes.outputs import PersonAnswer
from server.campaigns.history.models import ChangeKind
from server.campaigns.models import (
    CampaignKind,
    CampaignState,
    DeliveryState,
    EndReason,
    EnrolmentState,
    Recurrence,
    RunState,
    Sender,
    StepKind,
)


class CampaignAnswer(BaseModel):
    """A campaign."""

    id: int
    name: str
    kind: CampaignKind
    state: CampaignState
    owner_id: int
    sender: Sender
    mailbox_id: int | None
    audience: dict[str, Any]
    trigger: dict[str, Any]
    recurrence: Recurrence
    days: list[int]
    window_start: str
    window_end: str
    zone_of: str
    per_minute: int
    per_day: int
    stops_on_click: bool
    stops_on_meeting: bool
    pauses_company: bool
    winner_sample: int
    starts_at: datetime | None = Field(description="When it starts, or starts again.")
    confirmed_at: datetime | None
    created_at: datetime


class CampaignPage(BaseModel):
    """A page of campaigns."""

    items: list[CampaignAnswer]
    next: str | None


class TextAnswer(BaseModel):
    """One of the texts of an email."""

    label: str
    subject: str
    html: str


class StepFigures(BaseModel):
    """What became of an email's deliveries: targeted = excluded + waiting + sent + errors."""

    targeted: int
    excluded: dict[str, int] = Field(description="By reason.")
    waiting: int
    retrying: int = Field(description="Of those that wait.")
    sent: int
    delivered: int = Field(description="Sent, and not come back.")
    bounced: dict[str, int] = Field(description="By category: hard, soft or ignored.")
    errors: dict[str, int] = Field(description="By reason.")
    cancelled: int = Field(description="Stopped before they were sent; not targeted.")


class StepAnswer(BaseModel):
    """A step; `figures` are those of an email in the newest run."""

    position: int
    kind: StepKind
    settings: dict[str, Any]
    texts: list[TextAnswer]
    next_for: int = Field(description="How many people have it before them.")
    figures: StepFigures | None


class BoardAnswer(BaseModel):
    """How the newest run stands."""

    run: int
    state: RunState
    audience_size: int
    active: int
    paused: int
    ended: int
    ends: dict[str, int] = Field(description="How many ended, by reason.")


class CampaignDetail(CampaignAnswer):
    """A campaign with its steps, and how it stands."""

    steps: list[StepAnswer]
    board: BoardAnswer | None = Field(description="None before its first run.")


class EndedBy(BaseModel):
    """The mail that ended it."""

    name: str
    email: str
    subject: str
    received_at: datetime
    message_id: int | None = Field(description="The message that it answers.")


class EnrolmentAnswer(BaseModel):
    """One person's way through a run."""

    id: int
    person: PersonAnswer
    state: EnrolmentState
    position: int = Field(description="The step that comes next.")
    due_at: datetime | None = Field(description="When it is due; None where it is over.")
    paused_until: datetime | None
    paused_reason: str
    end_reason: EndReason | None
    end_detail: str
    ended_at: datetime | None
    ended_by: EndedBy | None
    mailbox_id: int | None
    enrolled_at: datetime


class EnrolmentPage(BaseModel):
    """A page of enrolments."""

    items: list[EnrolmentAnswer]
    next: str | None


class DeliveryAnswer(BaseModel):
    """One email step for one person."""

    id: int
    enrolment_id: int
    person: PersonAnswer
    step: int = Field(description="The position of the step.")
    text: str = Field(description="The label of the text; empty before it is queued.")
    state: DeliveryState
    reason: str = Field(description="Why it was excluded, failed, was cancelled or came back.")
    category: str = Field(description="Of a bounce: hard, soft or ignored.")
    due_at: datetime
    sent_at: datetime | None
    message_id: int | None


class DeliveryPage(BaseModel):
    """A page of deliveries."""

    items: list[DeliveryAnswer]
    next: str | None


class Doer(BaseModel):
    """The member who did it."""

    id: int
    name: str


class ChangeAnswer(BaseModel):
    """One thing that happened in a campaign: to the whole of it, or to one person."""

    id: int
    kind: ChangeKind
    at: datetime
    by: Doer | None = Field(description="Whose hand it was; null where it was nobody's.")
    person: PersonAnswer | None
    enrolment_id: int | None
    reason: str = Field(description="Why, as a code; of a run its number, of a skipped step its position.")


class ChangePage(BaseModel):
    """A page of a campaign's history."""

    items: list[ChangeAnswer]
    next: str | None


class ListAnswer(BaseModel):
    """A saved list of people."""

    id: int
    name: str
    owner_id: int
    people: int = Field(description="How many are on it.")
    created_at: datetime


class ListFilled(ListAnswer):
    """A saved list, and which of the addresses that were sent belong to nobody here."""

    unknown: list[str]


class ListPage(BaseModel):
    """The workspace's saved lists by name."""

    items: list[ListAnswer]
    next: str | None
