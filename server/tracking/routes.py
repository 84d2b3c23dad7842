"""The edge's pages beside the hot path: a link that leads nowhere, a member's device, a website's snippet."""

from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, NotFound

from server.config import get_settings
from server.keys import get_keys
from server.security import PUBLIC, allow
from server.tracking.devices import COOKIE_DAYS, COOKIE_NAME, device_cookie, read_ticket
from server.tracking.hot import FOR_ALL_SITES, GIF, NO_STORE, PIXEL_HEADERS, RETRY_SECONDS, SECURITY_HEADERS
from server.tracking.tokens import read_site_key

SNIPPET = Path(__file__).parent / "site" / "snippet.js"

bp = Blueprint("tracking", __name__)


@bp.get("/healthz")
@allow(PUBLIC)
def healthz() -> ResponseReturnValue:
    """Answer 200 while this process serves requests."""
    return jsonify(status="ok")


@bp.get("/robots.txt")
@allow(PUBLIC)
def robots() -> Response:
    """Keep crawlers out: nothing here is meant to be found."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


@bp.get("/nobody")
@allow(PUBLIC)
def nobody() -> Response:
    """Answer whoever followed the hidden link of a mail, which no person can see."""
    return Response("This link is not meant for people. Nothing is wrong: close this page.\n", mimetype="text/plain")


@bp.get("/device/<ticket>.gif")
@allow(PUBLIC)
def device(ticket: str) -> Response:
    """Mark this browser as a member's, so that what it fetches is never engagement; always answer an image."""
    response = Response(GIF, headers=PIXEL_HEADERS)
    device_id = read_ticket(get_keys(), ticket)
    if device_id is not None:
        is_https = get_settings().edge_base_url.startswith("https://")
        response.headers["Cache-Control"] = "private, max-age=604800"
        response.headers.pop("Expires")
        response.headers.pop("Pragma")
        response.set_cookie(
            COOKIE_NAME, device_cookie(get_keys(), device_id), max_age=COOKIE_DAYS * 86_400, path="/", httponly=True,
            secure=is_https, samesite="None" if is_https else "Lax",
        )  # fmt: skip
    return response


@bp.get("/s/<key>.js")
@allow(PUBLIC)
def snippet(key: str) -> Response:
    """Answer the script that a website includes; it is the same for all, and reads the key from its own address."""
    if read_site_key(get_keys(), key) is None:
        abort(404)
    headers = [FOR_ALL_SITES, ("Cache-Control", "public, max-age=3600")]
    return Response(_read_snippet(), mimetype="text/javascript", headers=headers)


@cache
def _read_snippet() -> str:
    return SNIPPET.read_text(encoding="utf-8")


@bp.app_errorhandler(NotFound)
def not_found(_error: HTTPException) -> ResponseReturnValue:
    """Answer the page for a link that leads nowhere; it says nothing about what might have stood there."""
    return render_template("tracking/not_found.html"), 404


@bp.app_errorhandler(SQLAlchemyError)
def come_back(_error: SQLAlchemyError) -> ResponseReturnValue:
    """Answer a page that needs the database while it is away, or on a machine that has none."""
    text = "503 Service Unavailable\nThis page cannot be shown now. Try again in a moment.\n"
    return Response(text, status=503, mimetype="text/plain", headers={"Retry-After": RETRY_SECONDS})


@bp.app_errorhandler(HTTPException)
def refuse(error: HTTPException) -> ResponseReturnValue:
    """Answer every other error in plain words."""
    return Response(f"{error.code} {error.name}\n", status=error.code, mimetype="text/plain")


@bp.after_app_request
def put_headers(response: Response) -> Response:
    """Put the edge's headers on every answer."""
    for name, value in SECURITY_HEADERS:
        response.headers.setdefault(name, value)
    response.headers.setdefault(*NO_STORE)
    return response


def select_locale() -> str:
    """Return the language of this answer: what the recipient's browser prefers of those there are."""
    return request.accept_languages.best_match(("en", "fr"), "en")
