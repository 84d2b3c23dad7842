"""Tables of policies, suppressed addresses, soft bounces, choices, the consent ledger, erasures, legal texts."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime

RETENTION_DAYS = 90


class Mode(StrEnum):
    """What a mail may tell of its readers: who read it, only how many did, or nothing."""

    INDIVIDUAL = "individual"
    AGGREGATE = "aggregate"
    OFF = "off"


class Unsubscribing(StrEnum):
    """Which mail carries the headers and the link to unsubscribe; campaign mail always does."""

    CAMPAIGNS = "campaigns"
    ALWAYS = "always"


class WorkspacePolicy(SQLModel, table=True):
    """What a workspace collects. With `pixels_need_consent`, only the mail of people who agreed carries a pixel.

    `has_notice` puts the link “what this sender sees about you” into tracked mail. Of events up to `forgotten_event_id`
    the evidence is older than `retention_days` and deleted.
    """

    __tablename__ = "workspace_policy"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    mode: str = Mode.INDIVIDUAL
    pixels_need_consent: bool = False
    has_notice: bool = True
    unsubscribing: str = Unsubscribing.CAMPAIGNS
    retention_days: int = RETENTION_DAYS
    forgotten_event_id: int = 0
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class MailboxPolicy(SQLModel, table=True):
    """The mode of one mailbox, where it is another one than the workspace's."""

    __tablename__ = "mailbox_policy"

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    mode: str


class Reason(StrEnum):
    """Why an address gets no mail any more."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    BY_MEMBER = "by_member"
    ERASED = "erased"


class Suppression(SQLModel, table=True):
    """An address that a workspace does not write to. Of an erased person only the keyed hash is left."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "address_hash"),
        Index("ix_suppression_newest", "workspace_id", "suppressed_at", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    address_hash: str
    address: str | None = None
    reason: str
    source: str = ""
    suppressed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class SoftBounces(SQLModel, table=True):
    """How often in a row mail to an address came back for the time being; a success deletes the row."""

    __tablename__ = "soft_bounces"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    address: str = Field(primary_key=True)
    count: int = 0
    last_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Purpose(StrEnum):
    """What somebody agrees or objects to: being written to, and being noticed when they read."""

    MAIL = "mail"
    TRACKING = "tracking"


class Answer(StrEnum):
    """What they said."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Way(StrEnum):
    """How they said it."""

    MEMBER = "member"
    API = "api"
    IMPORT = "import"
    FORM = "form"
    PAGE = "page"
    ONE_CLICK = "one_click"


class TrackingChoice(SQLModel, table=True):
    """The last thing that the ledger says about an address and tracking; no row: nothing was said."""

    __tablename__ = "tracking_choice"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    address_hash: str = Field(primary_key=True)
    answer: str


class ConsentEntry(SQLModel, table=True):
    """One line of the consent ledger: never changed; erasing a person leaves the hash of the address.

    The proof: which text was shown in which version, by whom it was noted, and keyed hashes of IP address and agent.
    """

    __tablename__ = "consent_entry"
    __table_args__: Any = (Index("ix_consent_entry_address", "workspace_id", "address_hash", "id"),)

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    address_hash: str
    address: str | None = None
    purpose: str
    answer: str
    way: str
    said_at: datetime = Field(sa_type=UtcDateTime)
    noted_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    member_id: int | None = Field(default=None, foreign_key="member.id")
    text_shown: str = Field(default="", sa_type=Text)
    text_version: str = ""
    note: str = Field(default="", sa_type=Text)
    ip_hash: str = ""
    agent_hash: str = ""


class Erasure(SQLModel, table=True):
    """An address that asked to be erased; the row goes when that is done."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id")
    address: str
    wanted_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class LegalText(SQLModel, table=True):
    """What a workspace says on its legal page in one language; without a row the default text stands there."""

    __tablename__ = "legal_text"

    workspace_id: int = Field(primary_key=True, foreign_key="workspace.id")
    locale: str = Field(primary_key=True)
    text: str = Field(sa_type=Text)
    changed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
