"""Tables of score models, of each person's stored score, and of what was given by hand or from outside."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, text
from sqlmodel import Field, SQLModel, col

from server.clock import now
from server.db import UtcDateTime


class ScoreSource(StrEnum):
    """Who computes the lead score: Warmline, or another system (through the API, later Marketo)."""

    WARMLINE = "warmline"
    EXTERNAL = "external"


class ModelState(StrEnum):
    """The model in use; the one whose scores are being built beside it; one whose scores are to be deleted."""

    ACTIVE = "active"
    BUILDING = "building"
    RETIRED = "retired"


def _one_of_each(state: ModelState) -> Index:
    only = text(f"state = '{state}'")
    return Index(f"ux_score_model_{state}", "workspace_id", unique=True, sqlite_where=only, postgresql_where=only)


class ScoreModel(SQLModel, table=True):
    """One way in which a workspace scores: source, points a kind, half-life, and the landmark of forward decay.

    Its rules never change: other rules are another model, whose scores are built beside those in use and then take
    their place at once. `walked_to_id` is the last person whose score was built, so a killed builder goes on there.
    """

    __tablename__ = "score_model"
    __table_args__ = (_one_of_each(ModelState.ACTIVE), _one_of_each(ModelState.BUILDING))

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    state: str = ModelState.ACTIVE
    source: str = ScoreSource.WARMLINE
    half_life_hours: float
    points: dict[str, float] = Field(default_factory=dict, sa_type=JSON)
    landmark_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    made_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    people: int = 0
    walked_people: int = 0
    walked_to_id: int = 0


class PersonScore(SQLModel, table=True):
    """A person's stored score under one model; the ranking is one read of its index.

    `value` is Σ wᵢ·2^((tᵢ−landmark)/h), or the given score of an external source: as time passes all fade alike, so the
    order of stored values is the order of scores. `owner_id` and `name` (case-folded) copy the person's, for the index.
    """

    __tablename__ = "person_score"

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    model_id: int = Field(primary_key=True, foreign_key="score_model.id")
    owner_id: int | None = Field(default=None, foreign_key="member.id")
    name: str = Field(default="", sa_type=String().with_variant(String(collation="C"), "postgresql"))
    value: float = 0.0
    rose_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


# The owner comes first: SQLite would read a whole model by this index where it looks for some people's scores.
_RANK: tuple[Any, ...] = (
    col(PersonScore.owner_id),
    col(PersonScore.model_id),
    col(PersonScore.value).desc(),
    col(PersonScore.rose_at).desc(),
    col(PersonScore.name),
    col(PersonScore.person_id),
)
Index("ix_person_score_rank", *_RANK)


class ScoreAdjustment(SQLModel, table=True):
    """Points given or taken by hand, with the reason; it fades like an event of its time. Removed, it can come back."""

    __tablename__ = "score_adjustment"

    id: int = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    member_id: int = Field(foreign_key="member.id")
    points: float
    reason: str
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ExternalScore(SQLModel, table=True):
    """A score that another system gave, from whom and when it came, and when it last rose."""

    __tablename__ = "external_score"

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    score: float
    source_name: str = "api"
    received_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    rose_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
