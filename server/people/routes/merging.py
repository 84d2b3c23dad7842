"""Merging two persons: choose the other one, look at what would be kept, merge."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.accounts.scope import may_see_team
from server.db import get_session
from server.errors import Refused
from server.htmx import render
from server.people.custom_fields import list_fields
from server.people.menu import make_menu
from server.people.merge import is_merged, merge, preview, suggest
from server.people.people import get_person
from server.people.queries import list_owners, read_people
from server.people.routes import PERSON, bp
from server.security import allow

CHOICES = 10
LARGEST_ID = 2**31 - 1


@bp.get(f"{PERSON}/merge")
@allow("rep")
def show_merge(person_id: int) -> ResponseReturnValue:
    """Let the other person be chosen, or show what would be kept of the two."""
    session = get_session()
    keep = get_person(session, current_user, person_id)
    gone_id = request.args.get("with", type=int)
    if gone_id:
        gone = get_person(session, current_user, min(gone_id, LARGEST_ID))
        return render_template(
            "people/merge.html", keep=keep, gone=gone, kept=preview(session, keep, gone),
            menu=make_menu(session, current_user, keep), other=make_menu(session, current_user, gone),
            fields=list_fields(session, keep.workspace_id),
        )  # fmt: skip
    owners = list_owners(session, current_user, "team" if may_see_team(session, current_user) else "own")
    search = request.args.get("q", "").strip()[:200]
    found = read_people(session, keep.workspace_id, owners, search=search, limit=CHOICES).lines if search else []
    return render(
        "people/merge_choice.html", "people/_merge_choice.html",
        person_id=person_id, search=search, menu=make_menu(session, current_user, keep),
        found=[line for line in found if line.id != person_id], suggestions=suggest(session, keep, owners),
    )  # fmt: skip


@bp.post(f"{PERSON}/merge")
@allow("rep")
def add_merge(person_id: int) -> ResponseReturnValue:
    """Merge another person into this one; sent twice, it happens once."""
    session = get_session()
    keep = get_person(session, current_user, person_id)
    gone_id = request.form.get("gone", type=int)
    if not gone_id or not 0 < gone_id <= LARGEST_ID:
        raise Refused(_("Choose whom to merge into this person."), field="gone")
    if not is_merged(session, keep, gone_id):
        merge(session, keep, get_person(session, current_user, gone_id))
        session.commit()
    flash(_("The two are one person now."))
    return redirect(url_for(".show_person", person_id=person_id), 303)
