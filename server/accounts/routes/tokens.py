"""A member's access tokens: made and shown once, listed, revoked."""

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.models import TokenKind
from server.accounts.routes import bp
from server.accounts.session import get_member
from server.accounts.tokens import create_token, list_tokens, revoke_tokens
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.security import allow


@bp.get("/settings/tokens")
@allow("rep")
def show_tokens() -> ResponseReturnValue:
    """List a member's tokens."""
    return _tokens()


@bp.post("/settings/tokens")
@allow("rep")
def add_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    session = get_session()
    try:
        secret = create_token(
            session, get_member(session), request.form.get("name", ""), request.form.get("kind", TokenKind.API)
        )
    except Refused as error:
        return _tokens(error=error)
    session.commit()
    return _tokens(secret=secret)


@bp.post("/settings/tokens/<int(max=2147483647):token_id>/revocation")
@allow("rep")
def revoke(token_id: int) -> ResponseReturnValue:
    """Make one of the member's tokens open nothing any more."""
    session = get_session()
    revoke_tokens(session, current_user.id, token_id)
    session.commit()
    if is_partial_wanted():
        return _tokens(said=_("The token is revoked."))
    flash(_("The token is revoked."))
    return redirect("/settings/tokens", 303)


def _tokens(error: Refused | None = None, secret: str = "", said: str = "") -> ResponseReturnValue:
    template = "accounts/_tokens.html" if is_partial_wanted() else "accounts/tokens.html"
    tokens = list_tokens(get_session(), current_user.id)
    page = render_template(
        template, tokens=tokens, kinds=list(TokenKind), error=error, secret=secret, said=said,
        form=request.form if error else {},
    )  # fmt: skip
    return page, error.status if error else 200
