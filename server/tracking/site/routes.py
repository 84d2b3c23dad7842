"""Routes for admins: the workspace's website, its snippet and its secret."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.config import get_settings
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted
from server.keys import get_keys
from server.security import allow
from server.tracking.site.sites import (
    COUNT_LIMIT,
    change_site,
    count_visits,
    find_site,
    remove_site,
    renew_secret,
    snippet_url,
)

bp = Blueprint("site", __name__, url_prefix="/settings/site")


@bp.get("")
@allow("admin")
def show_site() -> ResponseReturnValue:
    """Show the website's hosts, snippet and visits."""
    return _site()


@bp.post("")
@allow("admin")
def set_site() -> ResponseReturnValue:
    """Change of which hosts visits are taken."""
    session, form = get_session(), request.form
    try:
        change_site(session, current_user.workspace_id, form.get("hosts", ""), "takes_unsigned" in form)
    except Refused as error:
        session.rollback()
        return _site(error)
    session.commit()
    return _changed(_("Saved."))


@bp.post("/secret")
@allow("admin")
def make_secret() -> ResponseReturnValue:
    """Make a new secret and show it, this once."""
    session = get_session()
    site = find_site(session, current_user.workspace_id)
    if site is None:
        return redirect("/settings/site", 303)
    secret = renew_secret(session, get_keys(), site)
    session.commit()
    return _site(secret=secret)


@bp.post("/removal")
@allow("admin")
def remove() -> ResponseReturnValue:
    """Take no more visits."""
    session = get_session()
    remove_site(session, current_user.workspace_id)
    session.commit()
    return _changed(_("Removed. The snippet reports nothing any more; you can take it out of your pages."))


def _changed(said: str) -> ResponseReturnValue:
    if is_partial_wanted():
        return _site(said=said)
    flash(said)
    return redirect("/settings/site", 303)


def _site(error: Refused | None = None, secret: str = "", said: str = "") -> ResponseReturnValue:
    session = get_session()
    site = find_site(session, current_user.workspace_id)
    page = render_template(
        "tracking/_site.html" if is_partial_wanted() else "tracking/site.html",
        site=site, error=error, secret=secret, said=said, form=request.form if error else {},
        url=snippet_url(get_settings(), get_keys(), site) if site else "",
        visits=count_visits(session, current_user.workspace_id) if site else 0, visits_limit=COUNT_LIMIT,
    )  # fmt: skip
    return page, error.status if error else 200
