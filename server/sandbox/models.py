"""The switch of the simulated recipients."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime


class RecipientsSwitch(SQLModel, table=True):
    """One row, or none while nobody has touched the switch: then the recipients are on."""

    __tablename__ = "recipients_switch"

    id: int = Field(default=1, primary_key=True)
    is_on: bool
    switched_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
