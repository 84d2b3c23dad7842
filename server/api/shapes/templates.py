"""The shapes of templates and snippets in the REST API; OpenAPI is made from them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from server.api.shapes.inputs import Line, Taken
from server.library.models import TemplateKind
from server.library.queries import SEARCH_LENGTH
from server.library.templates import MOST_CHARACTERS, NAME_LENGTH, SUBJECT_LENGTH


def _refuse_unprintable(text: str) -> str:
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that is none")
    return text


Text = AfterValidator(_refuse_unprintable)
Name = Annotated[Line, StringConstraints(min_length=1, max_length=NAME_LENGTH), Text]
Subject = Annotated[Line, StringConstraints(max_length=SUBJECT_LENGTH), Text, Field(description="A snippet has none.")]
Html = Annotated[
    str, StringConstraints(max_length=MOST_CHARACTERS), Text,
    Field(description="Formatted text with fields: `{{first_name}}`, `{{company|your firm}}`."),
]  # fmt: skip


class TemplatesQuery(Taken):
    """Which templates, the newest first: yours and those that your team shares."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    of: Annotated[
        Literal["all", "own", "team"], Field(description="`own` are yours, `team` those that are shared.")
    ] = "all"
    kind: TemplateKind | None = None
    q: Annotated[str, StringConstraints(max_length=SEARCH_LENGTH), Field(description="What name or subject holds.")] = (
        ""
    )


class NewTemplate(Taken):
    """A template or snippet to add."""

    model_config = ConfigDict(strict=True)

    kind: Annotated[TemplateKind, Field(strict=False)] = TemplateKind.TEMPLATE
    name: Name
    subject: Subject = ""
    html: Html
    is_shared: Annotated[bool, Field(description="Whether the whole team may use it.")] = False


class TemplateChange(Taken):
    """What is to be different; what is not named stays."""

    model_config = ConfigDict(strict=True)

    name: Name = ""
    subject: Subject = ""
    html: Html = ""
    is_shared: bool = False


class TemplateAnswer(BaseModel):
    """A template or snippet."""

    id: int
    kind: TemplateKind
    name: str
    subject: str
    html: str
    is_shared: bool
    owner_id: int
    fields: list[str] = Field(description="The fields that it names, each once.")
    created_at: datetime
    updated_at: datetime


class TemplatePage(BaseModel):
    """A page of templates."""

    items: list[TemplateAnswer]
    next: str | None
