"""The shapes of lead scores in the REST API; OpenAPI is made from them."""

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from server.api.shapes.inputs import Id, Line, Taken
from server.events.models import EventKind, Verdict
from server.scoring.models import ScoreSource

SCORES_LIMIT = 1000
LARGEST_SCORE = 1e9


class NewScore(Taken):
    """One person's lead score as another system computed it; `email` or `person_id` says whose."""

    email: Annotated[str | None, StringConstraints(max_length=254), Field(description="An address of theirs.")] = None
    person_id: Id | None = None
    score: Annotated[float, Field(ge=-LARGEST_SCORE, le=LARGEST_SCORE, allow_inf_nan=False)]
    source: Annotated[
        Line, StringConstraints(min_length=1, max_length=100), Field(description="Who gives it, as members read it.")
    ] = "API"

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.email is None) == (self.person_id is None):
            raise ValueError("needs either “email” or “person_id”")
        return self


class NewScores(Taken):
    """A batch of scores: what is wrong with one is told by its index, and the others are taken."""

    scores: Annotated[
        list[Annotated[NewScore | Any, Field(union_mode="left_to_right")]],
        Field(min_length=1, max_length=SCORES_LIMIT),
    ]


class RefusedScore(BaseModel):
    """What is wrong with one score."""

    index: int = Field(description="The score's place in the request, the first is 0.")
    field: str
    detail: str


class TakenScores(BaseModel):
    """What became of a batch."""

    accepted: int
    is_used: bool = Field(description="Whether they rank people now, or only once the workspace's source is external.")
    refused: list[RefusedScore]


class TargetPerson(BaseModel):
    """Who stands in the list."""

    id: int
    name: str
    email: str | None
    company: str


class TargetAnswer(BaseModel):
    """One place of the Target list."""

    rank: int
    person: TargetPerson
    score: float
    rose_at: AwareDatetime = Field(description="When the score last rose.")


class TargetPage(BaseModel):
    """The Target list: at most 50 people, the highest score first."""

    items: list[TargetAnswer]
    next: None = None


class ScoreLine(BaseModel):
    """Events that are worth alike: `count` × `weight` × `left` = `points`."""

    kind: EventKind
    subject: str
    at: AwareDatetime = Field(description="The newest of them.")
    count: int
    weight: float
    left: float = Field(description="The share that time has left of them, 0 to 1.")
    points: float
    uncounted: Verdict | None = Field(description="Why they count 0, where a machine or your own device did them.")


class ScoreAdjustmentAnswer(BaseModel):
    """Points given by hand."""

    given: float
    reason: str
    by: str
    at: AwareDatetime
    left: float
    points: float


class ExternalScoreAnswer(BaseModel):
    """From whom a given score came, and when."""

    source: str
    received_at: AwareDatetime


class ScoreAnswer(BaseModel):
    """The sum behind a score: `score` = `points` of all lines and adjustments + `older`."""

    person_id: int
    score: float
    at: AwareDatetime
    source: ScoreSource
    half_life_days: float
    is_recomputing: bool
    lines: list[ScoreLine] = Field(description="A page of engagement, the newest first.")
    adjustments: list[ScoreAdjustmentAnswer]
    older: float = Field(description="The points of the engagement before this page.")
    next: str | None = Field(description="Ask with `cursor=` this for the page before.")
    external: ExternalScoreAnswer | None


class ScoreQuery(Taken):
    """Which page of the sum."""

    cursor: Annotated[str | None, Field(max_length=100, description="`next` of the page after.")] = None
