"""Tables of workspaces, members, browser sessions, invitations, access tokens and known devices."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_login import UserMixin
from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from server.clock import now
from server.db import UtcDateTime
from server.security import ROLES


class Role(StrEnum):
    """What a member may do; each role includes those before it."""

    REP, MANAGER, ADMIN = ROLES


class TokenKind(StrEnum):
    """What an access token is for: programs (`api`) or one paired device (`device`)."""

    API = "api"
    DEVICE = "device"


def make_sender_key() -> str:
    """Return the path segment under which all pixels and links of one member stand."""
    return secrets.token_hex(6)


class Workspace(SQLModel, table=True):
    """A team on one installation."""

    id: int = Field(default=None, primary_key=True)
    name: str
    time_zone: str = "UTC"
    is_demo: bool = False
    managers_see_team: bool = True
    sets_honeypots: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Member(UserMixin, SQLModel, table=True):  # type: ignore[misc]
    """A user of a workspace. `email` is unique on the installation and lower case."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int = Field(foreign_key="workspace.id", index=True)
    email: str = Field(unique=True)
    name: str = ""
    role: str = Role.REP
    password_hash: str | None = None
    google_subject: str | None = Field(default=None, unique=True)
    locale: str | None = None
    time_zone: str | None = None
    sender_key: str = Field(default_factory=make_sender_key, unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    deactivated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def is_active(self) -> bool:
        """Whether the member may sign in (flask-login asks)."""
        return self.deactivated_at is None


class BrowserSession(SQLModel, table=True):
    """One browser's session; deleting the row signs it out. The cookie holds the token, the row its hash."""

    id: int = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    member_id: int | None = Field(default=None, foreign_key="member.id", index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    user_agent: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Invitation(SQLModel, table=True):
    """A single-use link to join; without a workspace it sets up the first one and its admin."""

    id: int = Field(default=None, primary_key=True)
    workspace_id: int | None = Field(default=None, foreign_key="workspace.id", index=True)
    email: str | None = None
    role: str = Role.REP
    token_hash: str = Field(unique=True)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AccessToken(SQLModel, table=True):
    """A bearer token of a program or a paired device; only its hash is kept."""

    id: int = Field(default=None, primary_key=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    kind: str = TokenKind.API
    name: str
    token_hash: str = Field(unique=True)
    ends_with: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Device(SQLModel, table=True):
    """A browser in which a member has signed in at least once; what it fetches is never engagement (T12)."""

    id: str = Field(primary_key=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    first_seen_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
