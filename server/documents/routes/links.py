"""The links of a document: bare ones with a name, the settings of each, and taking one back."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.documents.links import add_link, change, read_settings, reopen, revoke
from server.documents.models import Document, Share
from server.documents.queries import find_share_of, read_shares
from server.documents.routes import DOCUMENT, bp
from server.documents.routes.document import get_document, make_url
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.keys import get_keys
from server.security import allow
from server.tasks.days import zone_of

LINK = "/documents/links/<int(max=2147483647):share_id>"


@bp.post(f"{DOCUMENT}/links")
@allow("rep")
def add_bare_link(public_id: str) -> ResponseReturnValue:
    """Make a link with a name, to give to somebody by hand."""
    session = get_session()
    document = get_document(session, public_id)
    try:
        share = add_link(session, get_keys(), current_user, document, request.form.get("name", ""))
    except Refused as error:
        session.rollback()
        return _answer(document, error=error)
    session.commit()
    return _answer(document, _("The link is made."), share)


@bp.post(f"{LINK}/settings")
@allow("rep")
def change_link(share_id: int) -> ResponseReturnValue:
    """Change what a link asks for and allows."""
    session = get_session()
    share, document = _get_link(session, share_id)
    try:
        change(session, share, read_settings(request.form), zone_of(session, current_user))
    except Refused as error:
        session.rollback()
        return _answer(document, error=error, opened=share)
    session.commit()
    return _answer(document, _("The settings hold from now on."), share)


@bp.post(f"{LINK}/revocation")
@allow("rep")
def revoke_link(share_id: int) -> ResponseReturnValue:
    """Take a link back: it shows nothing from now on."""
    session = get_session()
    share, document = _get_link(session, share_id)
    revoke(session, share)
    session.commit()
    return _answer(document, _("The link shows nothing from now on."), share)


@bp.post(f"{LINK}/reopening")
@allow("rep")
def reopen_link(share_id: int) -> ResponseReturnValue:
    """Let a link that was taken back show the document again."""
    session = get_session()
    share, document = _get_link(session, share_id)
    reopen(session, share)
    session.commit()
    return _answer(document, _("The link shows the document again."), share)


def _get_link(session: Session, share_id: int) -> tuple[Share, Document]:
    share = find_share_of(session, current_user, share_id)
    if share is None:
        abort(404, _("You have no such link."))
    return share, session.get_one(Document, share.document_id)


def _answer(
    document: Document, said: str = "", opened: Share | None = None, error: Refused | None = None
) -> ResponseReturnValue:
    if is_partial_wanted():
        shares = read_shares(get_session(), document.id, current_user)
        return render_template("documents/_links.html", document=document, shares=shares, url_of=make_url,
                               said=said, error=error, opened=opened)  # fmt: skip
    flash(error.message if error else said, "error" if error else "message")
    return redirect(url_for(".show_document", public_id=document.public_id), 303)
