"""What a member sets for themselves, and an admin for the workspace."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.browser_sessions import end_session, end_sessions, list_sessions
from server.accounts.fields import list_time_zones
from server.accounts.members import change_profile
from server.accounts.models import Workspace
from server.accounts.passwords import change_password
from server.accounts.routes import bp
from server.accounts.routes.entry import ACCOUNT_LIMIT, say_when_again
from server.accounts.session import get_member, session_id
from server.accounts.workspaces import change_workspace
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.i18n import LOCALES
from server.limits import limiter
from server.security import allow


@bp.get("/settings")
@allow("rep")
def show_settings() -> ResponseReturnValue:
    """Lead to the first page of the settings."""
    return redirect("/settings/profile")


@bp.get("/settings/profile")
@allow("rep")
def show_profile() -> ResponseReturnValue:
    """Show a member's name, language, password and sessions."""
    return _profile()


@bp.post("/settings/profile")
@allow("rep")
def set_profile() -> ResponseReturnValue:
    """Change a member's name, language and time zone."""
    session, form = get_session(), request.form
    try:
        change_profile(
            session, get_member(session), form.get("name", ""), form.get("locale", ""), form.get("time_zone", "")
        )
    except Refused as error:
        return _profile(error)
    session.commit()
    return _saved("/settings/profile")


@bp.post("/settings/password")
@allow("rep")
@limiter.limit(ACCOUNT_LIMIT, error_message=say_when_again)
def set_password() -> ResponseReturnValue:
    """Change a member's password and sign them out everywhere else."""
    session, form = get_session(), request.form
    try:
        change_password(
            session, get_member(session), form.get("current", ""), form.get("password", ""), keep_session=session_id()
        )
    except Refused as error:
        return _profile(error)
    session.commit()
    flash(_("Your password is changed. All your other browsers are signed out."))
    return redirect("/settings/profile", 303)


@bp.post("/settings/sessions/<int(max=2147483647):ended_id>/revocation")
@allow("rep")
def end_one_session(ended_id: int) -> ResponseReturnValue:
    """Sign a member out of one browser."""
    session = get_session()
    if ended_id in {row.id for row in list_sessions(session, current_user.id)}:
        end_session(session, ended_id)
    session.commit()
    return _sessions_changed(_("That browser is signed out."))


@bp.post("/settings/sessions/revocation")
@allow("rep")
def end_other_sessions() -> ResponseReturnValue:
    """Sign a member out everywhere but here."""
    session = get_session()
    end_sessions(session, current_user.id, but=session_id())
    session.commit()
    return _sessions_changed(_("All your other browsers are signed out."))


@bp.get("/settings/workspace")
@allow("admin")
def show_workspace() -> ResponseReturnValue:
    """Show what admins decide for everybody."""
    return _workspace()


@bp.post("/settings/workspace")
@allow("admin")
def set_workspace() -> ResponseReturnValue:
    """Change the workspace's name and time zone, what managers see, and how scanners are found out."""
    session, form = get_session(), request.form
    workspace = session.get_one(Workspace, current_user.workspace_id)
    try:
        change_workspace(
            session, workspace, form.get("name", ""), form.get("time_zone", ""),
            "managers_see_team" in form, "sets_honeypots" in form,
        )  # fmt: skip
    except Refused as error:
        return _workspace(error)
    session.commit()
    return _saved("/settings/workspace")


def _saved(path: str) -> ResponseReturnValue:
    flash(_("Saved."))
    return redirect(path, 303)


def _sessions_changed(said: str) -> ResponseReturnValue:
    if not is_partial_wanted():
        flash(said)
        return redirect("/settings/profile", 303)
    sessions = list_sessions(get_session(), current_user.id)
    return render_template("accounts/_sessions.html", sessions=sessions, this_session=session_id(), said=said)


def _profile(error: Refused | None = None) -> ResponseReturnValue:
    page = render_template(
        "accounts/profile.html",
        error=error, form=request.form, locales=LOCALES, zones=list_time_zones(),
        sessions=list_sessions(get_session(write=False), current_user.id), this_session=session_id(),
    )  # fmt: skip
    return page, error.status if error else 200


def _workspace(error: Refused | None = None) -> ResponseReturnValue:
    workspace = get_session(write=False).get_one(Workspace, current_user.workspace_id)
    zones = list_time_zones()
    page = render_template("accounts/workspace.html", workspace=workspace, error=error, form=request.form, zones=zones)
    return page, error.status if error else 200
