"""The extension's status, the feed's three panels, marks, and which thread is being opened."""

from flask import abort, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.session import token_id
from server.config import get_settings
from server.db import get_session
from server.security import allow
from server.sidebar.routes.blueprint import answers
from server.sidebar.status import read_status

PANELS = {"engagement": "feed.show_panel", "tasks": "tasks.show_panel", "target": "scoring.show_panel"}


@answers.get("/status")
@allow("rep")
def show_status() -> ResponseReturnValue:
    """Tell the extension how things stand."""
    session = get_session()
    return jsonify(read_status(session, get_settings(), current_user, token_id(), str(get_locale())))


@answers.get("/panels/<name>")
@allow("rep")
def show_panel(name: str) -> ResponseReturnValue:
    """Show one of the three panels: the very view that the other shells ask."""
    if name not in PANELS:
        abort(404, _("There is no such panel."))
    return current_app.ensure_sync(current_app.view_functions[PANELS[name]])()  # type: ignore[no-any-return]
