"""Importing people from a CSV file: upload, choose columns, watch, read what was refused."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from server.db import get_session
from server.errors import Refused
from server.htmx import render
from server.people.columns import list_targets
from server.people.csv_files import MOST_BYTES, write_row
from server.people.custom_fields import list_fields
from server.people.imports import (
    add_import,
    discard,
    get_import,
    list_imports,
    list_refused,
    preview_lines,
    start,
)
from server.people.models import PersonImport
from server.people.routes import bp
from server.security import allow

IMPORT = "/people/imports/<int(max=2147483647):import_id>"
REFUSED_SHOWN = 50
MOST_REQUEST_BYTES = MOST_BYTES + 2**20


@bp.get("/people/imports")
@allow("rep")
def show_imports() -> ResponseReturnValue:
    """Show the upload form and earlier imports."""
    return _imports()


@bp.post("/people/imports")
@allow("rep")
def add_file() -> ResponseReturnValue:
    """Keep an uploaded file; its columns are chosen next."""
    request.max_content_length = MOST_REQUEST_BYTES
    session = get_session()
    try:
        if (request.content_length or 0) > MOST_REQUEST_BYTES:
            raise RequestEntityTooLarge
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Refused(_("Choose a CSV file."), field="file")
        row = add_import(session, current_user, file.filename, file.stream)
    except RequestEntityTooLarge:
        most = MOST_BYTES // 2**20
        return _imports(Refused(_("A file has at most %(most)s MB. Split it.", most=most), field="file", status=413))
    except Refused as error:
        session.rollback()
        return _imports(error)
    session.commit()
    return redirect(url_for(".show_import", import_id=row.id), 303)


@bp.get(IMPORT)
@allow("rep")
def show_import(import_id: int) -> ResponseReturnValue:
    """Show how an import stands: its columns to choose, its progress, or its report."""
    return _import(get_import(get_session(), current_user, import_id))


@bp.post(f"{IMPORT}/run")
@allow("rep")
def add_run(import_id: int) -> ResponseReturnValue:
    """Take the file in as chosen."""
    session, form = get_session(), request.form
    row = get_import(session, current_user, import_id)
    try:
        start(session, row, form.getlist("columns"), form.get("owner", ""), form.get("existing", ""))
    except Refused as error:
        session.rollback()
        return _import(row, error)
    session.commit()
    return redirect(url_for(".show_import", import_id=import_id), 303)


@bp.post(f"{IMPORT}/removal")
@allow("rep")
def remove_import(import_id: int) -> ResponseReturnValue:
    """Forget a file that was not taken in."""
    session = get_session()
    discard(session, get_import(session, current_user, import_id))
    session.commit()
    flash(_("The file is deleted; nobody was added."))
    return redirect(url_for(".show_imports"), 303)


@bp.get(f"{IMPORT}/refused.csv")
@allow("rep")
def export_refused(import_id: int) -> ResponseReturnValue:
    """Answer the refused lines as they stood, with their reasons, to be repaired and imported again."""
    session = get_session()
    row = get_import(session, current_user, import_id)
    lines = [[_("Line"), _("Reason"), *row.header]]
    lines += [[str(line.line), line.reason, *line.cells] for line in list_refused(session, import_id)]
    headers = {"Content-Disposition": f'attachment; filename="{_("refused")}-{import_id}.csv"'}
    body = "\ufeff" + "".join(map(write_row, lines))
    return Response(body, mimetype="text/csv; charset=utf-8", headers=headers)


def _imports(error: Refused | None = None) -> ResponseReturnValue:
    rows = list_imports(get_session(write=False), current_user)
    page = render_template("people/imports.html", rows=rows, error=error)
    return page, error.status if error else 200


def _import(row: PersonImport, error: Refused | None = None) -> ResponseReturnValue:
    session, is_draft = get_session(write=False), row.state == "draft"
    page = render(
        "people/import.html", "people/_import.html", row=row, error=error,
        chosen=request.form.getlist("columns") if error else row.columns, form=request.form if error else {},
        lines=preview_lines(row) if is_draft else [],
        targets=list_targets(list_fields(session, row.workspace_id)) if is_draft else [],
        refused=list_refused(session, row.id or 0, REFUSED_SHOWN) if row.refused else [],
    )  # fmt: skip
    return page, error.status if error else 200
