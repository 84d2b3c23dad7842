"""The shapes of documents and their links in the REST API; OpenAPI is made from them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from server.api.shapes.inputs import Line, Taken
from server.documents.links import NAME_LENGTH
from server.documents.models import FileKind, VersionState

SEARCH_LENGTH = 100


class DocumentsQuery(Taken):
    """Which documents of the workspace, the newest first."""

    cursor: Annotated[str | None, Field(max_length=400, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many items at most.")] = 50
    q: Annotated[str, StringConstraints(max_length=SEARCH_LENGTH), Field(description="Words that the name holds.")] = ""


class NewFile(Taken):
    """A file: PDF, DOC, DOCX, PPT or PPTX."""

    file: Annotated[Any, WithJsonSchema({"type": "string", "format": "binary"})]


class NewLink(Taken):
    """A link to give to somebody by hand."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=NAME_LENGTH), Field(description="Whom it is for.")]


class DocumentAnswer(BaseModel):
    """A document: the version that its links show, and whether a newer one is on its way."""

    id: str
    name: str
    kind: FileKind
    version: int
    state: VersionState
    failure: str | None = Field(description="Why it has no pages.")
    pages: int
    size_bytes: int
    newest_version: int
    newest_state: VersionState
    created_at: datetime
    updated_at: datetime


class DocumentPage(BaseModel):
    """A page of documents."""

    items: list[DocumentAnswer]
    next: str | None


class LinkAnswer(BaseModel):
    """A new link."""

    id: int
    name: str
    url: str
