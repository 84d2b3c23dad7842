"""The shapes of consent, as programs send and get it; OpenAPI is made from them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic import field_validator as check

from server.api.shapes.inputs import Line, Taken, Time
from server.clock import now
from server.consent.models import Answer, Purpose, Reason, Way

Text = Annotated[str, StringConstraints(max_length=4000)]
Short = Annotated[Line, StringConstraints(max_length=200)]


class NewConsent(Taken):
    """What somebody said, and what shows it. Of `ip` and `agent` only keyed hashes are kept."""

    model_config = ConfigDict(strict=True)

    purpose: Annotated[
        Literal["mail", "tracking"], Field(description="Being written to, or being noticed when they read.")
    ]
    answer: Literal["given", "withdrawn"]
    way: Annotated[Literal["api", "form", "import"], Field(description="How they said it.")] = "api"
    said_at: Annotated[Time | None, Field(description="When; by default now.", strict=False)] = None
    text_shown: Annotated[Text, Field(description="The text to which they said it.")] = ""
    text_version: Short = ""
    note: Text = ""
    ip: Short = ""
    agent: Annotated[Line, StringConstraints(max_length=512)] = ""

    @check("text_shown", "note")
    @classmethod
    def _refuse_nul(cls, text: str, _info: ValidationInfo) -> str:
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("holds a character that is none")
        return text

    @check("said_at")
    @classmethod
    def _refuse_future(cls, at: datetime | None) -> datetime | None:
        if at is not None and at > now():
            raise ValueError("is in the future")
        return at


class ConsentLine(BaseModel):
    """One line of the ledger."""

    id: int
    address: str | None
    purpose: Purpose
    answer: Answer
    way: Way
    said_at: datetime
    noted_at: datetime
    text_shown: str
    text_version: str
    note: str


class ConsentRecord(BaseModel):
    """What holds for a person, and the newest lines of the ledger."""

    suppressed: dict[str, Reason] = Field(description="Which of their addresses get no mail, and why.")
    tracking: Answer | None = Field(description="What they last said about being noticed; null: nothing.")
    entries: list[ConsentLine]
