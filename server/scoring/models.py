"""Tables of a workspace's score model, of each person's stored score, and of what was changed by hand."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class ScoreSource(StrEnum):
    """Who computes the lead score: Warmline, or another system (through the API, later Marketo)."""

    WARMLINE = "warmline"
    EXTERNAL = "external"


class ScoreModel(SQLModel, table=True):
    """How a workspace scores: half-life, source, and the landmark of forward decay (Cormode et al., 2009).

    `version` grows with each change; `recomputed_people` of `people_to_recompute` tells how far the recomputing has come.
    """

    __tablename__ = "score_model"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    half_life_hours: float = 24 * 14
    source: str = ScoreSource.WARMLINE
    landmark_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    version: int = 1
    recompute_wanted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    recompute_after_person_id: int = 0
    people_to_recompute: int = 0
    recomputed_people: int = 0


class ScoreWeight(SQLModel, table=True):
    """What one event of a kind is worth in a workspace, in points."""

    __tablename__ = "score_weight"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    kind: str = Field(primary_key=True)
    points: float


class PersonScore(SQLModel, table=True):
    """A person's stored score: one row a person who ever rose; ranking is one read of its index.

    `value` is Σ wᵢ·2^((tᵢ−landmark)/h) (Warmline) or the given score (external): as time passes all fade alike, so the
    order of stored values is the order of scores. `owner_id` and `name` copy the person's, for the index.
    """

    __tablename__ = "person_score"
    __table_args__ = (Index("ix_person_score_rank", "workspace_id", "owner_id", "value", "rose_at", "name"),)

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    workspace_id: int = Field(foreign_key="workspace.id")
    owner_id: int | None = Field(default=None, foreign_key="member.id")
    name: str = ""
    value: float = 0.0
    rose_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    version: int = 1


class ScoreAdjustment(SQLModel, table=True):
    """Points given or taken by hand, with the reason; it fades like an event of its time."""

    __tablename__ = "score_adjustment"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    member_id: int = Field(foreign_key="member.id")
    points: float
    reason: str
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class ExternalScore(SQLModel, table=True):
    """A score that another system gave, and when it came."""

    __tablename__ = "external_score"

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    score: float
    source_name: str = "api"
    received_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
