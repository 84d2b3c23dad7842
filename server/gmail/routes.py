"""The mailboxes page, linking one through Google's consent page, and disconnecting it."""

import hmac
from typing import Any

import structlog
from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings, get_settings
from server.db import get_session
from server.errors import ForeignFailure, Refused
from server.gmail import mailboxes, oauth, quarantine
from server.gmail.health import TroubledMailbox, find_trouble, read_health
from server.gmail.models import Mailbox
from server.gmail.queries import Banner, find_banner, find_own_mailbox, list_mailboxes
from server.htmx import is_partial_wanted, render
from server.keys import hash_token
from server.security import allow

bp = Blueprint("gmail", __name__)
log = structlog.get_logger()

PENDING = "mailbox_authorization"
USED = "mailbox_used_states"
USED_KEPT = 5


@bp.get("/mailboxes")
@allow("rep")
def show_mailboxes() -> str:
    """Show the member's mailboxes, how each is doing, and the way out of what is wrong."""
    rows = list_mailboxes(get_session(write=False), current_user.id)
    return render("gmail/mailboxes.html", "gmail/_mailboxes.html", rows=rows)


@bp.get("/mailboxes/banner")
@allow("rep")
def show_banner() -> str:
    """Show the banner alone, for a page that is open while a mailbox changes."""
    return render_template("gmail/_banner.html")


@bp.post("/mailboxes/authorization")
@allow("rep")
def create_authorization() -> ResponseReturnValue:
    """Send the member to Google's consent page, with state and PKCE verifier kept in their session."""
    settings, email = get_settings(), request.form.get("email", "")
    authorization = oauth.make_authorization(settings, _redirect_uri(settings), oauth.MAILBOX_SCOPES, email or None)
    session[PENDING] = {
        "state": authorization.state,
        "code_verifier": authorization.code_verifier,
        "member_id": current_user.id,
        "email": email,
    }
    return redirect(authorization.url, 303)


@bp.get("/gmail/callback")
@allow("rep")
def take_authorization() -> ResponseReturnValue:
    """Take the answer that Google's consent page sent along with the browser."""
    settings = get_settings()
    try:
        code, pending = _take_code()
        grant = oauth.exchange(settings, _redirect_uri(settings), code, pending["code_verifier"])
        rows = get_session(write=True)
        mailbox = mailboxes.link(rows, current_user, grant)
        rows.commit()
    except (Refused, ForeignFailure) as error:
        log.info("mailbox not linked", reason=type(error).__name__)
        flash(error.message, "error")
    else:
        flash(_("%(email)s is connected. Replies to tracked mail are noticed from now on.", email=mailbox.email))
        if pending["email"] and pending["email"] != mailbox.email:
            flash(_("You chose another account than %(email)s, which is as it was.", email=pending["email"]), "error")
    return redirect(url_for(".show_mailboxes"), 303)


@bp.post("/mailboxes/<int:mailbox_id>/tracking")
@allow("rep")
def set_tracking(mailbox_id: int) -> ResponseReturnValue:
    """Say whether mail that is written in Gmail is tracked unless its toggle says otherwise."""
    session, mailbox = get_session(write=True), _get_own(mailbox_id, write=True)
    mailboxes.set_tracking(session, mailbox, "track" in request.form)
    session.commit()
    if is_partial_wanted():
        return show_mailboxes()
    return redirect(url_for(".show_mailboxes"), 303)


@bp.get("/mailboxes/<int:mailbox_id>/health")
@allow("rep")
def show_health(mailbox_id: int) -> str:
    """Show what Warmline sees of a mailbox, what it could not see, and the way out of what is wrong."""
    health = read_health(get_session(write=False), _get_own(mailbox_id, write=False))
    return render("gmail/health.html", "gmail/_health.html", health=health)


@bp.get("/mailboxes/trouble")
@allow("rep")
def show_trouble() -> str:
    """Show the feed's line about what is wrong with the member's mailboxes, alone."""
    return render_template("gmail/_trouble.html")


@bp.post("/mailboxes/<int:mailbox_id>/quarantine/trial")
@bp.post("/mailboxes/<int:mailbox_id>/quarantine/<int:mail_id>/trial")
@allow("rep")
def retry_quarantined(mailbox_id: int, mail_id: int | None = None) -> ResponseReturnValue:
    """Try a mail that could not be read again, or all of them, in the background."""
    mailbox = _get_own(mailbox_id, write=True)
    quarantine.want_retry(get_session(write=True), mailbox, mail_id)
    get_session(write=True).commit()
    return show_health(mailbox_id) if is_partial_wanted() else redirect(url_for(".show_health", mailbox_id=mailbox_id))


@bp.app_template_global("mailbox_trouble")
def get_trouble() -> TroubledMailbox | None:
    """Return the feed's line for the page being rendered."""
    return find_trouble(get_session(write=False), current_user.id)


@bp.get("/mailboxes/<int:mailbox_id>/disconnection")
@allow("rep")
def show_disconnection(mailbox_id: int) -> str:
    """Ask before a mailbox is disconnected."""
    return render_template("gmail/disconnection.html", mailbox=_get_own(mailbox_id, write=False))


@bp.post("/mailboxes/<int:mailbox_id>/disconnection")
@bp.delete("/mailboxes/<int:mailbox_id>")
@allow("rep")
def disconnect(mailbox_id: int) -> ResponseReturnValue:
    """Disconnect a mailbox; Google is told, and what was copied is deleted, in the background."""
    mailbox = _get_own(mailbox_id, write=True)
    mailboxes.disconnect(get_session(write=True), mailbox)
    get_session(write=True).commit()
    flash(_("%(email)s is disconnected.", email=mailbox.email))
    return redirect(url_for(".show_mailboxes"), 303)


@bp.app_template_global("mailbox_banner")
def get_banner() -> Banner | None:
    """Return the banner for the page being rendered, None for guests; an error page must not fail once more on it."""
    try:
        return find_banner(get_session(write=False), current_user.id) if current_user.is_authenticated else None
    except SQLAlchemyError as error:
        log.warning("no banner without the database", error=type(error).__name__)
        return None


def _redirect_uri(settings: Settings) -> str:
    return f"{settings.base_url}/gmail/callback"


def _get_own(mailbox_id: int, *, write: bool) -> Mailbox:
    mailbox = find_own_mailbox(get_session(write=write), current_user.id, mailbox_id)
    if mailbox is None:
        abort(404, _("You have no such mailbox."))
    return mailbox


def _take_code() -> tuple[str, dict[str, Any]]:
    """Return Google's code and what was kept for it, once: the request that this answers is over afterwards."""
    state, used = request.args.get("state", ""), session.get(USED, [])
    if state and hash_token(state) in used:
        raise oauth.OAuthReplayed(_("This answer from Google was already used. If no mailbox came of it, start again."))
    pending = session.pop(PENDING, None)
    is_ours = pending is not None and hmac.compare_digest(state.encode(), pending["state"].encode())
    if not is_ours or pending["member_id"] != current_user.id:
        raise oauth.OAuthMismatch(
            _("This answer from Google belongs to no request of this browser. Nothing was connected; start again.")
        )
    session[USED] = [hash_token(state), *used][:USED_KEPT]
    if (fault := request.args.get("error")) == "access_denied":
        raise oauth.OAuthCancelled(_("You cancelled on Google's page. No mailbox was connected, nothing changed."))
    if fault or not request.args.get("code"):
        raise oauth.odd_answer(fault or "no code")
    return request.args["code"], pending
