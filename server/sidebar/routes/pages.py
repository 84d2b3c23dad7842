"""The settings page of the extension: how to get it, what it shows in Gmail, and which browsers it is in."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.models import TokenKind
from server.accounts.tokens import list_tokens
from server.config import get_settings
from server.db import get_session
from server.security import allow
from server.sidebar.preferences import show_marks, shows_marks
from server.sidebar.routes import bp

SETTINGS = "/settings/extension"


@bp.get(SETTINGS)
@allow("rep")
def show_settings() -> ResponseReturnValue:
    """Show what the member set for the extension, and their paired browsers."""
    session = get_session()
    devices = [token for token in list_tokens(session, current_user.id) if token.kind == TokenKind.DEVICE]
    return render_template(
        "sidebar/settings.html", marks=shows_marks(session, current_user.id), devices=devices,
        address=get_settings().base_url,
    )  # fmt: skip


@bp.post(SETTINGS)
@allow("rep")
def set_settings() -> ResponseReturnValue:
    """Change what the extension shows in Gmail."""
    session = get_session()
    show_marks(session, current_user.id, "marks" in request.form)
    session.commit()
    flash(_("Saved."))
    return redirect(SETTINGS, 303)
