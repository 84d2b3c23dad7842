"""Members of a workspace: found, made, changed, deactivated; there is always one active admin."""

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from server.accounts.browser_sessions import end_sessions
from server.accounts.fields import read_email, read_name, read_time_zone
from server.accounts.models import Member, Role
from server.accounts.tokens import announce_tokens
from server.clock import now
from server.errors import Refused
from server.gmail import mailboxes
from server.i18n import LOCALES


def find_member(session: Session, email: str) -> Member | None:
    """Return the member with this email address, in any case of letters."""
    if not email.isprintable():
        return None  # PostgreSQL has no NUL in a text
    return session.exec(select(Member).where(Member.email == email.strip().lower())).first()


def get_colleague(session: Session, workspace_id: int, member_id: int) -> Member:
    """Return a member of this workspace; refuses one who is not in it, as if there were none."""
    member = session.get(Member, member_id)
    if member is None or member.workspace_id != workspace_id:
        raise Refused(_("There is no such member in your workspace."), status=404)
    return member


def list_members(session: Session, workspace_id: int) -> list[Member]:
    """Return a workspace's members, the active ones first, by name."""
    members = session.exec(select(Member).where(Member.workspace_id == workspace_id)).all()
    return sorted(members, key=lambda member: (not member.is_active, (member.name or member.email).casefold()))


def add_member(
    session: Session,
    workspace_id: int,
    email: str,
    name: str,
    role: str,
    *,
    password_hash: str | None = None,
    google_subject: str | None = None,
) -> Member:
    """Add a member; refuses an email address that somebody on this installation has already."""
    email = read_email(email)
    if find_member(session, email) is not None:
        raise Refused(_("%(email)s is already a member. Sign in instead.", email=email), field="email", status=409)
    member = Member(
        workspace_id=workspace_id, email=email, name=read_name(name), role=Role(role),
        password_hash=password_hash, google_subject=google_subject,
    )  # fmt: skip
    session.add(member)
    session.flush()
    return member


def change_role(session: Session, member: Member, role: str) -> None:
    """Give a member another role; it takes effect at once, because their sessions end."""
    if role not in list(Role):
        raise Refused(_("“%(role)s” is not a role. Choose rep, manager or admin.", role=role), field="role")
    if role == member.role:
        return
    if role != Role.ADMIN:
        _keep_an_admin(session, member)
    member.role = Role(role)
    session.add(member)
    _end_everything(session, member)


def deactivate(session: Session, member: Member) -> None:
    """Let a member in no more, by any way; nothing of theirs is deleted, so that `reactivate` undoes it."""
    _keep_an_admin(session, member)
    member.deactivated_at = member.deactivated_at or now()
    session.add(member)
    mailboxes.pause(session, member.id)
    _end_everything(session, member)


def reactivate(session: Session, member: Member) -> None:
    """Let a deactivated member in again."""
    member.deactivated_at = None
    session.add(member)
    mailboxes.resume(session, member.id)
    session.flush()


def change_profile(session: Session, member: Member, name: str, locale: str, time_zone: str) -> None:
    """Change what a member decides for themselves; an empty locale or time zone follows browser or workspace."""
    if locale and locale not in LOCALES:
        raise Refused(_("Warmline does not speak “%(locale)s” yet.", locale=locale), field="locale")
    member.name = read_name(name)
    member.locale = locale or None
    member.time_zone = read_time_zone(time_zone) if time_zone else None
    session.add(member)
    session.flush()


def _keep_an_admin(session: Session, member: Member) -> None:
    """Refuse to lose the last active admin; the lock lets two admins not demote each other at once."""
    chosen = select(Member.id).where(
        Member.workspace_id == member.workspace_id, Member.role == Role.ADMIN, col(Member.deactivated_at).is_(None)
    )
    if session.exec(chosen.with_for_update()).all() == [member.id]:
        name = member.name or member.email
        raise Refused(_("%(name)s is the only admin. Make somebody else an admin first.", name=name), status=409)


def _end_everything(session: Session, member: Member) -> None:
    session.flush()
    end_sessions(session, member.id)
    announce_tokens(session, member.id)
