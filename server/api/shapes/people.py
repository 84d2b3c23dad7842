"""The shapes of people, as programs send and get them; OpenAPI is made from them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.api.shapes.inputs import Id, Line, ListQuery, Taken
from server.api.shapes.reports import Email
from server.people.addresses import MOST as MOST_ADDRESSES
from server.people.fields import CUSTOM_LENGTH, LINE_LENGTH, NOTES_LENGTH

ShortLine = Annotated[Line, StringConstraints(max_length=LINE_LENGTH)]
Notes = Annotated[str, StringConstraints(max_length=NOTES_LENGTH)]
Custom = Annotated[
    dict[str, Annotated[Line, StringConstraints(max_length=CUSTOM_LENGTH)]],
    Field(max_length=50, description="Values of the workspace's own fields, by name; an empty one is forgotten."),
]


class PeopleQuery(ListQuery):
    """Which people."""

    q: Annotated[
        Annotated[Line, StringConstraints(min_length=1)] | None,
        Field(description="Who is found by the beginning of a word of the name or company, of an address or a phone."),
    ] = None
    owner: Annotated[
        str | None,
        StringConstraints(pattern=r"^(me|none|[1-9][0-9]{0,8})$"),
        Field(description="Whose: `me`, `none`, or a member's id. By default yours and nobody's."),
    ] = None
    email: Annotated[
        Annotated[Line, StringConstraints(min_length=1)] | None, Field(description="Only who has exactly this address.")
    ] = None


class PersonFields(Taken):
    """What may be said about a person."""

    model_config = ConfigDict(strict=True)

    name: ShortLine = ""
    company: ShortLine = ""
    job_title: ShortLine = ""
    phone: ShortLine = ""
    linkedin_url: Annotated[ShortLine, Field(description="An address at www.linkedin.com: /in/… or /company/…")] = ""
    notes: Notes = ""
    custom: Custom = {}
    owner_id: Annotated[Id | None, Field(description="Which member owns them; null for nobody.")] = None


class NewPerson(PersonFields):
    """A person to add; without `owner_id` they are yours."""

    email: Email


class PersonChange(PersonFields):
    """What is to change; what is not named stays."""

    emails: Annotated[
        list[Email],
        Field(min_length=1, max_length=MOST_ADDRESSES, description="All addresses, the main one first."),
    ] = []


class PersonRecord(BaseModel):
    """A person as the workspace knows them."""

    id: int
    name: str
    emails: list[str] = Field(description="The main one first.")
    company: str
    job_title: str
    phone: str
    linkedin_url: str
    notes: str
    custom: dict[str, str]
    owner_id: int | None
    created_at: datetime
    updated_at: datetime


class PeoplePage(BaseModel):
    """A page of people."""

    items: list[PersonRecord]
    next: str | None
