"""The list of people, adding one, and the list as a file."""

from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.scope import may_see_team
from server.db import get_db, get_session
from server.errors import Refused
from server.feed.queries import read_names
from server.htmx import render
from server.people.custom_fields import list_fields
from server.people.export import list_columns, write_people
from server.people.fields import read_custom, read_fields
from server.people.people import add_person
from server.people.queries import SORTS, list_owners, read_people
from server.people.routes import bp
from server.people.routes.menu import add_from_menu
from server.security import allow

VIEWS = ("mine", "unassigned", "team")
SEARCH_LENGTH = 200


@bp.get("/people")
@allow("rep")
def list_people() -> ResponseReturnValue:
    """Show people, or one more page of them, or those who are found."""
    session, args = get_session(), request.args
    sees_team = may_see_team(session, current_user)
    of = args.get("of", "") if args.get("of") in VIEWS[: 3 if sees_team else 2] else "mine"
    sort = args.get("sort", "") if args.get("sort") in SORTS else "name"
    search = args.get("q", "").strip()[:SEARCH_LENGTH]
    owners = list_owners(session, current_user, of)
    found = read_people(session, current_user.workspace_id, owners, sort, search, args.get("after") or None)
    return render(
        "people/people.html", "people/_people.html", found=found, of=of, sort=sort, search=search,
        names=read_names(session, current_user.workspace_id) if of == "team" else {},
        views=VIEWS[: 3 if sees_team else 2], after=args.get("after"),
    )  # fmt: skip


@bp.get("/people/new")
@allow("rep")
def show_new() -> ResponseReturnValue:
    """Show an empty form, with the address and name that the page's address gives."""
    return _form({"email": request.args.get("address", ""), "name": request.args.get("name", "")})


@bp.post("/people")
@allow("rep")
def add() -> ResponseReturnValue:
    """Add a person as the member's own, from the form or from a menu."""
    session, form = get_session(), request.form
    if "menu" in form:
        return add_from_menu()
    workspace_id = current_user.workspace_id
    try:
        custom = read_custom(form, [field.id or 0 for field in list_fields(session, workspace_id)])
        address = form.get("email", "")
        person = add_person(session, workspace_id, current_user.id, address, custom=custom, **read_fields(form))
    except Refused as error:
        session.rollback()
        return _form(form, error)
    session.commit()
    return redirect(url_for("people.show_person", person_id=person.id), 303)


@bp.get("/people/export.csv")
@allow("rep")
def export() -> ResponseReturnValue:
    """Stream the member's people, or the team's, as CSV that no spreadsheet takes for formulas."""
    session, of = get_session(), request.args.get("of", "mine")
    owners = list_owners(session, current_user, of)
    workspace_id, columns = current_user.workspace_id, list_columns(session, current_user.workspace_id)
    database = get_db()

    def lines() -> Iterator[str]:
        with database.session(write=False) as own:
            yield from write_people(own, workspace_id, owners, columns)

    headers = {"Content-Disposition": f'attachment; filename="{_("people")}.csv"'}
    return Response(lines(), mimetype="text/csv; charset=utf-8", headers=headers)


def _form(form: Any, error: Refused | None = None) -> ResponseReturnValue:
    fields = list_fields(get_session(write=False), current_user.workspace_id)
    page = render_template("people/new.html", form=form, error=error, fields=fields)
    return page, error.status if error else 200
