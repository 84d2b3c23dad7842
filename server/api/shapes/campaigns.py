"""The shapes of what the REST API takes of campaigns; OpenAPI is made from them."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

from server.api.shapes.inputs import Id, Line, Taken, Time
from server.api.shapes.tasks import Details, Name
from server.api.shapes.templates import Html, Subject
from server.campaigns.campaigns import NAME_LENGTH
from server.campaigns.models import CampaignKind, CampaignState, DeliveryState, EnrolmentState, Recurrence, Sender
from server.campaigns.pace import MOST_PER_DAY, MOST_PER_MINUTE
from server.campaigns.steps import BRANCHING, MOST_STEPS, MOST_VARIANTS, MOST_WAIT_MINUTES
from server.events.models import EventKind
from server.tasks.models import TaskKind

AUDIENCE_CHARACTERS = 20_000
MOST_DUE_DAYS = 365
WORDS_LENGTH = 200


def _check_json(tree: dict[str, Any]) -> dict[str, Any]:
    """Refuse what a database cannot keep, or what is longer than any filter."""
    try:
        text = json.dumps(tree, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (RecursionError, UnicodeEncodeError) as error:
        raise ValueError("is nested too deep, or holds what is no text") from error
    if len(text) > AUDIENCE_CHARACTERS or "\\u0000" in text:
        raise ValueError(f"has more than {AUDIENCE_CHARACTERS} characters, or holds the character NUL")
    return tree


def _check_branch(kind: EventKind) -> EventKind:
    if kind not in BRANCHING:
        raise ValueError(f"can be {', '.join(BRANCHING)}")
    return kind


Audience = Annotated[
    dict[str, Any], AfterValidator(_check_json),
    Field(description='A filter: `{"all": [{"owner": "me"}, {"did": "clicked", "times": 1, "days": 30}]}`.'),
]  # fmt: skip
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]
Position = Annotated[int, Field(ge=1, le=MOST_STEPS + 1)]
CampaignName = Annotated[Line, StringConstraints(min_length=1, max_length=NAME_LENGTH)]


class CampaignsQuery(Taken):
    """Which campaigns, the newest first: yours, or your team's where you may see those."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    state: CampaignState | None = None


class EnrolmentsQuery(Taken):
    """Which people of a run, in the order in which they were enrolled."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    state: EnrolmentState | None = None
    run: Annotated[Id | None, Field(description="The number of a run, by default the newest.")] = None


class DeliveriesQuery(Taken):
    """Which deliveries of a run, in the order in which they were planned."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    state: DeliveryState | None = None
    run: Annotated[Id | None, Field(description="The number of a run, by default the newest.")] = None


class HistoryQuery(Taken):
    """What happened in a campaign, the newest first."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50


class Strict(Taken):
    """JSON that means what it says: no number for a text."""

    model_config = ConfigDict(strict=True)


class NewText(Strict):
    """One of the texts of an email, with fields: `{{first_name|there}}`."""

    subject: Subject
    html: Html


class EmailStep(Strict):
    """Send an email; with several texts, to see which does better."""

    kind: Literal["email"]
    texts: Annotated[list[NewText], Field(min_length=1, max_length=MOST_VARIANTS)]
    in_thread: Annotated[bool, Field(description="As a reply in the thread of the mail before.")] = False


class WaitStep(Strict):
    """Wait."""

    kind: Literal["wait"]
    minutes: Annotated[int, Field(ge=1, le=MOST_WAIT_MINUTES)]


class TaskStep(Strict):
    """Give whoever sends to the person a task."""

    kind: Literal["task"]
    name: Name
    task_kind: Annotated[TaskKind, Field(strict=False)] = TaskKind.CUSTOM
    due_days: Annotated[int, Field(ge=0, le=MOST_DUE_DAYS)] = 0
    details: Details = ""


class ConditionStep(Strict):
    """Go on with one step or another by what the person did; what machines did never decides."""

    kind: Literal["condition"]
    did: Annotated[EventKind, Field(strict=False, json_schema_extra={"enum": list(BRANCHING)}),
                   AfterValidator(_check_branch)]  # fmt: skip
    step: Annotated[Position | None, Field(description="With which email; by default with any before.")] = None
    yes: Annotated[Position | None, Field(description="Where to go on, further down; by default the next step.")] = None
    no: Annotated[Position | None, Field(description="Where to go on, further down; by default the next step.")] = None


class EndStep(Strict):
    """Be done."""

    kind: Literal["end"]


def _tell_kind(value: object) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"({kind})" if kind in ("email", "wait", "task", "condition", "end") else None


# Tags in brackets stay out of a field's name (`openapi.name_field`).
NewStep = Annotated[
    Annotated[EmailStep, Tag("(email)")]
    | Annotated[WaitStep, Tag("(wait)")]
    | Annotated[TaskStep, Tag("(task)")]
    | Annotated[ConditionStep, Tag("(condition)")]
    | Annotated[EndStep, Tag("(end)")],
    Discriminator(
        _tell_kind, custom_error_type="step",
        custom_error_message="must be an object with a `kind`: email, wait, task, condition or end",
    ),
]  # fmt: skip


class Trigger(Strict):
    """What starts a trigger campaign for a person."""

    kind: Annotated[EventKind, Field(strict=False)]
    contains: Annotated[
        Line, StringConstraints(max_length=WORDS_LENGTH), Field(description="Words of subject, page or link.")
    ] = ""


class CampaignFields(Strict):
    """What a draft says beside its name."""

    sender: Annotated[Sender, Field(strict=False, description="`owner`: each person's owner sends to them.")] = (
        Sender.MAILBOX
    )
    mailbox_id: Annotated[Id | None, Field(description="Which of your mailboxes sends; by default your first.")] = None
    audience: Audience = {}
    trigger: Trigger | None = None
    recurrence: Annotated[Recurrence, Field(strict=False)] = Recurrence.ONCE
    days: Annotated[
        list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7, description="1 is Monday.")
    ] = [1, 2, 3, 4, 5]
    window_start: Clock = "09:00"
    window_end: Clock = "17:00"
    zone_of: Annotated[Literal["sender", "recipient"], Field(description="By whose clock.")] = "sender"
    per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE, description="Per mailbox.")] = 10
    per_day: Annotated[int, Field(ge=1, le=MOST_PER_DAY, description="Per mailbox.")] = 400
    stops_on_click: bool = False
    stops_on_meeting: bool = True
    pauses_company: bool = False
    winner_sample: Annotated[int, Field(ge=10, le=100_000)] = 50
    steps: Annotated[list[NewStep], Field(max_length=MOST_STEPS)] = []


class NewCampaign(CampaignFields):
    """A draft to add, with its steps."""

    name: CampaignName
    kind: Annotated[CampaignKind, Field(strict=False)] = CampaignKind.BATCH


class CampaignChange(CampaignFields):
    """What is to be different of a draft; what is not named stays."""

    name: CampaignName = ""


class NewConfirmation(Strict):
    """When to start."""

    starts_at: Annotated[
        Time | None, Field(strict=False, description="In ten seconds at the earliest (RFC 3339), by default then.")
    ] = None


class NewEnrolment(Strict):
    """Who is to begin."""

    person_id: Id


class NewSkip(Strict):
    """Which step is not to be done for this person."""

    position: Annotated[Position, Field(description="The step that they wait for: so that asking twice skips once.")]
