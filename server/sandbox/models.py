"""The switch of the simulated recipients, and what the tracking lab last saw of each scenario."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class RecipientsSwitch(SQLModel, table=True):
    """One row, or none while nobody has touched the switch: then the recipients are on."""

    __tablename__ = "recipients_switch"

    id: int = Field(default=1, primary_key=True)
    is_on: bool
    switched_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class LabState(StrEnum):
    """Where the run of a scenario stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class LabRun(SQLModel, table=True):
    """The last run of a scenario in the tracking lab; `results` has one entry for each step that makes an event.

    `matches` says whether everything was judged as the scenario's file wants it; `fence` tells a late player so.
    """

    __tablename__ = "lab_run"

    scenario: str = Field(primary_key=True)
    state: str = Field(default=LabState.QUEUED, index=True)
    fence: int = 0
    queued_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    began_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    copy_id: int | None = None
    results: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    reading: str = ""
    matches: bool | None = None
    failure: str = ""
