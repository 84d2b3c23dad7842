"""One person: the profile, its parts, editing, and whose they are."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.accounts.members import list_members
from server.accounts.scope import may_see_team
from server.db import get_session
from server.errors import Refused
from server.feed.queries import read_names
from server.feed.readings import read_readings
from server.feed.rows import present
from server.htmx import is_partial_wanted
from server.messages.mail_to_person import read_mail_to
from server.people.addresses import list_addresses
from server.people.custom_fields import list_fields
from server.people.fields import CUSTOM, read_custom, read_fields
from server.people.menu import make_menu
from server.people.merge import suggest
from server.people.models import Person
from server.people.people import FIELDS, change_owner, change_person, find_kept, get_person, is_visible
from server.people.queries import list_owners
from server.people.routes import PERSON, bp
from server.people.timeline import read_timeline
from server.security import allow


@bp.get(PERSON)
@allow("rep")
def show_person(person_id: int) -> ResponseReturnValue:
    """Show a person's profile; the address of one who was merged leads to the other."""
    session = get_session()
    kept_id = find_kept(session, current_user.workspace_id, person_id)
    if kept_id is not None:
        return redirect(url_for(".show_person", person_id=kept_id), 302)
    person = get_person(session, current_user, person_id)
    if is_partial_wanted():
        return render_template("people/_header.html", **_header(session, person))
    owners = list_owners(session, current_user, "team" if may_see_team(session, current_user) else "own")
    return render_template(
        "people/person.html",
        addresses=list_addresses(session, person_id),
        suggestions=suggest(session, person, owners),
        **_header(session, person),
        **_timeline(session, person_id),
    )


@bp.get(f"{PERSON}/timeline")
@allow("rep")
def show_timeline(person_id: int) -> ResponseReturnValue:
    """Show what a person did, newest first, or one older page of it."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    template = "people/_timeline.html" if is_partial_wanted() else "people/timeline.html"
    return render_template(template, menu=make_menu(session, current_user, person), **_timeline(session, person_id))


@bp.get(f"{PERSON}/edit")
@allow("rep")
def show_edit(person_id: int) -> ResponseReturnValue:
    """Show what can be changed about a person."""
    person = get_person(get_session(), current_user, person_id)
    custom = {f"{CUSTOM}{key}": value for key, value in person.custom.items()}
    return _edit(person, {name: getattr(person, name) for name in FIELDS} | custom)


@bp.post(PERSON)
@allow("rep")
def change(person_id: int) -> ResponseReturnValue:
    """Change what is known of a person."""
    session, form = get_session(), request.form
    person = get_person(session, current_user, person_id)
    try:
        custom = read_custom(form, [field.id or 0 for field in list_fields(session, person.workspace_id)])
        change_person(session, person, read_fields(form), custom)
    except Refused as error:
        session.rollback()
        return _edit(person, form, error)
    session.commit()
    flash(_("Saved."))
    return redirect(url_for(".show_person", person_id=person_id), 303)


@bp.post(f"{PERSON}/owner")
@allow("rep")
def set_person_owner(person_id: int) -> ResponseReturnValue:
    """Assign a person to a member, or to nobody."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    change_owner(session, person, _read_owner(request.form.get("owner_id", "")))
    session.commit()
    flash(_("%(name)s has another owner now.", name=make_menu(session, current_user, person).name))
    if is_visible(session, current_user, person):
        return redirect(url_for(".show_person", person_id=person_id), 303)
    return redirect(url_for(".list_people"), 303)


def _read_owner(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None if text == "" else 0


def _header(session: Session, person: Person) -> dict[str, Any]:
    return {
        "person": person,
        "menu": make_menu(session, current_user, person),
        "fields": list_fields(session, person.workspace_id),
        "names": read_names(session, person.workspace_id),
        "members": [member for member in list_members(session, person.workspace_id) if member.is_active],
    }


def _timeline(session: Session, person_id: int) -> dict[str, Any]:
    page = read_timeline(session, current_user, person_id, request.args.get("before"))
    names = read_names(session, current_user.workspace_id) if may_see_team(session, current_user) else None
    progress = read_readings(session, page.rows)
    rows = [present(row, names, progress=progress) for row in page.rows]
    mail = read_mail_to(session, current_user, person_id)
    return {"rows": rows, "next": page.next, "person_id": person_id, "mail": mail}


def _edit(person: Person, form: Any, error: Refused | None = None) -> ResponseReturnValue:
    session = get_session(write=False)
    page = render_template(
        "people/edit.html", form=form, error=error, fields=list_fields(session, current_user.workspace_id),
        menu=make_menu(session, current_user, person),
    )  # fmt: skip
    return page, error.status if error else 200
