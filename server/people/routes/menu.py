"""The menu of a person in every shell, and Add."""

import re
from secrets import token_hex

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.db import get_session
from server.htmx import is_partial_wanted, render
from server.people.fields import read_line
from server.people.menu import find_menu, make_menu
from server.people.people import adopt
from server.people.routes import bp
from server.security import allow

KEY = re.compile(r"[0-9a-f]{12}")


@bp.get("/people/menu")
@allow("rep")
def show_menu() -> ResponseReturnValue:
    """Show what can be done with a person or an address, for any shell."""
    person_id = request.args.get("person", type=int)
    menu = find_menu(
        get_session(), current_user, person_id if person_id and 0 < person_id < 2**31 else None,
        request.args.get("address", ""), request.args.get("name", ""),
    )  # fmt: skip
    return render("people/menu.html", "people/_menu.html", menu=menu, key=_read_key())


def add_from_menu() -> ResponseReturnValue:
    """Make the person of an address the member's own, added where nobody has it; answer the menu without Add."""
    session = get_session()
    name = read_line(request.form.get("name", ""), "name")
    person = adopt(session, current_user, request.form.get("address", ""), name)
    session.commit()
    if is_partial_wanted():
        menu = make_menu(session, current_user, person)
        return render_template("people/_menu.html", menu=menu, key=_read_key(), was_added=True)
    return redirect(url_for("people.show_menu", person=person.id), 303)


def _read_key() -> str:
    """Return what keeps this menu apart from others on its page, through all its answers, so that focus stays."""
    key = request.values.get("key", "")
    return key if KEY.fullmatch(key) else token_hex(6)
