"""Pairing: the page on which a member confirms, the exchange of the code, and signing the extension out."""

from flask import Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.session import get_member, token_id
from server.accounts.tokens import find_token, revoke_tokens
from server.config import get_settings
from server.db import get_session
from server.errors import Refused
from server.feed import unread
from server.limits import limiter
from server.security import PUBLIC, allow
from server.sidebar.answers import Declined
from server.sidebar.pairing import PairingRequest, exchange, make_code, read_request
from server.sidebar.routes import bp
from server.sidebar.routes.blueprint import answers, read_body, read_text
from server.sidebar.status import read_status

CODE_LENGTH = 200


@bp.get("/extension/pairing")
@allow("rep")
def show_pairing() -> ResponseReturnValue:
    """Ask the member whether this browser's extension may act for them."""
    asked = request.args
    wanted = read_request(
        asked.get("challenge", ""), asked.get("redirect", ""), asked.get("state", ""), asked.get("device", "")
    )
    return render_template("sidebar/pairing.html", wanted=wanted, error=None)


@bp.post("/extension/pairing")
@allow("rep")
@limiter.limit("30 per hour")
def add_pairing() -> ResponseReturnValue:
    """Give the extension its code, by way of the member's browser."""
    session, form = get_session(), request.form
    wanted = read_request(
        form.get("challenge", ""), form.get("redirect", ""), form.get("state", ""), form.get("device", "")
    )
    try:
        code = make_code(session, get_member(session), wanted)
    except Refused as error:
        return render_template("sidebar/pairing.html", wanted=wanted, error=error), error.status
    session.commit()
    return _lead_back(wanted, code)


@answers.post("/token")
@allow(PUBLIC)
@limiter.limit("30 per minute")
def add_token() -> ResponseReturnValue:
    """Exchange a code for the device's token, told this once."""
    session, body = get_session(), read_body()
    code, verifier, redirect = (read_text(body, name) for name in ("code", "verifier", "redirect"))
    try:
        member, secret = exchange(session, code[:CODE_LENGTH], verifier, redirect)
    except Declined:
        session.commit()  # the code has ended
        raise
    unread.start(session, member.id)
    found = find_token(session, secret)
    status = read_status(session, get_settings(), member, found[0].id if found else None, str(get_locale()))
    session.commit()
    return jsonify({"token": secret, **status}), 201


@answers.post("/revocation")
@allow("rep")
def revoke() -> ResponseReturnValue:
    """Sign this device out."""
    session, device = get_session(), token_id()
    if device is None:
        raise Declined("wrong_place", _("Only a device can sign itself out."), status=400)
    revoke_tokens(session, current_user.id, device)
    session.commit()
    return "", 204


def _lead_back(wanted: PairingRequest, code: str) -> Response:
    """Lead on by a header of its own: `form-action` would have to name the extension for a redirect."""
    address = wanted.answer_with(code)
    response = make_response(render_template("sidebar/paired.html", address=address))
    response.headers["Refresh"] = f"0; url={address}"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
