"""Routes for admins: what was set aside, why, and what to do with it."""

from flask import Blueprint, abort, redirect
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.config import get_settings
from server.db import get_session
from server.dead_letters.letters import let_go, list_letters, retry
from server.dead_letters.models import DeadLetter
from server.dead_letters.queries import list_troubled_mailboxes
from server.dead_letters.records import let_record_go, list_records, retry_record
from server.errors import Refused
from server.htmx import is_partial_wanted, render
from server.messages import outbox
from server.messages.models import Copy
from server.security import allow

bp = Blueprint("dead_letters", __name__, url_prefix="/settings/set-aside")


@bp.get("")
@allow("admin")
def show_letters(error: Refused | None = None) -> ResponseReturnValue:
    """Show the jobs that are held, and the hits and mails that could not be read."""
    session = get_session()
    page = render(
        "dead_letters/letters.html", "dead_letters/_letters.html", letters=list_letters(session), error=error,
        records=list_records(get_settings().journal_dir),
        mailboxes=list_troubled_mailboxes(session, current_user.workspace_id),
    )  # fmt: skip
    return page, error.status if error else 200


@bp.post("/jobs/<int:letter_id>/trial")
@allow("admin")
def retry_letter(letter_id: int) -> ResponseReturnValue:
    """Let a job start again; a mail that was given up with its job is put into the outbox again."""
    session = get_session()
    letter = _get(letter_id)
    copy = session.get(Copy, int(letter.ids)) if letter.job == "send_copy" else None
    try:
        retry(session, letter) if copy is None else outbox.retry(session, copy)
    except Refused as error:
        session.rollback()
        return show_letters(error)
    session.commit()
    return _changed()


@bp.post("/jobs/<int:letter_id>/removal")
@allow("admin")
def remove_letter(letter_id: int) -> ResponseReturnValue:
    """Take a job off the list."""
    session = get_session()
    let_go(session, _get(letter_id))
    session.commit()
    return _changed()


@bp.post("/records/<name>/trial")
@allow("admin")
def try_record(name: str) -> ResponseReturnValue:
    """Put a record back into the journal."""
    try:
        retry_record(get_settings().journal_dir, name)
    except Refused as error:
        return show_letters(error)
    return _changed()


@bp.post("/records/<name>/removal")
@allow("admin")
def remove_record(name: str) -> ResponseReturnValue:
    """Delete a record that is kept aside."""
    try:
        let_record_go(get_settings().journal_dir, name)
    except Refused as error:
        return show_letters(error)
    return _changed()


def _get(letter_id: int) -> DeadLetter:
    return get_session().get(DeadLetter, letter_id) or abort(404)


def _changed() -> ResponseReturnValue:
    return show_letters() if is_partial_wanted() else redirect("/settings/set-aside", 303)
