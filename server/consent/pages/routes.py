"""Routes of the recipients' pages on the edge. A GET only shows; a POST is in the journal before it is answered.

No cookie and no session: the signed address is the right to speak for its copy, and a POST needs no database.
"""

from functools import cache

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from server.config import get_settings
from server.consent.legal import find_legal_text, find_workspace, legal_key, read_legal_key
from server.consent.pages.view import Sight, find_sight
from server.consent.words import VERSION, WISHES
from server.db import get_session
from server.keys import get_keys
from server.security import PUBLIC, allow
from server.static_files import YEAR_SECONDS, digest, serve
from server.tracking.hits import make_record
from server.tracking.hot import RETRY_SECONDS
from server.tracking.tokens import read_say

STYLES = "recipient.css"
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
ADDRESS_LENGTH = 254
PAGE = "/y/<token>"

bp = Blueprint("recipient", __name__)


@bp.get("/u/<token>")
@allow(PUBLIC)
def show_unsubscribing(token: str) -> ResponseReturnValue:
    """Show the button by which somebody unsubscribes; mail scanners follow links, so a GET changes nothing."""
    return _render("consent/pages/unsubscribe.html", "../", sight=_find_sight(_read("u", token)))


@bp.post("/u/<token>")
@allow(PUBLIC)
def unsubscribe(token: str) -> ResponseReturnValue:
    """Unsubscribe, from the page or with one click from a mail program (RFC 8058 §3.2: no cookie, no redirect)."""
    tracking_id = _read("u", token)
    if _lacks_address():
        sight, error = _find_sight(tracking_id), _("Type your email address.")
        return _render("consent/pages/unsubscribe.html", "../", 422, sight=sight, error=error)
    return _say(tracking_id, "unsubscribe", "../")


@bp.get(PAGE)
@allow(PUBLIC)
def show_sight(token: str) -> ResponseReturnValue:
    """Show what the sender sees about this recipient, and what they can do about it."""
    return _render("consent/pages/sight.html", "../", sight=_find_sight(_read("y", token)), token=token)


@bp.post(f"{PAGE}/<any(objection, agreement, erasure):act>")
@allow(PUBLIC)
def say(token: str, act: str) -> ResponseReturnValue:
    """Take an objection to being noticed, agreement to it, or the wish to be erased."""
    tracking_id = _read("y", token)
    want = {"objection": "silence", "agreement": "agree", "erasure": "erase"}[act]
    is_unsure = want == "erase" and request.form.get("sure") != "yes"
    if is_unsure or (_lacks_address() and want != "silence"):
        error = _("Tick the box first: this cannot be undone.") if is_unsure else _("Type your email address.")
        sight = _find_sight(tracking_id)
        return _render("consent/pages/sight.html", "../../", 422, sight=sight, token=token, error=error, act=act)
    return _say(tracking_id, want, "../../")


@bp.get("/legal")
@bp.get("/legal/<key>")
@allow(PUBLIC)
def show_legal(key: str | None = None) -> ResponseReturnValue:
    """Show the legal text of a workspace; without its key, that of the installation's first one."""
    session = get_session(write=False)
    workspace_id = read_legal_key(get_keys(), key) if key else None
    workspace = find_workspace(session, workspace_id) if workspace_id or not key else None
    if workspace is None:
        abort(404)
    text = find_legal_text(session, workspace, _locale())
    return _render("consent/pages/legal.html", "../" if key else "", text=text, team=workspace.name)


@bp.get(f"/{STYLES}")
@allow(PUBLIC)
def styles() -> Response:
    """Answer the style sheet of these pages."""
    response = serve(STYLES)
    response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return response


def _read(page: str, token: str) -> str:
    tracking_id = read_say(get_keys(), page, token)
    if tracking_id is None:
        abort(404)
    return tracking_id


def _find_sight(tracking_id: str) -> Sight | None:
    return find_sight(get_session(write=False), tracking_id)


def _lacks_address() -> bool:
    return "address" in request.form and "@" not in request.form["address"]


def _say(tracking_id: str, want: str, up: str) -> ResponseReturnValue:
    form, settings = request.form, get_settings()
    data = {
        "want": want,
        "how": "one_click" if form.get("List-Unsubscribe") == "One-Click" else "page",
        "address": form.get("address", "").strip()[:ADDRESS_LENGTH],
        "text": str(WISHES[want]),
        "version": VERSION,
    }
    record = make_record("saying", tracking_id, request.environ, settings.trusted_proxies, data=data)
    if not current_app.extensions["warmline_keep"](record):
        page, status = _render("consent/pages/not_kept.html", up, 503)
        return page, status, {"Retry-After": RETRY_SECONDS}
    return _render("consent/pages/said.html", up, want=want, is_shared=bool(data["address"]))


def _render(template: str, up: str, status: int = 200, **values: object) -> tuple[Response, int]:
    sight = values.get("sight")
    key = legal_key(get_keys(), sight.workspace_id) if isinstance(sight, Sight) else ""
    styles = f"{up}{STYLES}?v={_version()}"
    response = Response(render_template(template, up=up, styles=styles, key=key, **values))
    response.headers["Content-Security-Policy"] = POLICY
    return response, status


@cache
def _version() -> str:
    return digest(STYLES)


def _locale() -> str:
    return str(get_locale() or "en")
