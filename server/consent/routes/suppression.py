"""Routes for admins: the addresses that the workspace does not write to."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.accounts.fields import read_email
from server.consent.ledger import LIFTED, Proof, note_answer
from server.consent.models import Answer, Purpose, Reason, Suppression, Way
from server.consent.routes import bp
from server.consent.suppression import find_suppression, get_suppression, lift, list_suppressions, suppress
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted, render
from server.security import allow

PAGE = "/settings/suppression"
SEARCH_LENGTH = 254
NOTE_LENGTH = 1000


@bp.get(PAGE)
@allow("admin")
def show_suppressions() -> ResponseReturnValue:
    """Show who is not written to: the newest, or one address."""
    return _list(get_session(), request.args.get("q", "").strip()[:SEARCH_LENGTH])


@bp.post(PAGE)
@allow("admin")
def add_suppression() -> ResponseReturnValue:
    """Write to an address no more."""
    session = get_session()
    try:
        email = read_email(request.form.get("email", ""))
    except Refused as error:
        return _list(session, error=error)
    suppress(session, current_user.workspace_id, email, Reason.BY_MEMBER, "member")
    session.commit()
    return _answer(session, _("%(email)s gets no more mail.", email=email))


@bp.post(f"{PAGE}/<int(max=2147483647):suppression_id>/removal")
@allow("admin")
def remove_suppression(suppression_id: int) -> ResponseReturnValue:
    """Write to an address again; of one who was erased, the admin must know it."""
    session = get_session()
    row = get_suppression(session, current_user.workspace_id, suppression_id)
    address = row.address or request.form.get("email", "").strip()
    if find_suppression(session, current_user.workspace_id, address) is not row:
        error = Refused(_("That is not the address of this line."), field="removal")
        return _list(session, error=error)
    _lift(session, row, address, request.form.get("note", ""))
    session.commit()
    return _answer(session, _("%(email)s may be written to again.", email=address))


def _lift(session: Session, row: Suppression, address: str, note: str) -> None:
    """Lift what keeps mail from an address; where its owner wanted that, the ledger tells which member did and why."""
    workspace_id, proof, is_wish = row.workspace_id, Proof(note=note.strip()[:NOTE_LENGTH]), row.reason in LIFTED
    lift(session, workspace_id, address)
    if not is_wish:
        return
    note_answer(
        session, workspace_id, address, Purpose.MAIL, Answer.GIVEN, Way.MEMBER, member_id=current_user.id, proof=proof
    )


def _answer(session: Session, said: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return _list(session, said=said)
    flash(said)
    return redirect(url_for(".show_suppressions"), 303)


def _list(session: Session, search: str = "", error: Refused | None = None, said: str = "") -> ResponseReturnValue:
    rows = list_suppressions(session, current_user.workspace_id, search)
    page = render(
        "consent/suppressions.html", "consent/_suppressions.html", rows=rows, search=search, error=error, said=said,
        form=request.form if error else {},
    )  # fmt: skip
    return page, error.status if error else 200
