"""Invitations: single-use links by which people join a workspace. Only a link's hash is kept; no mail is sent."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from server.accounts.fields import read_email
from server.accounts.members import add_member, find_member
from server.accounts.models import Invitation, Member, Role
from server.accounts.passwords import hash_password
from server.clock import now
from server.errors import Refused
from server.keys import hash_token, make_token

LIFETIME_DAYS = 7


def invite(session: Session, workspace_id: int, email: str, role: str) -> str:
    """Add an invitation in place of an older one to the same address, and return the secret of its link."""
    email = read_email(email)
    if role not in list(Role):
        raise Refused(_("“%(role)s” is not a role. Choose rep, manager or admin.", role=role), field="role")
    if (member := find_member(session, email)) is not None:
        if member.workspace_id == workspace_id and not member.is_active:
            raise Refused(_("%(email)s was deactivated. Reactivate them in the list.", email=email), field="email")
        raise Refused(_("%(email)s is already a member.", email=email), field="email")
    session.exec(delete(Invitation).where(col(Invitation.workspace_id) == workspace_id, col(Invitation.email) == email))
    token = make_token()
    session.add(
        Invitation(
            workspace_id=workspace_id, email=email, role=Role(role), token_hash=hash_token(token),
            expires_at=now() + timedelta(days=LIFETIME_DAYS),
        )
    )  # fmt: skip
    session.flush()
    return token


def list_invitations(session: Session, workspace_id: int) -> list[Invitation]:
    """Return a workspace's invitations that can still be used, the newest first."""
    chosen = select(Invitation).where(Invitation.workspace_id == workspace_id, *usable())
    return list(session.exec(chosen.order_by(col(Invitation.id).desc())).all())


def revoke_invitation(session: Session, workspace_id: int, invitation_id: int) -> None:
    """Delete an invitation of this workspace; its link opens nothing any more. One that is gone is fine."""
    session.exec(
        delete(Invitation).where(
            col(Invitation.id) == invitation_id,
            col(Invitation.workspace_id) == workspace_id,
            col(Invitation.used_at).is_(None),
        )
    )


def get_invitation(session: Session, token: str) -> Invitation:
    """Return the invitation that a link opens; refuses one that was used, revoked, or is too old."""
    chosen = select(Invitation).where(
        Invitation.token_hash == hash_token(token), col(Invitation.workspace_id).is_not(None), *usable()
    )
    if (invitation := session.exec(chosen).first()) is None:
        raise Refused(
            _("This invitation was already used, was revoked, or is older than %(days)s days. Ask for a new one.",
              days=LIFETIME_DAYS), status=410,
        )  # fmt: skip
    return invitation


def find_invitation_of(session: Session, email: str) -> Invitation | None:
    """Return the newest usable invitation to an address that is known to be its owner's."""
    chosen = select(Invitation).where(Invitation.email == email, col(Invitation.workspace_id).is_not(None), *usable())
    return session.exec(chosen.order_by(col(Invitation.id).desc())).first()


def accept(session: Session, token: str, name: str, password: str) -> Member:
    """Add the invited member with a password; of two who use the link at once, one joins."""
    invitation = get_invitation(session, token)
    password_hash = hash_password(password, invitation.email or "")
    return join(session, invitation, name, password_hash=password_hash)


def join(
    session: Session,
    invitation: Invitation,
    name: str,
    *,
    password_hash: str | None = None,
    google_subject: str | None = None,
) -> Member:
    """Use up an invitation and add its member."""
    use_up(session, invitation)
    return add_member(
        session, invitation.workspace_id or 0, invitation.email or "", name, invitation.role,
        password_hash=password_hash, google_subject=google_subject,
    )  # fmt: skip


def use_up(session: Session, invitation: Invitation) -> None:
    """Mark an invitation as used; refused to all but one of those who try at once."""
    used = session.exec(
        update(Invitation)
        .where(col(Invitation.id) == invitation.id, *usable())
        .values(used_at=now())
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:
        raise Refused(_("This link was used a moment ago. It works once."), status=410)


def usable() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which an invitation still opens something."""
    return (col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now())
