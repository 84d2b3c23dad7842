"""Tables of campaigns: their steps and variants, runs, enrolments, deliveries, and how fast a mailbox may send."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class CampaignKind(StrEnum):
    """A batch takes its audience at a time, once or again and again; a trigger takes one person at an event."""

    BATCH = "batch"
    TRIGGER = "trigger"


class CampaignState(StrEnum):
    """How far a campaign is; only a draft can be edited, and a paused one sends nothing."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


class Sender(StrEnum):
    """From whose mailbox a campaign sends: one that is named, or that of each person's owner."""

    MAILBOX = "mailbox"
    OWNER = "owner"


class Recurrence(StrEnum):
    """How often a batch campaign takes its audience anew."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"


class StepKind(StrEnum):
    """What a step does; after `end`, and after the last step, a person is done."""

    EMAIL = "email"
    WAIT = "wait"
    TASK = "task"
    CONDITION = "condition"
    END = "end"


class RunState(StrEnum):
    """A run takes its audience (`preparing`), works through it, and is done when nobody is under way any more."""

    PREPARING = "preparing"
    RUNNING = "running"
    DONE = "done"


class EnrolmentState(StrEnum):
    """Under way; held back until a time or by hand; or at an end, with the reason."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a person's way through a campaign is over."""

    FINISHED = "finished"
    EXCLUDED = "excluded"
    REPLIED = "replied"
    CLICKED = "clicked"
    MEETING_BOOKED = "meeting_booked"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BY_HAND = "by_hand"
    ERROR = "error"


