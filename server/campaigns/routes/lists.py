"""Saved lists of people."""

import re

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from server.campaigns import lists
from server.campaigns.queries import get_campaign, list_campaigns
from server.campaigns.routes import bp
from server.db import get_session
from server.errors import Refused
from server.security import allow

ADDRESS = re.compile(r"[^\s<>,;:\"']+@[^\s<>,;:\"']+")  # in whatever column of a file it stands
MOST_BYTES = 2 * 2**20
SHOWN_UNKNOWN = 5


@bp.get("/campaigns/lists")
@allow("rep")
def list_lists() -> ResponseReturnValue:
    """Show the workspace's saved lists."""
    return _listing()


@bp.post("/campaigns/lists")
@allow("rep")
def add_list() -> ResponseReturnValue:
    """Add a list of the addresses typed or uploaded, or of whom a campaign's audience means now."""
    session = get_session()
    try:
        listed = lists.add_list(session, current_user, request.form.get("name", ""))
        unknown: list[str] = []
        if campaign_id := request.form.get("campaign_id", type=int):
            campaign = get_campaign(session, current_user, campaign_id)
            lists.fill_from_filter(session, listed, current_user, campaign.audience)
        else:
            unknown = lists.fill_from_addresses(session, listed, ADDRESS.findall(_read_text()))
    except Refused as error:
        session.rollback()
        return _listing(error)
    session.commit()
    flash(ngettext("The list has %(num)d person.", "The list has %(num)d people.", listed.people))
    if unknown:
        named = ", ".join(unknown[:SHOWN_UNKNOWN]) + ("…" if len(unknown) > SHOWN_UNKNOWN else "")
        flash(_("%(count)d addresses belong to nobody here: %(named)s", count=len(unknown), named=named), "error")
    return redirect(url_for(".list_lists"), 303)


@bp.post("/campaigns/lists/<int(max=2147483647):list_id>/removal")
@allow("rep")
def remove_list(list_id: int) -> ResponseReturnValue:
    """Delete a list; its people stay."""
    session = get_session()
    lists.remove_list(session, lists.get_list(session, current_user, list_id))
    session.commit()
    flash(_("The list is gone; its people stay."))
    return redirect(url_for(".list_lists"), 303)


def _read_text() -> str:
    file = request.files.get("file")
    if file is None or not file.filename:
        return request.form.get("addresses", "")[:MOST_BYTES]
    content = file.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Refused(_("The file is larger than 2 MB."), status=413, field="file")
    return content.decode("utf-8", "replace")


def _listing(error: Refused | None = None) -> ResponseReturnValue:
    session = get_session(write=False)
    page = render_template(
        "campaigns/lists.html", lists=lists.read_lists(session, current_user.workspace_id), error=error,
        form=request.form, campaigns=list_campaigns(session, current_user)[0],
    )  # fmt: skip
    return page, error.status if error else 200
