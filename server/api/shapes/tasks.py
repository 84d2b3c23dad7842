"""The shapes of tasks in the REST API; OpenAPI is made from them."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from server.api.shapes.inputs import Id, Line, ListQuery, Taken, Time
from server.api.shapes.outputs import PersonAnswer
from server.tasks.models import Priority, TaskKind
from server.tasks.tasks import DETAILS_LENGTH, NAME_LENGTH, YEARS


def _read_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise ValueError("must be a line of text")
    return name


def _refuse_unprintable(text: str) -> str:
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that is none")
    return text


def _check_year(due: date) -> date:
    if due.year not in YEARS:
        raise ValueError(f"is outside the years {YEARS[0]} to {YEARS[-1]}")
    return due


Name = Annotated[Line, StringConstraints(max_length=NAME_LENGTH, min_length=1), AfterValidator(_read_name)]
Details = Annotated[str, StringConstraints(max_length=DETAILS_LENGTH), AfterValidator(_refuse_unprintable)]
DueAt = Annotated[
    Time, AfterValidator(_check_year), Field(description="When it is due (RFC 3339); `due_on` instead gives no time.")
]
DueOn = Annotated[
    date,
    Field(description="The day on which it is due, in the assignee's time zone: 2026-03-02."),
    AfterValidator(_check_year),
]


class TasksQuery(ListQuery):
    """Which tasks, the one that is due first at the head."""

    due: Annotated[
        Literal["overdue", "today", "tomorrow", "today-tomorrow", "week"] | None,
        Field(description="Days in your time zone; `week` is today to day +6."),
    ] = None
    since: Annotated[Time | None, Field(description="Only what is due at or after this time (RFC 3339).")] = None
    until: Annotated[Time | None, Field(description="Only what is due before this time (RFC 3339).")] = None
    state: Annotated[Literal["open", "done"], Field(description="What is still to be done, or what is.")] = "open"
    assignee: Annotated[
        Id | None, Field(description="Who has it, by default you; of a colleague's you see those you gave.")
    ] = None
    person: Annotated[Id | None, Field(description="Only tasks about this person, which you have or gave.")] = None

    @model_validator(mode="after")
    def _has_one_window(self) -> Self:
        if self.due is not None and (self.since is not None or self.until is not None):
            raise ValueError("“due” cannot stand beside “since” or “until”")
        return self


class NewTask(Taken):
    """Something to do; it has either `due_at` or `due_on`."""

    model_config = ConfigDict(strict=True)

    name: Name
    kind: Annotated[TaskKind, Field(strict=False)] = TaskKind.CUSTOM
    priority: Annotated[Priority, Field(strict=False)] = Priority.NORMAL
    details: Details = ""
    due_at: Annotated[DueAt | None, Field(strict=False)] = None
    due_on: Annotated[DueOn | None, Field(strict=False)] = None
    assignee_id: Annotated[Id | None, Field(description="Whose it is, by default yours.")] = None
    person_id: Annotated[Id | None, Field(description="Whom it is about.")] = None

    @model_validator(mode="after")
    def _is_due_once(self) -> Self:
        if (self.due_at is None) == (self.due_on is None):
            raise ValueError("needs either “due_at” or “due_on”")
        return self


class TaskChange(Taken):
    """What is to be different; what is not named stays."""

    model_config = ConfigDict(strict=True)

    name: Name = ""
    kind: Annotated[TaskKind, Field(strict=False)] = TaskKind.CUSTOM
    priority: Annotated[Priority, Field(strict=False)] = Priority.NORMAL
    details: Details = ""
    due_at: Annotated[DueAt | None, Field(strict=False)] = None
    due_on: Annotated[DueOn | None, Field(strict=False)] = None
    assignee_id: Id | None = None
    person_id: Annotated[Id | None, Field(description="Null: about nobody in particular.")] = None

    @model_validator(mode="after")
    def _is_due_once(self) -> Self:
        if self.due_at is not None and self.due_on is not None:
            raise ValueError("takes “due_at” or “due_on”, not both")
        return self


class TaskAnswer(BaseModel):
    """A task."""

    id: int
    name: str
    kind: TaskKind
    priority: Priority
    details: str
    due_at: AwareDatetime = Field(description="Overdue when it has passed; without a time the last second of `due_on`.")
    due_on: date | None = Field(description="The day, where no time was given.")
    completed_at: AwareDatetime | None
    assignee_id: int
    creator_id: int = Field(description="Who gave it.")
    person: PersonAnswer | None
    created_at: datetime
    updated_at: datetime


class TaskPage(BaseModel):
    """A page of tasks."""

    items: list[TaskAnswer]
    next: str | None
