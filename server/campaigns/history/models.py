"""The table of what happened in campaigns."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class ChangeKind(StrEnum):
    """What happened: to the whole campaign, or to one person in it."""

    CONFIRMED = "confirmed"
    UNDONE = "undone"
    RUN_STARTED = "run_started"
    RUN_DONE = "run_done"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    PERSON_HELD = "person_held"
    PERSON_RESUMED = "person_resumed"
    PERSON_ENDED = "person_ended"
    STEP_SKIPPED = "step_skipped"
    MAIL_RETRIED = "mail_retried"


class Change(SQLModel, table=True):
    """One thing that happened. `member_id` did it, or nobody's hand did.

    `reason` is a code of `campaigns.reasons` without what stands behind its colon, or the number of a run: nothing here
    names a person, so that erasing one leaves nothing to erase.
    """

    __tablename__ = "campaign_change"
    __table_args__ = (Index("ix_campaign_change_campaign", "campaign_id", "id"),)

    id: int = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    kind: str
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    member_id: int | None = Field(default=None, foreign_key="member.id")
    enrolment_id: int | None = Field(default=None, foreign_key="enrolment.id")
    reason: str = ""
