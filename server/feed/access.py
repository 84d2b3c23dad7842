"""Whether those who listen still may: their session, token, account and role, asked for many at once."""

from collections.abc import Collection, Iterable

from sqlmodel import Session, col, select

from server.accounts.models import AccessToken, BrowserSession, Member, Role, Workspace
from server.clock import now
from server.feed.tickets import Ticket


def find_refused(session: Session, tickets: Iterable[Ticket]) -> set[Ticket]:
    """Return those of `tickets` whose holder may listen no more; three reads, however many there are."""
    tickets = list(tickets)
    sessions = _living_sessions(session, {ticket.session_id for ticket in tickets if ticket.session_id is not None})
    tokens = _living_tokens(session, {ticket.token_id for ticket in tickets if ticket.token_id is not None})
    teams = _members_by_team_sight(session, {ticket.member_id for ticket in tickets})
    return {
        ticket
        for ticket in tickets
        if not (ticket.session_id in sessions or ticket.token_id in tokens)
        or ticket.member_id not in teams
        or (ticket.is_team and not teams[ticket.member_id])
    }


def _living_sessions(session: Session, ids: Collection[int]) -> set[int | None]:
    chosen = select(BrowserSession.id).where(col(BrowserSession.id).in_(ids), BrowserSession.expires_at > now())
    return set(session.exec(chosen).all()) if ids else set()


def _living_tokens(session: Session, ids: Collection[int]) -> set[int | None]:
    chosen = select(AccessToken.id).where(col(AccessToken.id).in_(ids), col(AccessToken.revoked_at).is_(None))
    return set(session.exec(chosen).all()) if ids else set()


def _members_by_team_sight(session: Session, ids: Collection[int]) -> dict[int | None, bool]:
    chosen = (
        select(Member.id, Member.role, Workspace.managers_see_team)
        .join(Workspace, col(Workspace.id) == Member.workspace_id)
        .where(col(Member.id).in_(ids), col(Member.deactivated_at).is_(None))
    )
    return {member_id: sees and role != Role.REP for member_id, role, sees in session.exec(chosen).all()}
