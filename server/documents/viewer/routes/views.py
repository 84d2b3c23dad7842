"""The edge's pages of documents: the viewer, its pictures and text, the download, and what it reports of reading."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.config import get_settings
from server.db import get_session
from server.documents import storage
from server.documents.protection import Closed
from server.documents.readers import tells
from server.documents.viewer.entry import Entry, enter, find_entry
from server.documents.viewer.grants import PASS_SECONDS, make_grant, read_grant
from server.documents.viewer.page import make_page
from server.documents.viewer.reports import MAX_BODY_BYTES, BadReport, make_data, make_download, read_report
from server.documents.viewer.routes import bp
from server.documents.viewer.routes.answers import answer_file, answer_image, answer_json, answer_page
from server.errors import Refused
from server.keys import get_keys
from server.security import PUBLIC, allow
from server.static_files import YEAR_SECONDS
from server.static_files import serve as serve_static
from server.tracking.devices import COOKIE_NAME, read_device
from server.tracking.hits import make_record

PASS_COOKIE = "warmline_reader"  # noqa: S105 - a cookie's name
BUILT = ("viewer.js", "viewer.css", "favicon.svg", "figtree-latin-wght-normal.woff2")
TEXTS_AT_ONCE = 50
RETRY_SECONDS = 3
STATUS_OF_CLOSED = {Closed.PREPARING: 200, Closed.FAILED: 200}  # the others are gone
SHARE = "/d/<token>"


@bp.get(SHARE)
@allow(PUBLIC)
def show(token: str) -> Response:
    """Show the document, or the page that says why not or asks for what the share asks."""
    entry = _find(token)
    version = entry.version
    if entry.closed is not None or version is None:
        html = render_template("documents/viewer_closed.html", closed=entry.closed)
        response = answer_page(html, STATUS_OF_CLOSED.get(entry.closed or Closed.DELETED, 410))
        if entry.closed == Closed.PREPARING:
            response.headers["Refresh"] = str(RETRY_SECONDS)
        return response
    if entry.email is None:
        return _ask(token, entry)
    is_own = read_device(get_keys(), request.cookies.get(COOKIE_NAME, "")) is not None
    is_told = not is_own and tells(get_session(write=False), entry.share, entry.email)
    grant = make_grant(get_keys(), entry.share, version.id, entry.email) if is_told else ""
    page = make_page(get_settings(), token, entry.share, entry.document, version)
    return answer_page(render_template("documents/viewer.html", view=page, grant=grant, is_own=is_own))


@bp.post(f"{SHARE}/entry")
@allow(PUBLIC)
def let_in(token: str) -> ResponseReturnValue:
    """Take the password and the address that a share asks for."""
    entry = _find(token)
    if entry.closed is not None:
        return redirect(url_for(".show", token=token), 303)
    form = request.form
    try:
        given = enter(get_keys(), entry.share, form.get("password", ""), form.get("email", ""))
    except Refused as error:
        return _ask(token, entry, error)
    edge = urlsplit(get_settings().edge_base_url)
    response = redirect(f"../{token}", 303)
    response.set_cookie(
        PASS_COOKIE, given, max_age=PASS_SECONDS, path=f"{edge.path}/d/{token}", httponly=True, samesite="Lax",
        secure=edge.scheme == "https",
    )  # fmt: skip
    return response


@bp.get(f"{SHARE}/pages/<int:number>-<any(thumb,small,large):size>")
@allow(PUBLIC)
def show_picture(token: str, number: int, size: storage.Size) -> Response:
    """Answer the picture of a page."""
    version_id = _open(token)
    path = storage.image_path(get_settings(), version_id, number, size)
    if not path.is_file():
        abort(404)
    return answer_image(path)


@bp.get(f"{SHARE}/text/<int:first>-<int:last>")
@allow(PUBLIC)
def show_text(token: str, first: int, last: int) -> Response:
    """Answer the text layers of some pages as one JSON object, by page."""
    version_id = _open(token)
    numbers = range(max(first, 1), min(last, first + TEXTS_AT_ONCE - 1) + 1)
    paths = {number: storage.text_path(get_settings(), version_id, number) for number in numbers}
    layers = [b'"%d":%s' % (number, path.read_bytes()) for number, path in paths.items() if path.is_file()]
    return answer_json(b"{" + b",".join(layers) + b"}")


@bp.get(f"{SHARE}/file")
@allow(PUBLIC)
def download(token: str) -> Response:
    """Answer the file as it was uploaded; keep that it was downloaded, once, and never make the reader wait for it."""
    entry = _find(token)
    if not entry.is_open or entry.version is None or not entry.share.allow_download:
        abort(403 if entry.closed is None else 410)
    path = storage.original_path(get_settings(), entry.version.id)
    if not path.is_file():
        abort(404)
    grant = read_grant(get_keys(), token, request.args.get("g", ""))
    if grant is not None and request.method == "GET" and request.headers.get("Range", "bytes=0-") == "bytes=0-":
        _keep(grant.token_hash, make_download(grant))
    return answer_file(path, entry.version.file_name)


@bp.post(f"{SHARE}/reading")
@allow(PUBLIC)
def report(token: str) -> ResponseReturnValue:
    """Keep what a page load has counted so far; needs no database."""
    try:
        text, said = read_report(request.get_data()[: MAX_BODY_BYTES + 1])
    except BadReport:
        abort(400)
    grant = read_grant(get_keys(), token, text)
    if grant is None:
        abort(410)
    if not _keep(grant.token_hash, make_data(grant, said)):
        return "", 503, {"Retry-After": str(RETRY_SECONDS)}
    return "", 204


@bp.get("/viewer/<name>")
@allow(PUBLIC)
def show_built(name: str) -> Response:
    """Answer one of the few built files that the viewer needs; its address changes with it."""
    if name not in BUILT:
        abort(404)
    response = serve_static(name)
    response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    return response


def _find(token: str) -> Entry:
    number = request.args.get("v", type=int)
    entry = find_entry(get_session(write=False), get_keys(), token, request.cookies.get(PASS_COOKIE, ""), number)
    if entry is None:
        abort(404)
    return entry


def _open(token: str) -> int:
    """Return the id of the version that this request may read; ends the request where it may not."""
    entry = _find(token)
    if not entry.is_open or entry.version is None:
        abort(403 if entry.closed is None else 410)
    return entry.version.id


def _ask(token: str, entry: Entry, error: Refused | None = None) -> Response:
    html = render_template(
        "documents/viewer_entry.html", up="../" if error else "", token=token, share=entry.share, error=error,
        email=request.form.get("email", "") if error else "",
    )  # fmt: skip
    return answer_page(html, error.status if error else 200)


def _keep(token_hash: str, data: dict[str, Any]) -> bool:
    record = make_record("reading", token_hash, request.environ, get_settings().trusted_proxies, data=data)
    kept: bool = current_app.extensions["warmline_keep"](record)
    return kept
