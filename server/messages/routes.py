"""Routes of the room `messages`: compose, what was sent, one message, and trying a failed copy again."""

from dataclasses import replace

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.consent.policy import policy_for
from server.db import get_session
from server.errors import Refused
from server.htmx import is_partial_wanted, render
from server.library.fields import list_known
from server.library.insertions import start_mail
from server.library.signatures import find_signatures
from server.messages import outbox
from server.messages.attachments.files import MOST_BYTES, find_own, keep, read_attached
from server.messages.compose import compose
from server.messages.forms import ComposeForm, make_form, read_form
from server.messages.plain import to_text
from server.messages.queries import (
    MessageView,
    find_copy,
    find_message,
    find_sender,
    list_senders,
    read_links,
    read_messages,
)
from server.security import allow

bp = Blueprint("messages", __name__)

LAST_ID = 2**31 - 1


@bp.get("/compose")
@allow("rep")
def show_compose() -> ResponseReturnValue:
    """Show an empty mail, to whom and about what the address names."""
    session, template_id = get_session(), request.args.get("template", type=int)
    start = start_mail(session, current_user, template_id, request.args.get("to", "")) if template_id else None
    return _render_compose(make_form(request.args, start))


@bp.post("/messages")
@allow("rep")
def add_message() -> ResponseReturnValue:
    """Send the mail of the form, once however often it is submitted; show it again with what is wrong."""
    session = get_session()
    form = read_form(request.form, request.form.getlist("attachments"))
    try:
        form = _keep_files(session, form)
        mailbox = find_sender(session, current_user.id, form.mailbox_id)
        message = compose(session, current_user, mailbox, form.draft, f"form:{form.key}")
    except Refused as error:
        session.rollback()
        return _render_compose(form, error), error.status
    session.commit()
    return redirect(url_for(".show_message", message_id=message.id), 303)


@bp.get("/messages")
@allow("rep")
def list_messages() -> ResponseReturnValue:
    """Show what the member sent, newest first, or one older page of it."""
    before = min(request.args.get("before", LAST_ID, type=int), LAST_ID)
    sent = read_messages(get_session(), current_user.id, before)
    return render("messages/messages.html", "messages/_messages.html", sent=sent)


@bp.get("/messages/<int(max=2147483647):message_id>")
@allow("rep")
def show_message(message_id: int) -> ResponseReturnValue:
    """Show one message, or, to a page that already shows it, how it stands now."""
    view = _get_message(get_session(), message_id)
    if is_partial_wanted():
        return render_template("messages/_state.html", view=view)
    links = read_links(get_session(), message_id)
    files = read_attached(get_session(), view.message)
    text = view.message.text if view.message.is_text else to_text(view.message.html)
    return render_template("messages/message.html", view=view, links=links, text=text, files=files)


@bp.post("/copies/<int(max=2147483647):copy_id>/retries")
@allow("rep")
def add_retry(copy_id: int) -> ResponseReturnValue:
    """Try a failed copy again."""
    session = get_session()
    copy = find_copy(session, current_user.id, copy_id)
    if copy is None:
        abort(404, _("You have no such mail."))
    outbox.retry(session, copy)
    session.commit()
    if is_partial_wanted():
        return render_template("messages/_state.html", view=_get_message(session, copy.message_id))
    return redirect(url_for(".show_message", message_id=copy.message_id), 303)


def _keep_files(session: Session, form: ComposeForm) -> ComposeForm:
    """Keep the files that came with the form, so that it can be shown again without asking for them again."""
    uploads = [upload for upload in request.files.getlist("files") if upload.filename]
    kept = [keep(session, current_user, upload.stream, upload.filename or "") for upload in uploads]
    if kept:
        session.commit()
    return replace(form, attachments=(*form.attachments, *(file.id for file in kept)))


def _render_compose(form: ComposeForm, error: Refused | None = None) -> str:
    session = get_session(write=False)
    senders, known_fields = list_senders(session, current_user.id), list_known(session, current_user.workspace_id)
    files = find_own(get_session(), current_user, form.attachments)
    signatures = {} if form.start and form.start.signs else find_signatures(session, senders)
    return render_template(
        "messages/compose.html", form=form, error=error, senders=senders, known_fields=known_fields, files=files,
        signatures={mailbox_id: signature.html for mailbox_id, signature in signatures.items()},
        most_attached=MOST_BYTES, policies=[(sender.email, policy_for(session, sender)) for sender in senders],
    )  # fmt: skip


def _get_message(session: Session, message_id: int) -> MessageView:
    view = find_message(session, current_user, message_id)
    if view is None:
        abort(404, _("You have no such message."))
    return view