class DeliveryState(StrEnum):
    """One email step for one person. `waiting` has its time, `queued` is with the outbox, the rest are ends."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENT = "sent"
    BOUNCED = "bounced"
    ERROR = "error"
    EXCLUDED = "excluded"
    CANCELLED = "cancelled"


class Campaign(SQLModel, table=True):
    """What is sent to whom, and when it stops.

    `audience` is a filter (`audience.read_filter`), `trigger` says which event starts it. `days` are ISO week days; the
    window is minutes of the day in the time zone of `zone_of` ("sender", or "recipient" where theirs is known).
    `starts_at` of a confirmed campaign is at least ten seconds ahead: until then confirming can be undone.
    """

    __table_args__ = (Index("ix_campaign_workspace", "workspace_id", "id"),)

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id", index=True)
    name: str
    kind: str = CampaignKind.BATCH
    state: str = Field(default=CampaignState.DRAFT, index=True)
    sender: str = Sender.MAILBOX
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    audience: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    trigger: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    recurrence: str = Recurrence.ONCE
    days: list[int] = Field(default_factory=lambda: [1, 2, 3, 4, 5], sa_type=JSON)
    window_start_minutes: int = 9 * 60
    window_end_minutes: int = 17 * 60
    zone_of: str = "sender"
    per_minute: int = 10
    per_day: int = 400
    stops_on_click: bool = False
    stops_on_meeting: bool = True
    pauses_company: bool = False
    winner_sample: int = 50
    starts_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Step(SQLModel, table=True):
    """One step. `settings`, by kind: wait `{"minutes"}`; task `{"name", "kind", "due_days"}`; condition `{"kind",
    "step", "yes", "no"}`, positions to go on at, always further down; email `{"in_thread"}`."""

    __tablename__ = "campaign_step"
    __table_args__ = (UniqueConstraint("campaign_id", "position"),)

    id: int = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    position: int
    kind: str
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    winner_id: int | None = None


class Variant(SQLModel, table=True):
    """One of the texts of an email step, in the merge language of `library.merge`."""

    __tablename__ = "step_variant"
    __table_args__ = (UniqueConstraint("step_id", "label"),)

    id: int = Field(default=None, primary_key=True)
    step_id: int = Field(foreign_key="campaign_step.id")
    label: str = "A"
    subject: str = Field(sa_type=Text)
    html: str = Field(sa_type=Text)


class Run(SQLModel, table=True):
    """One time that a campaign took its audience; a trigger campaign has a single one.

    `prepared_to_id` is the last person looked at, so a killed preparation goes on there.
    """

    __tablename__ = "campaign_run"
    __table_args__ = (UniqueConstraint("campaign_id", "number"),)

    id: int = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    number: int = 1
    state: str = Field(default=RunState.PREPARING, index=True)
    audience_size: int = 0
    prepared_to_id: int = 0
    started_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Enrolment(SQLModel, table=True):
    """One person's way through a run. `member_id` and `mailbox_id` send to them, from the first step to the last.

    `position` is the step to do at `due_at`. `ended_by_id` is the mail that ended it, where one did.
    """

    __table_args__ = (
        UniqueConstraint("run_id", "person_id"),
        Index("ix_enrolment_due", "campaign_id", "state", "due_at", "id"),
        Index("ix_enrolment_person", "person_id", "state"),
        Index("ix_enrolment_run_state", "run_id", "state", "position", "end_reason"),
        Index("ix_enrolment_run_address", "run_id", "address"),
    )

    id: int = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    run_id: int = Field(foreign_key="campaign_run.id")
    person_id: int = Field(foreign_key="person.id", nullable=True)  # NULL once they are erased
    member_id: int | None = Field(default=None, foreign_key="member.id")
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    address: str = ""
    state: str = EnrolmentState.ACTIVE
    position: int = 1
    due_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    paused_reason: str = ""
    end_reason: str = ""
    end_detail: str = ""
    ended_by_id: int | None = Field(default=None, foreign_key="inbound_mail.id")
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    enrolled_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Delivery(SQLModel, table=True):
    """One email step for one person, once: the row is unique, and its copy is in the outbox at most once.

    `slot_at` is the mailbox's slot that it has; `reason` names an exclusion or an error (`reasons.REASONS`); `category`
    of a bounce is hard, soft or ignored.
    """

    __table_args__ = (
        UniqueConstraint("enrolment_id", "step_id"),
        Index("ix_delivery_step_variant", "step_id", "variant_id"),
        Index("ix_delivery_run_step", "run_id", "step_id", "state", "reason", "category"),
        Index("ix_delivery_state", "state", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)
    run_id: int = Field(foreign_key="campaign_run.id")
    enrolment_id: int = Field(foreign_key="enrolment.id")
    step_id: int = Field(foreign_key="campaign_step.id")
    variant_id: int | None = Field(default=None, foreign_key="step_variant.id")
    person_id: int = Field(foreign_key="person.id", index=True, nullable=True)  # NULL once they are erased
    copy_id: int | None = Field(default=None, foreign_key="copy.id", index=True)
    state: str = DeliveryState.WAITING
    reason: str = ""
    category: str = ""
    due_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    slot_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    queued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StepMessage(SQLModel, table=True):
    """The message that carries a variant in a run from one mailbox: its copies are the deliveries' mails."""

    __tablename__ = "step_message"

    run_id: int = Field(primary_key=True, foreign_key="campaign_run.id")
    variant_id: int = Field(primary_key=True, foreign_key="step_variant.id")
    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    message_id: int = Field(foreign_key="message.id", unique=True)


class MailboxPace(SQLModel, table=True):
    """How far a mailbox is planned: its last slot and its day's count; the day on which so many ask for one again."""

    __tablename__ = "mailbox_pace"

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    last_slot_at: datetime = Field(sa_type=UtcDateTime)
    slot_on: date
    slots: int = 0
    asks_on: date
    asks: int = 0


class EventCursor(SQLModel, table=True):
    """How far campaigns have followed the event log (clicks that stop, events that start)."""

    __tablename__ = "campaign_event_cursor"

    id: int = Field(default=1, primary_key=True)
    last_event_id: int = Field(default=0, sa_type=BigInteger)


class AudienceList(SQLModel, table=True):
    """A saved list of people: chosen by hand, by a filter at a time, or from a file."""

    __tablename__ = "audience_list"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    member_id: int = Field(foreign_key="member.id")
    name: str
    people: int = 0
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ListedPerson(SQLModel, table=True):
    """One person on a saved list."""

    __tablename__ = "listed_person"

    list_id: int = Field(primary_key=True, foreign_key="audience_list.id")
    person_id: int = Field(primary_key=True, foreign_key="person.id", index=True)
