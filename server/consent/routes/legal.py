"""Routes for admins: the text of the legal page, in each language."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.config import get_settings
from server.consent.legal import TEXT_LENGTH, change_text, legal_url, read_source
from server.consent.routes import bp
from server.db import get_session
from server.errors import Refused
from server.i18n import LOCALES
from server.keys import get_keys
from server.security import allow

PAGE = "/settings/legal"


@bp.get(PAGE)
@allow("admin")
def show_legal_texts() -> ResponseReturnValue:
    """Show the texts to edit, and where the page stands."""
    return _texts()


@bp.post(PAGE)
@allow("admin")
def set_legal_texts() -> ResponseReturnValue:
    """Change the texts."""
    session = get_session()
    try:
        for locale in LOCALES:
            change_text(session, current_user.workspace_id, locale, request.form.get(locale, ""))
    except Refused as error:
        session.rollback()
        return _texts(error)
    session.commit()
    flash(_("Saved. The page shows it at once."))
    return redirect(url_for(".show_legal_texts"), 303)


def _texts(error: Refused | None = None) -> ResponseReturnValue:
    session, workspace_id = get_session(write=False), current_user.workspace_id
    texts = {locale: request.form.get(locale) or read_source(session, workspace_id, locale) for locale in LOCALES}
    page = render_template(
        "consent/legal.html", texts=texts, error=error, most=TEXT_LENGTH,
        url=legal_url(get_settings(), get_keys(), workspace_id),
    )  # fmt: skip
    return page, error.status if error else 200
