"""A person's addresses: each act answers the list of them."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.people.addresses import add_address, list_addresses, make_main, remove_address
from server.people.models import Person
from server.people.people import get_person
from server.people.routes import PERSON, bp
from server.security import allow

ADDRESS = f"{PERSON}/addresses/<int(max=2147483647):address_id>"


@bp.post(f"{PERSON}/addresses")
@allow("rep")
def add_person_address(person_id: int) -> ResponseReturnValue:
    """Add an address."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    email = request.form.get("email", "")
    try:
        add_address(session, person, email)
    except Refused as error:
        session.rollback()
        return _answer(session, person, error=error)
    session.commit()
    return _answer(session, person, _("%(email)s is added.", email=email.strip()))


@bp.post(f"{ADDRESS}/removal")
@allow("rep")
def remove_person_address(person_id: int, address_id: int) -> ResponseReturnValue:
    """Remove an address."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    try:
        email = remove_address(session, person, address_id)
    except Refused as error:
        session.rollback()
        return _answer(session, person, error=error)
    session.commit()
    return _answer(session, person, _("%(email)s is removed.", email=email))


@bp.post(f"{ADDRESS}/promotion")
@allow("rep")
def promote_person_address(person_id: int, address_id: int) -> ResponseReturnValue:
    """Make an address the main one."""
    session = get_session()
    person = get_person(session, current_user, person_id)
    email = make_main(session, person, address_id)
    session.commit()
    return _answer(session, person, _("%(email)s is the main address now.", email=email))


def _answer(session: Session, person: Person, said: str = "", error: Refused | None = None) -> ResponseReturnValue:
    person_id = person.id or 0
    if is_partial_wanted():
        page = render_template(
            "people/_addresses.html", person=person, addresses=list_addresses(session, person_id), said=said,
            error=error, form=request.form if error else {},
        )  # fmt: skip
        return page, error.status if error else 200
    if error is not None:
        raise error
    flash(said)
    return redirect(url_for(".show_person", person_id=person_id), 303)
