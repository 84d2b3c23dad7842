"""What a member wants to be notified of, and of whom not."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.session import get_member
from server.db import get_session
from server.errors import Refused
from server.feed.glossary import MEANINGS
from server.feed.preferences import add_mute, change_switches, list_muted, read_switches, remove_mute, tell_clock
from server.feed.routes import bp
from server.feed.switches import NOTIFYING_KINDS
from server.htmx import is_partial_wanted
from server.security import allow

SETTINGS = "/settings/notifications"


@bp.get(SETTINGS)
@allow("rep")
def show_notifications() -> ResponseReturnValue:
    """Show the member's switches and whom they muted."""
    return _settings()


@bp.post(SETTINGS)
@allow("rep")
def set_notifications() -> ResponseReturnValue:
    """Change the member's switches."""
    session = get_session()
    try:
        change_switches(session, current_user.id, request.form, request.form.getlist("kinds"))
    except Refused as error:
        session.rollback()
        return _settings(error)
    session.commit()
    flash(_("Saved."))
    return redirect(SETTINGS, 303)


@bp.get("/feed/mutes")
@allow("rep")
def show_mute() -> ResponseReturnValue:
    """Show whether a person may notify the member, and the switch."""
    return _mute(request.args.get("address", ""))


@bp.post("/feed/mutes")
@allow("rep")
def mute() -> ResponseReturnValue:
    """Let a person notify the member no more."""
    session, address = get_session(), request.form.get("address", "")
    add_mute(session, get_member(session), address)
    session.commit()
    return _mute(address)


@bp.post("/feed/mutes/removal")
@allow("rep")
def unmute() -> ResponseReturnValue:
    """Let a person notify the member again."""
    session, address = get_session(), request.form.get("address", "")
    remove_mute(session, get_member(session), address)
    session.commit()
    return _mute(address)


@bp.app_template_global("is_muted")
def is_muted(address: str) -> bool:
    """Return whether the member muted the person of `address`."""
    return address.strip().lower() in {row.address for row in list_muted(get_session(), current_user.id)}


def _mute(address: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return render_template("feed/_mute.html", address=address)
    return redirect(SETTINGS, 303)


def _settings(error: Refused | None = None) -> ResponseReturnValue:
    session = get_session(write=False)
    page = render_template(
        "feed/notifications.html",
        error=error, form=request.form, switches=read_switches(session, current_user.id),
        kinds=[(kind, MEANINGS[kind][0]) for kind in NOTIFYING_KINDS], tell_clock=tell_clock,
        muted=list_muted(session, current_user.id),
    )  # fmt: skip
    return page, error.status if error else 200
