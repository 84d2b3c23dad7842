"""What compose takes from the documents, in the web app and in Gmail: a picker, an upload, and the link to insert."""

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from server.config import get_settings
from server.db import get_session
from server.documents.documents import add_document
from server.documents.queries import read_documents
from server.documents.routes import DOCUMENT, bp
from server.documents.routes.document import get_document
from server.documents.routes.uploading import take_file
from server.documents.shares import make_insertion, share_url
from server.errors import Refused
from server.keys import get_keys
from server.security import allow

SHOWN = 20


@bp.get("/documents/picker")
@allow("rep")
def show_picker() -> str:
    """Show the documents to choose from, by what is typed."""
    return _picker(request.args.get("q", "")[:100])


@bp.post("/documents/picker")
@allow("rep")
def add_and_pick() -> ResponseReturnValue:
    """Take a file into the library, and show it first to choose from."""
    try:
        with take_file() as upload:
            session = get_session()
            add_document(session, current_user, upload)
            session.commit()
    except Refused as error:
        return _picker(error=error)
    return _picker()


@bp.get("/documents/insertions")
@allow("rep")
def list_insertions() -> Response:
    """Answer the same as the picker, for programs: {items: [{kind, id, title, note}]}."""
    found = read_documents(get_session(), current_user.workspace_id, request.args.get("q", "")[:100], limit=SHOWN)
    items = [
        {"kind": "document", "id": line.document.public_id, "title": line.document.name, "note": line.current.file_name}
        for line in found.lines
    ]
    return jsonify(items=items)


@bp.post(f"{DOCUMENT}/insertion")
@allow("rep")
def add_insertion(public_id: str) -> Response:
    """Make a link to the document, and answer what stands in the editor: {subject, html, signs}."""
    session = get_session()
    document = get_document(session, public_id)
    url = share_url(get_settings(), get_keys(), make_insertion(session, current_user, document))
    session.commit()
    html = Markup('<a href="{}">{}</a>').format(url, document.name)
    return jsonify(subject=None, html=html, signs=False)


def _picker(search: str = "", error: Refused | None = None) -> str:
    found = read_documents(get_session(), current_user.workspace_id, search, limit=SHOWN)
    most = get_settings().document_max_mb
    return render_template("documents/_picker.html", found=found, search=search, error=error, most_mb=most)
