"""A member's signatures, and which of them each mailbox starts a mail with."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.errors import Refused
from server.library import signatures
from server.library.forms import TemplateForm, read_form
from server.library.models import Signature
from server.library.routes import bp
from server.messages.queries import find_sender, list_senders
from server.security import allow

SIGNATURE = "/library/signatures/<int(max=2147483647):signature_id>"


@bp.get("/library/signatures")
@allow("rep")
def list_signatures() -> ResponseReturnValue:
    """Show the member's signatures and mailboxes."""
    session = get_session()
    senders = list_senders(session, current_user.id)
    chosen = signatures.find_signatures(session, senders)
    known = signatures.list_signatures(session, current_user)
    return render_template("library/signatures.html", signatures=known, senders=senders, chosen=chosen)


@bp.get("/library/signatures/new")
@allow("rep")
def show_new_signature() -> ResponseReturnValue:
    """Show the editor of a signature, empty."""
    return _editor(TemplateForm())


@bp.post("/library/signatures")
@allow("rep")
def add_signature() -> ResponseReturnValue:
    """Add the signature of the form."""
    session, form = get_session(), read_form(request.form)
    try:
        signatures.add_signature(session, current_user, form.name, form.html)
    except Refused as error:
        return _editor(form, error=error)
    return _saved(session, form.name)


@bp.get(SIGNATURE)
@allow("rep")
def show_signature(signature_id: int) -> ResponseReturnValue:
    """Show the editor of a signature."""
    signature = signatures.get_signature(get_session(), current_user, signature_id)
    return _editor(TemplateForm(name=signature.name, html=signature.html), signature)


@bp.post(SIGNATURE)
@allow("rep")
def edit_signature(signature_id: int) -> ResponseReturnValue:
    """Write the form over a signature."""
    session, form = get_session(), read_form(request.form)
    signature = signatures.get_signature(session, current_user, signature_id)
    try:
        signatures.edit_signature(session, current_user, signature, form.name, form.html)
    except Refused as error:
        return _editor(form, signature, error)
    return _saved(session, form.name)


@bp.post(f"{SIGNATURE}/removal")
@allow("rep")
def remove_signature(signature_id: int) -> ResponseReturnValue:
    """Delete a signature."""
    session = get_session()
    signature = signatures.get_signature(session, current_user, signature_id)
    signatures.remove_signature(session, signature)
    session.commit()
    flash(_("Deleted “%(name)s”.", name=signature.name))
    return redirect(url_for(".list_signatures"), 303)


@bp.post("/library/signatures/defaults")
@allow("rep")
def set_default() -> ResponseReturnValue:
    """Let a mailbox start mail with a signature, or with none."""
    session, given = get_session(), request.form.get("signature_id", "")
    mailbox = find_sender(session, current_user.id, request.form.get("mailbox_id", "-"))
    if mailbox is None:
        abort(404, _("You have no such mailbox."))
    number = int(given[:10]) if given.isascii() and given.isdecimal() else 0
    signature = signatures.get_signature(session, current_user, number) if number else None
    signatures.set_default(session, mailbox, signature)
    session.commit()
    flash(_("Mail from %(email)s starts with “%(name)s” now.", email=mailbox.email, name=signature.name) if signature
          else _("Mail from %(email)s starts without a signature now.", email=mailbox.email))  # fmt: skip
    return redirect(url_for(".list_signatures"), 303)


def _saved(session: Session, name: str) -> ResponseReturnValue:
    session.commit()
    flash(_("Saved “%(name)s”.", name=name))
    return redirect(url_for(".list_signatures"), 303)


def _editor(
    form: TemplateForm, signature: Signature | None = None, error: Refused | None = None
) -> ResponseReturnValue:
    answer = render_template("library/signature.html", form=form, signature=signature, error=error)
    return answer, error.status if error else 200
