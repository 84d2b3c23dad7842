"""Routes of the REST API for documents: uploading, replacing, how far they are, and links to them."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers

from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.shapes import documents as shapes
from server.api.shapes import inputs
from server.config import get_settings
from server.db import get_session
from server.documents.documents import add_document, check_owner, replace_file
from server.documents.failures import explain
from server.documents.links import add_link
from server.documents.models import FileKind, VersionState
from server.documents.queries import LAST_ID, Line, read_documents, read_line
from server.documents.routes.document import get_document
from server.documents.routes.uploading import take_file
from server.documents.shares import share_url
from server.keys import get_keys
from server.security import allow

DOCUMENT = "/documents/<string:public_id>"


@bp.get("/documents")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=shapes.DocumentPage), operation_id="listDocuments")
def list_documents(query: shapes.DocumentsQuery) -> shapes.DocumentPage:
    """List the workspace's documents, the newest first."""
    place = read_cursor(get_keys(), current_user.id, "documents", query.cursor)
    before = place[0] if place else LAST_ID
    found = read_documents(get_session(), current_user.workspace_id, query.q, before, query.limit)
    following = make_next("documents", (found.next,) if found.next else None)
    return shapes.DocumentPage(items=[_show(line) for line in found.lines], next=following)


@bp.post("/documents")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.DocumentAnswer), operation_id="addDocument")
def upload_document(form: shapes.NewFile) -> Any:
    """Upload a document. Its pages are made in the background; ask for it again until `state` is `ready`."""
    with take_file() as upload:
        session = get_session()
        document = add_document(session, current_user, upload)
        session.commit()
    location = url_for("api.show_document", public_id=document.public_id)
    return _show(read_line(session, document)), 201, {"Location": location}


@bp.get(DOCUMENT)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.DocumentAnswer), operation_id="getDocument")
def show_document(public_id: str) -> shapes.DocumentAnswer:
    """One document, and how far its pages are."""
    session = get_session()
    return _show(read_line(session, get_document(session, public_id)))


@bp.post(f"{DOCUMENT}/versions")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.DocumentAnswer), operation_id="addDocumentVersion")
def upload_document_version(form: shapes.NewFile, public_id: str) -> Any:
    """Replace the file of a document; its links and its history stay, and show it as soon as it is ready."""
    check_owner(current_user, get_document(get_session(write=False), public_id))
    with take_file() as upload:
        session = get_session()
        document = get_document(session, public_id)
        replace_file(session, current_user, document, upload)
        session.commit()
    return _show(read_line(session, document)), 201


@bp.post(f"{DOCUMENT}/links")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.LinkAnswer), operation_id="addDocumentLink")
def add_document_link(json: shapes.NewLink, public_id: str) -> Any:
    """Make a link with a name. In a mail's HTML, it becomes a link of its own for each copy."""
    session = get_session()
    share = add_link(session, get_keys(), current_user, get_document(session, public_id), json.name)
    session.commit()
    return shapes.LinkAnswer(id=share.id, name=share.name, url=share_url(get_settings(), get_keys(), share)), 201


def _show(line: Line) -> shapes.DocumentAnswer:
    document, current = line.document, line.current
    return shapes.DocumentAnswer(
        id=document.public_id, name=document.name, kind=FileKind(current.kind), version=current.number,
        state=VersionState(current.state), failure=explain(current.failure) if current.failure else None,
        pages=current.pages, size_bytes=current.size_bytes, newest_version=line.newest.number,
        newest_state=VersionState(line.newest.state), created_at=document.created_at, updated_at=document.updated_at,
    )  # fmt: skip
