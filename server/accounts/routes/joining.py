"""The two single-use links: setting up the first workspace, and accepting an invitation."""

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from server.accounts.fields import list_time_zones
from server.accounts.invitations import accept, get_invitation
from server.accounts.models import Workspace
from server.accounts.routes import bp
from server.accounts.routes.entry import limit_address
from server.accounts.session import sign_in
from server.accounts.setup import get_setup, set_up
from server.db import get_session
from server.errors import Refused
from server.security import PUBLIC, allow


@bp.get("/setup/<token>")
@allow(PUBLIC)
def show_setup(token: str) -> ResponseReturnValue:
    """Ask for the workspace and its first admin."""
    get_setup(get_session(), token)
    return _private("accounts/setup.html", zones=list_time_zones())


@bp.post("/setup/<token>")
@allow(PUBLIC)
@limit_address
def finish_setup(token: str) -> ResponseReturnValue:
    """Make the workspace and its admin, and sign them in."""
    form = request.form
    names = ("workspace_name", "time_zone", "name", "email", "password")
    session = get_session()
    try:
        reaches_europe = form.get("readers") != "elsewhere"
        admin = set_up(session, token, *(form.get(name, "") for name in names), reaches_europe=reaches_europe)
    except Refused as error:
        if error.field is None:
            raise
        session.rollback()
        return _private("accounts/setup.html", error, zones=list_time_zones())
    session.commit()
    sign_in(admin)
    return redirect("/", 303)


@bp.get("/invitations/<token>")
@allow(PUBLIC)
def show_invitation(token: str) -> ResponseReturnValue:
    """Ask an invited person for their name and a password."""
    return _invitation(token)


@bp.post("/invitations/<token>")
@allow(PUBLIC)
@limit_address
def accept_invitation(token: str) -> ResponseReturnValue:
    """Let an invited person join, and sign them in."""
    session = get_session()
    try:
        member = accept(session, token, request.form.get("name", ""), request.form.get("password", ""))
    except Refused as error:
        if error.field is None:
            raise
        session.rollback()
        return _invitation(token, error)
    session.commit()
    sign_in(member)
    return redirect("/", 303)


def _invitation(token: str, error: Refused | None = None) -> ResponseReturnValue:
    session = get_session()
    invitation = get_invitation(session, token)
    workspace = session.get(Workspace, invitation.workspace_id)
    return _private("accounts/invitation.html", error, invitation=invitation, workspace=workspace)


def _private(template: str, error: Refused | None = None, **context: object) -> Response:
    """Answer a page whose address is a secret: no other page hears of it."""
    response = make_response(render_template(template, error=error, form=request.form, **context))
    response.status_code = error.status if error else 200
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
