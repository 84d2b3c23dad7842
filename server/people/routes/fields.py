"""The fields that an admin adds to the workspace's people."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.people.custom_fields import add_field, get_field, list_fields, remove_field, rename_field
from server.people.routes import bp
from server.security import allow

FIELDS = "/settings/people-fields"
FIELD = f"{FIELDS}/<int(max=2147483647):field_id>"


@bp.get(FIELDS)
@allow("admin")
def show_fields() -> ResponseReturnValue:
    """Show the workspace's own fields."""
    return _fields()


@bp.post(FIELDS)
@allow("admin")
def add_custom_field() -> ResponseReturnValue:
    """Add a field to everybody."""
    session = get_session()
    try:
        field = add_field(session, current_user.workspace_id, request.form.get("name", ""))
    except Refused as error:
        session.rollback()
        return _fields(error)
    session.commit()
    return _changed(_("“%(name)s” is added.", name=field.name))


@bp.post(FIELD)
@allow("admin")
def rename_custom_field(field_id: int) -> ResponseReturnValue:
    """Give a field another name."""
    session = get_session()
    field = get_field(session, current_user.workspace_id, field_id)
    try:
        rename_field(session, field, request.form.get("name", ""))
    except Refused as error:
        session.rollback()
        return _fields(error, field_id)
    session.commit()
    return _changed(_("Saved."))


@bp.post(f"{FIELD}/removal")
@allow("admin")
def remove_custom_field(field_id: int) -> ResponseReturnValue:
    """Remove a field and what it held."""
    session = get_session()
    field = get_field(session, current_user.workspace_id, field_id)
    remove_field(session, field)
    session.commit()
    return _changed(_("“%(name)s” is removed.", name=field.name))


def _changed(said: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return _fields(said=said)
    flash(said)
    return redirect(url_for(".show_fields"), 303)


def _fields(error: Refused | None = None, faulty_id: int = 0, said: str = "") -> ResponseReturnValue:
    session = get_session(write=False) if request.method == "GET" else get_session()
    page = render_template(
        "people/_fields.html" if is_partial_wanted() else "people/fields.html",
        fields=list_fields(session, current_user.workspace_id), error=error, faulty_id=faulty_id, said=said,
        form=request.form if error else {},
    )  # fmt: skip
    return page, error.status if error else 200
