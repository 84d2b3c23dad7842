"""Whose engagement a member may see (F16): their own, or their team's where they may and ask for it."""

from dataclasses import dataclass

from sqlmodel import Session

from server.accounts.models import Member, Role, Workspace


@dataclass(frozen=True, slots=True)
class Scope:
    """What a read is confined to: one member's rows, or with `member_id` None the whole workspace's."""

    workspace_id: int
    member_id: int | None


def may_see_team(session: Session, member: Member) -> bool:
    """Return whether `member` may see what is their colleagues': managers and admins, where the workspace allows."""
    if member.role not in (Role.MANAGER, Role.ADMIN):
        return False
    workspace = session.get(Workspace, member.workspace_id)
    return workspace is not None and workspace.managers_see_team


def scope_of(session: Session, member: Member, team: bool = False) -> Scope:
    """Return what `member` reads: their own rows, or the workspace's where `team` is asked for and allowed."""
    return Scope(member.workspace_id, None if team and may_see_team(session, member) else member.id)
