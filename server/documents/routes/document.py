"""One document: its page, its versions, its name, its file and its small picture."""

from flask import Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.config import get_settings
from server.db import get_session
from server.documents import storage
from server.documents.documents import check_owner, rename, replace_file
from server.documents.failures import explain
from server.documents.models import Document, DocumentVersion
from server.documents.queries import find_document, read_line, read_shares, read_versions
from server.documents.routes import DOCUMENT, bp
from server.documents.routes.uploading import take_file
from server.documents.shares import find_preview, share_url
from server.documents.statistics.routes import read_picture
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.keys import get_keys
from server.security import allow

THUMB_SECONDS = 86_400


def get_document(session: Session, public_id: str, *, deleted: bool = False) -> Document:
    """Return a document of the member's workspace, or answer 404."""
    document = find_document(session, current_user, public_id, deleted=deleted)
    if document is None:
        abort(404, _("You have no such document."))
    return document


@bp.get(DOCUMENT)
@allow("rep")
def show_document(public_id: str) -> ResponseReturnValue:
    """Show a document, or, to a page that already shows it, how its versions stand."""
    document = get_document(get_session(), public_id)
    if is_partial_wanted():
        return render_template("documents/_versions.html", **_context(document))
    return _page(document)


@bp.post(f"{DOCUMENT}/versions")
@allow("rep")
def add_version(public_id: str) -> ResponseReturnValue:
    """Replace the file; links and history stay."""
    document = get_document(get_session(write=False), public_id)  # no transaction stays open meanwhile
    try:
        check_owner(current_user, document)
        with take_file() as upload:
            session = get_session()
            replace_file(session, current_user, get_document(session, public_id), upload)
            session.commit()
    except Refused as error:
        return _answer(document, error=error)
    return _answer(document, _("The new version is here. It shows as soon as its pages are made."))


@bp.post(f"{DOCUMENT}/name")
@allow("rep")
def change_name(public_id: str) -> ResponseReturnValue:
    """Give the document another name."""
    session = get_session()
    document = get_document(session, public_id)
    try:
        rename(session, current_user, document, request.form.get("name", ""))
    except Refused as error:
        session.rollback()
        return _page(document, error), error.status
    session.commit()
    flash(_("The name is changed."))
    return redirect(url_for(".show_document", public_id=public_id), 303)


@bp.get(f"{DOCUMENT}/file")
@allow("rep")
def download(public_id: str) -> Response:
    """Answer the file of the version that is shown, as it was uploaded."""
    session = get_session()
    version = read_line(session, get_document(session, public_id)).current
    path = storage.original_path(get_settings(), version.id)
    if not path.is_file():
        abort(404, _("The file is gone."))
    return send_file(path, "application/octet-stream", as_attachment=True, download_name=version.file_name)


@bp.get(f"{DOCUMENT}/thumbnail")
@allow("rep")
def show_thumbnail(public_id: str) -> Response:
    """Answer the small picture of the first page."""
    document = get_document(get_session(), public_id)
    path = storage.image_path(get_settings(), document.current_version_id or 0, 1, "thumb")
    if not path.is_file():
        abort(404)
    response = send_file(path, storage.IMAGE_TYPE)
    response.headers["Cache-Control"] = f"private, max-age={THUMB_SECONDS}"
    return response


def _answer(document: Document, said: str = "", error: Refused | None = None) -> ResponseReturnValue:
    if is_partial_wanted():
        return render_template("documents/_versions.html", **_context(document, said=said, error=error))
    if error is not None:
        return _page(document, error), error.status
    flash(said)
    return redirect(url_for(".show_document", public_id=document.public_id), 303)


def _page(document: Document, error: Refused | None = None) -> str:
    session = get_session()
    shares = read_shares(session, document.id, current_user)
    preview = find_preview(session, document)
    return render_template(
        "documents/document.html", shares=shares, error=error, preview=preview and make_url(preview), url_of=make_url,
        **{**read_picture(session, document), **_context(document)},
    )  # fmt: skip


def make_url(share: object) -> str:
    """Return the address of a share for whoever may copy it."""
    return share_url(get_settings(), get_keys(), share)  # type: ignore[arg-type]


def _context(document: Document, **more: object) -> dict[str, object]:
    session = get_session()
    line = read_line(session, session.get_one(Document, document.id, populate_existing=True))
    versions: list[DocumentVersion] = list(read_versions(session, document.id))
    return {"line": line, "document": line.document, "versions": versions, "explain": explain,
            "most_mb": get_settings().document_max_mb, **more}  # fmt: skip
