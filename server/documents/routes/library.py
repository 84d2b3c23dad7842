"""The library: all documents of the workspace, uploading, deleting and bringing back."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.config import get_settings
from server.db import get_session
from server.documents.documents import add_document, delete, restore
from server.documents.failures import explain
from server.documents.models import Document
from server.documents.queries import LAST_ID, read_documents
from server.documents.routes import DOCUMENT, bp
from server.documents.routes.document import get_document
from server.documents.routes.uploading import take_file
from server.errors import Refused
from server.htmx import is_partial_wanted, render
from server.security import allow


@bp.get("/documents")
@allow("rep")
def list_documents() -> ResponseReturnValue:
    """Show the documents, newest first, or those whose name holds what is looked for."""
    search, before = request.args.get("q", "")[:100], min(request.args.get("before", LAST_ID, type=int), LAST_ID)
    found = read_documents(get_session(), current_user.workspace_id, search, before)
    return render("documents/documents.html", "documents/_documents.html", **_context(found=found, search=search))


@bp.post("/documents")
@allow("rep")
def add_upload() -> ResponseReturnValue:
    """Take a file into the library."""
    try:
        with take_file() as upload:
            session = get_session()
            document = add_document(session, current_user, upload)
            session.commit()
    except Refused as error:
        return _answer(error=error)
    return _answer(_("%(name)s is here. Its pages are being made.", name=document.name))


@bp.post(f"{DOCUMENT}/removal")
@allow("rep")
def remove_document(public_id: str) -> ResponseReturnValue:
    """Delete a document; the answer offers to bring it back."""
    session = get_session()
    document = get_document(session, public_id)
    delete(session, current_user, document)
    session.commit()
    return _answer(_("%(name)s is deleted, and its links show nothing.", name=document.name), gone=document)


@bp.post(f"{DOCUMENT}/restoration")
@allow("rep")
def restore_document(public_id: str) -> ResponseReturnValue:
    """Bring a deleted document back."""
    session = get_session()
    document = get_document(session, public_id, deleted=True)
    restore(session, current_user, document)
    session.commit()
    return _answer(_("%(name)s is back, with all its links.", name=document.name))


def _answer(said: str = "", gone: Document | None = None, error: Refused | None = None) -> ResponseReturnValue:
    if is_partial_wanted() or error is not None:
        found = read_documents(get_session(), current_user.workspace_id)
        context = _context(found=found, search="", said=said, gone=gone, error=error)
        if is_partial_wanted():
            return render_template("documents/_documents.html", **context)
        return render_template("documents/documents.html", **context), error.status if error else 200
    flash(said)
    return redirect(url_for(".list_documents"), 303)


def _context(**more: object) -> dict[str, object]:
    return {"explain": explain, "most_mb": get_settings().document_max_mb, **more}
