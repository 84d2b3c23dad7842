"""The first admin: a single-use link, printed at the first start, that makes the workspace and signs its admin in."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlmodel import Session, col, select

from server.accounts.fields import read_name, read_time_zone
from server.accounts.invitations import usable, use_up
from server.accounts.members import add_member
from server.accounts.models import Invitation, Member, Role, Workspace
from server.accounts.passwords import hash_password
from server.clock import now
from server.config import Settings
from server.consent.policy import state_policy
from server.errors import Refused
from server.keys import hash_token, make_token

LIFETIME_DAYS = 7


def find_or_make_setup_link(session: Session, settings: Settings) -> str | None:
    """Return a new link to set up the first workspace, or None when there is one (a demo does not count).

    Only its hash is kept, so a later start cannot print the same link again: it makes a new one, and the old one ends.
    """
    if has_workspace(session):
        return None
    session.exec(delete(Invitation).where(col(Invitation.workspace_id).is_(None)))
    token = make_token()
    expires_at = now() + timedelta(days=LIFETIME_DAYS)
    session.add(Invitation(role=Role.ADMIN, token_hash=hash_token(token), expires_at=expires_at))
    session.flush()
    return f"{settings.base_url}/setup/{token}"


def has_workspace(session: Session) -> bool:
    """Return whether a workspace that is not the demo exists."""
    return session.exec(select(Workspace.id).where(col(Workspace.is_demo).is_(False)).limit(1)).first() is not None


def get_setup(session: Session, token: str) -> Invitation:
    """Return the set-up that a link opens; refuses one that was used, replaced by a later start, or is too old."""
    chosen = select(Invitation).where(
        Invitation.token_hash == hash_token(token), col(Invitation.workspace_id).is_(None), *usable()
    )
    if (setup := session.exec(chosen).first()) is None:
        raise Refused(
            _("This set-up link was already used, is too old, or a later start of Warmline printed a newer one."),
            status=410,
        )
    return setup


def set_up(
    session: Session, token: str, workspace_name: str, time_zone: str, name: str, email: str, password: str,
    *, reaches_europe: bool = True,
) -> Member:  # fmt: skip
    """Make the workspace and its first admin, once; whoever comes second is refused.

    Where its mail `reaches_europe`, openings show only of people who agreed to it (docs/privacy.md).
    """
    setup = get_setup(session, token)
    password_hash = hash_password(password, email)
    use_up(session, setup)
    workspace = Workspace(name=read_name(workspace_name, "workspace_name"), time_zone=read_time_zone(time_zone))
    session.add(workspace)
    session.flush()
    state_policy(session, workspace.id, reaches_europe)
    return add_member(session, workspace.id, email, name, Role.ADMIN, password_hash=password_hash)
