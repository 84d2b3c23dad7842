"""Signing in, by password or Google, and out."""

import math
import time

import structlog
from flask import current_app, redirect, render_template, request
from flask import session as flask_session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_limiter.util import get_remote_address
from flask_login import current_user

from server.accounts.devices import is_device_of
from server.accounts.google import find_google_member, read_code
from server.accounts.members import find_member
from server.accounts.next_path import safe_next
from server.accounts.passwords import is_password, needs_rehash, rehash
from server.accounts.routes import bp
from server.accounts.session import device_id, get_member, pop_once, sign_in, sign_out
from server.config import get_settings
from server.db import get_session
from server.errors import ForeignFailure, Refused
from server.gmail.oauth import SIGN_IN_SCOPES, exchange, make_authorization
from server.keys import hash_token
from server.limits import limiter
from server.security import PUBLIC, allow

log = structlog.get_logger()

GOOGLE_KEY = "google_sign_in"
ADDRESS_LIMIT = "20 per minute; 200 per hour"
ACCOUNT_LIMIT = "10 per 15 minutes"


def find_account() -> str:
    """Return the account somebody tries to enter; its own browsers are counted apart, so that strangers cannot lock it.

    This is OWASP's "device cookies" against guessing that neither forgets nor locks out.
    """
    email = request.form.get("email", "").strip().lower()
    device = device_id()
    is_known = is_device_of(get_session(write=False), device, email)
    return hash_token(f"{email} {device if is_known else ''}")


def say_when_again() -> str:
    """Return the sentence for somebody who tried too often."""
    limit = limiter.current_limit
    minutes = max(1, math.ceil((limit.reset_at - time.time()) / 60)) if limit else 1
    return ngettext(
        "That was too often. Try again in %(num)s minute.", "That was too often. Try again in %(num)s minutes.", minutes
    )


limit_address = limiter.limit(ADDRESS_LIMIT, key_func=get_remote_address, error_message=say_when_again)
limit_account = limiter.limit(ACCOUNT_LIMIT, key_func=find_account, error_message=say_when_again)


@bp.get("/sign-in")
@allow(PUBLIC)
def show_sign_in() -> ResponseReturnValue:
    """Show the ways to sign in."""
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")))
    return _page()


@bp.post("/sign-in")
@allow(PUBLIC)
@limit_address
@limit_account
def sign_in_by_password() -> ResponseReturnValue:
    """Sign in the member whose email address and password these are."""
    password = request.form.get("password", "")
    member = find_member(get_session(write=False), request.form.get("email", ""))
    if not is_password(member, password) or member is None:
        log.info("sign-in refused", address=get_remote_address(), member_id=member.id if member else None)
        return _page(Refused(_("Email address or password is wrong."), field="password"))
    try:
        sign_in(member)
    except Refused as error:
        return _page(error)
    if needs_rehash(member):
        session = get_session()
        rehash(session, get_member(session), password)
        session.commit()
    return redirect(safe_next(request.form.get("next")), 303)


@bp.post("/sign-in/google")
@allow(PUBLIC)
@limit_address
def start_google_sign_in() -> ResponseReturnValue:
    """Send the browser to Google's page, and keep in its session what the answer must match."""
    authorization = make_authorization(get_settings(), _redirect_uri(), SIGN_IN_SCOPES)
    flask_session[GOOGLE_KEY] = {
        "state": authorization.state,
        "code_verifier": authorization.code_verifier,
        "next": safe_next(request.form.get("next")),
    }
    return redirect(authorization.url, 303)


@bp.get("/sign-in/google/callback")
@allow(PUBLIC)
@limit_address
def finish_google_sign_in() -> ResponseReturnValue:
    """Sign in the member whom Google names."""
    kept = pop_once(GOOGLE_KEY)
    try:
        code = read_code(kept, request.args)
        grant = exchange(get_settings(), _redirect_uri(), code, kept["code_verifier"])
        session = get_session(write=True)
        member = find_google_member(session, grant)
        session.commit()
        sign_in(member)
    except (Refused, ForeignFailure) as error:
        log.info("sign-in with Google refused", address=get_remote_address(), reason=type(error).__name__)
        return _page(error)
    return redirect(safe_next(kept["next"]))


@bp.post("/sign-out")
@allow(PUBLIC)
def leave() -> ResponseReturnValue:
    """End this browser's session; somebody who has none is signed out already."""
    sign_out()
    return redirect("/sign-in", 303)


def _page(error: Refused | ForeignFailure | None = None) -> ResponseReturnValue:
    settings = current_app.config["SETTINGS"]
    page = render_template(
        "accounts/sign_in.html",
        error=error,
        email=request.form.get("email", ""),
        next=safe_next(request.values.get("next")),
        offers_demo=settings.uses_stand_in and settings.is_loopback,
    )
    return page, getattr(error, "status", 503) if error else 200


def _redirect_uri() -> str:
    return f"{get_settings().base_url}/sign-in/google/callback"
