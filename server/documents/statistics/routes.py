"""A document's readers for members: the picture, how a visit goes on, and the table to take along."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import Session

from server.accounts.scope import Scope, may_see_team, scope_of
from server.db import get_db, get_session
from server.documents.models import Document
from server.documents.progress import find_progress
from server.documents.queries import find_document, read_versions
from server.documents.statistics.export import list_columns, write_readings
from server.documents.statistics.picture import draw
from server.documents.statistics.queries import read_readers, read_summary, read_visits_of
from server.htmx import is_partial_wanted
from server.people.people import get_person
from server.people.projections import read_emails
from server.security import allow

bp = Blueprint("readings", __name__, url_prefix="/documents")


@bp.get("/<public_id>/readings")
@allow("rep")
def show(public_id: str) -> ResponseReturnValue:
    """Show who read which page of a document for how long."""
    session = get_session()
    template = "documents/_readings.html" if is_partial_wanted() else "documents/readings.html"
    return render_template(template, **read_picture(session, _get_document(session, public_id)))


@bp.get("/<public_id>/readings.csv")
@allow("rep")
def export(public_id: str) -> Response:
    """Answer every visit's time on each page as CSV."""
    session = get_session()
    document = _get_document(session, public_id)
    scope, columns, database = _scope(session), list_columns(), get_db()

    def lines() -> Iterator[str]:
        with database.session(write=False) as own:
            yield from write_readings(own, scope, document.id, columns)

    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in document.name)[:80]
    headers = {"Content-Disposition": f'attachment; filename="readers-{name}.csv"'}
    return Response(lines(), mimetype="text/csv", headers=headers)


@bp.get("/visits/<int:visit_id>/progress")
@allow("rep")
def show_progress(visit_id: int) -> ResponseReturnValue:
    """Show how a visit stands, for the feed's rows."""
    session = get_session()
    progress = find_progress(session, _scope(session), visit_id)
    if progress is None:
        abort(404)
    return render_template("documents/_progress.html", progress=progress)


@bp.get("/people/<int:person_id>")
@allow("rep")
def show_person(person_id: int) -> ResponseReturnValue:
    """Show what a person read, for their profile."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    visits = read_visits_of(session, _scope(session), read_emails(session, person_id))
    template = "documents/_person.html" if is_partial_wanted() else "documents/person.html"
    return render_template(template, visits=visits, person=person)


def read_picture(session: Session, document: Document) -> dict[str, Any]:
    """Return what `documents/_readings.html` shows: of the version that is asked for, else of the current one."""
    scope, versions = _scope(session), read_versions(session, document.id)
    number = request.args.get("version", type=int)
    chosen = next((one for one in versions if one.number == number), None)
    version = chosen or next((one for one in versions if one.id == document.current_version_id), versions[0])
    picture = draw(read_summary(session, scope, version), read_readers(session, scope, version))
    return {
        "document": document, "versions": versions, "version": version, "picture": picture,
        "is_team": scope.member_id is None,
    }  # fmt: skip


def _get_document(session: Session, public_id: str) -> Document:
    document = find_document(session, current_user, public_id, deleted=True)
    if document is None:
        abort(404)
    return document


def _scope(session: Session) -> Scope:
    return scope_of(session, current_user, team=may_see_team(session, current_user))
