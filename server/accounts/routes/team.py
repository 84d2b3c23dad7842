"""The team: who is in the workspace, in which role, and who was invited."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.invitations import invite, list_invitations, revoke_invitation
from server.accounts.members import change_role, deactivate, get_colleague, list_members, reactivate
from server.accounts.models import Member, Role
from server.accounts.routes import bp
from server.config import get_settings
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.security import allow


@bp.get("/team")
@allow("manager")
def show_team() -> ResponseReturnValue:
    """List members and open invitations."""
    return _team()


@bp.post("/team/invitations")
@allow("admin")
def add_invitation() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    session = get_session()
    try:
        token = invite(session, current_user.workspace_id, request.form.get("email", ""), request.form.get("role", ""))
    except Refused as error:
        session.rollback()
        return _team(error=error)
    session.commit()
    return _team(link=f"{get_settings().base_url}/invitations/{token}")


@bp.post("/team/invitations/<int(max=2147483647):invitation_id>/revocation")
@allow("admin")
def end_invitation(invitation_id: int) -> ResponseReturnValue:
    """Make an invitation's link open nothing any more."""
    session = get_session()
    revoke_invitation(session, current_user.workspace_id, invitation_id)
    session.commit()
    return _changed(_("The invitation is revoked."))


@bp.post("/team/members/<int(max=2147483647):member_id>/role")
@allow("admin")
def set_role(member_id: int) -> ResponseReturnValue:
    """Give a member another role."""
    session = get_session()
    member = get_colleague(session, current_user.workspace_id, member_id)
    change_role(session, member, request.form.get("role", ""))
    session.commit()
    return _changed(_("%(name)s has a new role and signs in again to use it.", name=_name(member)))


@bp.post("/team/members/<int(max=2147483647):member_id>/deactivation")
@allow("admin")
def close_account(member_id: int) -> ResponseReturnValue:
    """Let a member in no more."""
    session = get_session()
    member = get_colleague(session, current_user.workspace_id, member_id)
    deactivate(session, member)
    session.commit()
    return _changed(_("%(name)s is deactivated. “Reactivate” undoes it.", name=_name(member)))


@bp.post("/team/members/<int(max=2147483647):member_id>/reactivation")
@allow("admin")
def open_account(member_id: int) -> ResponseReturnValue:
    """Let a deactivated member in again."""
    session = get_session()
    member = get_colleague(session, current_user.workspace_id, member_id)
    reactivate(session, member)
    session.commit()
    return _changed(_("%(name)s is active again.", name=_name(member)))


def _name(member: Member) -> str:
    return member.name or member.email


def _changed(said: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return _team(said=said)
    flash(said)
    return redirect("/team", 303)


def _team(error: Refused | None = None, said: str = "", link: str = "") -> ResponseReturnValue:
    session = get_session()
    template = "accounts/_team.html" if is_partial_wanted() else "accounts/team.html"
    page = render_template(
        template,
        members=list_members(session, current_user.workspace_id),
        invitations=list_invitations(session, current_user.workspace_id),
        roles=list(Role), error=error, said=said, link=link, form=request.form if error else {},
    )  # fmt: skip
    return page, error.status if error else 200
