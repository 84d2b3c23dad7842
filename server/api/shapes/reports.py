"""The shapes of engagement that programs send; OpenAPI is made from them."""

import math
from datetime import timedelta
from typing import Annotated, Any, Literal

from email_validator import validate_email
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationInfo, WithJsonSchema
from pydantic import field_validator as check

from server.api.shapes.inputs import LINE_LIMIT, Line, Taken, Time
from server.clock import now
from server.events.models import EventKind
from server.events.record import MARKETING
from server.tracking.tokens import is_wrappable

EVENTS_LIMIT = 500
CLOCKS_DIFFER = timedelta(minutes=1)
OLDEST = timedelta(days=366)
URL_LIMIT = 2000
DETAILS_LIMIT = 20
LARGEST_NUMBER = 2**53  # what every reader of JSON keeps exactly (RFC 8259 §6)


def _read_time(at: Time) -> Time:
    current = now()
    if at > current + CLOCKS_DIFFER:
        raise ValueError("is in the future")
    if at < current - OLDEST:
        raise ValueError("is more than a year ago")
    return min(at, current)


def _read_email(text: str) -> str:
    checked = validate_email(text, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False)
    return (checked.ascii_email or checked.normalized).lower()


def _read_url(url: str) -> str:
    if not is_wrappable(url):
        raise ValueError("is not an http or https address")
    return url


def _read_detail(value: object) -> object:
    if isinstance(value, str):
        if len(value) > LINE_LIMIT:
            raise ValueError(f"is longer than {LINE_LIMIT} characters")
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("holds a character that is none")
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
            raise ValueError("is too large a number")
    elif value is not None:
        raise ValueError("is neither a text, a number, true, false nor null")
    return value


def _refuse_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _tidy(name: str) -> str:
    return " ".join(name.split())


Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
    Field(description="Your name for the fact, unique in the workspace: under one id it is recorded once."),
]
HappenedAt = Annotated[
    Time, AfterValidator(_read_time), Field(description="When it happened: in the last year, not in the future.")
]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_read_email)]
Name = Annotated[Line, StringConstraints(max_length=200), AfterValidator(_tidy)]
Url = Annotated[Line, StringConstraints(max_length=URL_LIMIT), AfterValidator(_read_url)]
Text = Annotated[Line, AfterValidator(_refuse_blank)]
Detail = Annotated[Any, AfterValidator(_read_detail), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Details = Annotated[dict[Annotated[Line, StringConstraints(max_length=64)], Detail], Field(max_length=DETAILS_LIMIT)]
Moment = Literal["email", "web", "milestone"]
MOMENTS = ("email", "web", "milestone")
SentKind = Literal[
    "viewed", "clicked", "web_visited", "interesting_moment", "document_opened", "downloaded", "unsubscribed",
    "complained", "bounced",
]  # fmt: skip


class NewEvent(Taken):
    """One engagement fact. Replies are not taken: Warmline finds them in the mailbox."""

    id: Key
    kind: SentKind
    at: HappenedAt
    email: Annotated[Email, Field(description="Whose engagement it is.")]
    name: Annotated[Name, Field(description="Shown while nobody of this address is in the database.")] = ""
    subject: Annotated[Line, Field(description="What they engaged with: a subject, a page's title, a file.")] = ""
    url: Annotated[Url | None, Field(description="Where they went.")] = None
    details: Annotated[
        Details, Field(description='What else is to be kept; a moment needs `{"moment": …, "text": …}`.')
    ] = {}
    content_kind: Annotated[
        Literal["marketing", "sales"], Field(description="Marketing is marked purple in the feed.")
    ] = MARKETING
    verdict: Annotated[
        Literal["human", "proxy", "machine", "unknown"],
        Field(description="Who did it, as far as you know; what a machine did is hidden and counts nothing."),
    ] = "human"

    @check("details")
    @classmethod
    def _check_moment(cls, details: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if info.data.get("kind") == EventKind.INTERESTING_MOMENT:
            if details.get("moment") not in MOMENTS:
                raise ValueError(f"must say which moment it is: “moment” is one of {', '.join(MOMENTS)}")
            if not isinstance(details.get("text"), str) or not details["text"].strip():
                raise ValueError("must say what happened in “text”")
        return details


class NewEvents(Taken):
    """A batch of facts: what is wrong with one is told by its index, and the others are taken."""

    events: Annotated[
        list[Annotated[NewEvent | Any, Field(union_mode="left_to_right")]],
        Field(min_length=1, max_length=EVENTS_LIMIT),
    ]


class RefusedEvent(BaseModel):
    """What is wrong with one field of one event."""

    index: int = Field(description="The event's place in the request, the first is 0.")
    field: str
    detail: str


class TakenEvents(BaseModel):
    """What became of a batch: recorded now, known from before, refused."""

    accepted: int
    known: int
    refused: list[RefusedEvent]


class NewMoment(Taken):
    """An Interesting Moment: something that a person did and that is worth knowing."""

    id: Key
    email: Annotated[Email, Field(description="Whose moment it is.")]
    name: Name = ""
    kind: Moment
    text: Annotated[Text, Field(description="What happened, in one sentence.")]
    at: HappenedAt
    url: Url | None = None
