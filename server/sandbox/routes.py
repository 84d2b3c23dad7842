"""Routes of the room `sandbox`: the way into the demo workspace, and the page about the simulation."""

from flask import Blueprint, abort, redirect, request
from flask.typing import ResponseReturnValue

from server.accounts.next_path import safe_next
from server.accounts.session import sign_in
from server.config import get_settings
from server.db import get_session
from server.htmx import is_partial_wanted, render
from server.sandbox import cast
from server.sandbox.demo import enter_demo
from server.sandbox.switch import are_recipients_on, switch_recipients
from server.security import PUBLIC, allow

bp = Blueprint("sandbox", __name__)


@bp.before_request
def refuse_beside_google() -> None:
    """Answer 404 where real Gmail is connected: there is no simulation then."""
    if not get_settings().uses_stand_in:
        abort(404)


@bp.post("/demo")
@allow(PUBLIC)
def add_visit() -> ResponseReturnValue:
    """Sign the visitor in to the demo workspace; only where nobody but this machine can reach us."""
    if not get_settings().is_loopback:
        abort(404)
    session = get_session()
    member = enter_demo(session)
    session.commit()
    sign_in(member)
    return redirect(safe_next(request.form.get("next")), 303)


@bp.get("/sandbox")
@allow("rep")
def show() -> ResponseReturnValue:
    """Show who plays, what they do, and the switch."""
    return _page(are_recipients_on(get_session()))


@bp.post("/sandbox/recipients")
@allow("rep")
def add_recipients() -> ResponseReturnValue:
    """Let the simulated recipients act."""
    return _switch(True)


@bp.post("/sandbox/recipients/stop")
@bp.delete("/sandbox/recipients")
@allow("rep")
def delete_recipients() -> ResponseReturnValue:
    """Stop the simulated recipients at once; the address ending in `stop` serves forms."""
    return _switch(False)


def _switch(is_on: bool) -> ResponseReturnValue:
    session = get_session()
    switch_recipients(session, is_on)
    session.commit()
    return _page(is_on) if is_partial_wanted() else redirect("/sandbox", 303)


def _page(is_on: bool) -> ResponseReturnValue:
    settings = get_settings()
    return render(
        "sandbox/sandbox.html",
        "sandbox/_recipients.html",
        is_on=is_on,
        is_running=settings.simulated_recipients,
        cast=cast.CAST,
        stand_in_url=settings.stand_in_url,
    )
