"""The shapes of what the REST API takes; requests are checked against them and OpenAPI is made from them."""

import re
from datetime import UTC
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from server.events.models import EventKind, Verdict

LARGEST_ID = 2**31 - 1
LARGEST_EVENT_ID = 2**63 - 1
HTML_LIMIT = 2_000_000
LINE_LIMIT = 998  # RFC 5322 §2.1.1
RECIPIENT_LIMIT = 500


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    return text


def _refuse_number(value: object) -> object:
    if not re.match(r"\d{4}-\d\d-\d\d", str(value)):
        raise ValueError("is not a time such as 2026-03-02T09:00:00Z (RFC 3339)")
    return value


def _to_utc(at: AwareDatetime) -> AwareDatetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999") from error


Html = Annotated[str, StringConstraints(max_length=HTML_LIMIT), AfterValidator(_refuse_nul)]
Line = Annotated[str, StringConstraints(max_length=LINE_LIMIT), AfterValidator(_refuse_nul)]
Time = Annotated[AwareDatetime, AfterValidator(_to_utc), BeforeValidator(_refuse_number)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
EventId = Annotated[int, Field(ge=0, le=LARGEST_EVENT_ID)]


class Taken(BaseModel):
    """What a caller sends: a field or parameter that is not known here is refused by name."""

    model_config = ConfigDict(extra="forbid")


class NoQuery(Taken):
    """No query parameters."""


class ListQuery(Taken):
    """Which page of a list, and whose."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    scope: Annotated[
        Literal["own", "team"], Field(description="`team` shows managers what belongs to the whole workspace.")
    ] = "own"


class EventsQuery(ListQuery):
    """Which events, and in which order."""

    kind: Annotated[list[EventKind] | None, Field(description="Only these kinds; may be repeated.")] = None
    verdict: Annotated[list[Verdict] | None, Field(description="Only these verdicts; may be repeated.")] = None
    message: Annotated[Id | None, Field(description="Only events of this message.")] = None
    person: Annotated[Id | None, Field(description="Only events of this person.")] = None
    since: Annotated[Time | None, Field(description="Only what happened at or after this time (RFC 3339).")] = None
    until: Annotated[Time | None, Field(description="Only what happened before this time (RFC 3339).")] = None
    include_machine: Annotated[
        bool, Field(description="Whether views and clicks by machines and by yourself are listed too.")
    ] = True
    after: Annotated[
        EventId | None,
        Field(
            description="Follow the log: events recorded after the one with this id, oldest first, in the order in "
            "which they were recorded. Start with 0; not together with `cursor`."
        ),
    ] = None


class Mailable(Taken):
    """One address, with the name to write before it."""

    model_config = ConfigDict(strict=True)

    email: Annotated[str, StringConstraints(max_length=254, pattern=r"^[^<>\",;\\\s\x00-\x1f]+$")]
    name: Line = ""


def _tell_address(value: object) -> str | None:
    return "(text)" if isinstance(value, str) else "(object)" if isinstance(value, dict | Mailable) else None


def _tell_addresses(value: object) -> str | None:
    return "(list)" if isinstance(value, list) else _tell_address(value)


# Tags keep the error of the branch that was meant; `openapi.name_field` leaves them out of a field's name.
AsText = Annotated[Line, Tag("(text)")]
AsObject = Annotated[Mailable, Tag("(object)")]
Address = Annotated[
    AsText | AsObject,
    Discriminator(_tell_address, custom_error_type="address", custom_error_message="must be a string or {email, name}"),
]
Addresses = Annotated[
    AsText | AsObject | Annotated[list[Address], Field(max_length=RECIPIENT_LIMIT), Tag("(list)")],
    Discriminator(
        _tell_addresses, custom_error_type="addresses", custom_error_message="must be one address or a list of them"
    ),
]


class NewMessage(Taken):
    """An email to send. An address is `a@b.example`, `Name <a@b.example>` or `{"email": …, "name": …}`."""

    model_config = ConfigDict(strict=True)

    mailbox_id: Annotated[Id | None, Field(description="Which linked mailbox sends; by default your only one.")] = None
    to: Annotated[Addresses, Field(description="One address or several.")]
    cc: Annotated[Addresses, Field(description="One address, several or none.")] = []
    subject: Line = ""
    html: Html = ""
    text: Annotated[Html, Field(description="Instead of `html`: a mail of text only, which cannot be tracked.")] = ""
    individually: Annotated[bool, Field(description="A copy of its own, with pixel and links, for each recipient.")] = (
        False
    )
    track_views: bool = True
    track_clicks: bool = True
    merges: Annotated[bool, Field(description="Fill in `{{fields}}` for each recipient; without, braces are text.")] = (
        False
    )


class NewMessageHeaders(BaseModel):
    """Headers of a send."""

    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes the send happen once: the same key with the same body answers the same message.",
        ),
    ] = None
