"""Routes for admins: what mail may tell of its readers, for the workspace and for each mailbox."""

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.consent.policy import MOST_DAYS, change_mailbox_mode, change_policy, find_policy, list_mailboxes
from server.consent.routes import bp
from server.db import get_session
from server.errors import Refused
from server.security import allow

PAGE = "/settings/privacy"


@bp.get(PAGE)
@allow("admin")
def show_policy() -> ResponseReturnValue:
    """Show what the workspace collects, and for how long."""
    return _policy()


@bp.post(PAGE)
@allow("admin")
def set_policy() -> ResponseReturnValue:
    """Change what the workspace collects."""
    session = get_session()
    try:
        change_policy(session, current_user.workspace_id, request.form)
    except Refused as error:
        session.rollback()
        return _policy(error)
    session.commit()
    flash(_("Saved. It holds for mail that is written from now on."))
    return redirect(PAGE, 303)


@bp.post(f"{PAGE}/mailboxes/<int(max=2147483647):mailbox_id>")
@allow("admin")
def set_mailbox_mode(mailbox_id: int) -> ResponseReturnValue:
    """Let one mailbox collect more or less than the workspace."""
    session = get_session()
    mailboxes = {mailbox.id: mailbox for mailbox, _mode in list_mailboxes(session, current_user.workspace_id)}
    if mailbox_id not in mailboxes:
        abort(404, _("There is no such mailbox in your workspace."))
    change_mailbox_mode(session, mailboxes[mailbox_id], request.form.get("mode", ""))
    session.commit()
    flash(_("Saved. It holds for mail that is written from now on."))
    return redirect(PAGE, 303)


def _policy(error: Refused | None = None) -> ResponseReturnValue:
    session, workspace_id = get_session(write=False), current_user.workspace_id
    page = render_template(
        "consent/policy.html", policy=find_policy(session, workspace_id), error=error, form=request.form,
        mailboxes=list_mailboxes(session, workspace_id), most_days=MOST_DAYS,
    )  # fmt: skip
    return page, error.status if error else 200
