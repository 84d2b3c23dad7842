"""What the extension shows and tells of Gmail's threads: the open one, which one opens, and marks in the list."""

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from server.db import get_session
from server.security import allow
from server.sidebar.answers import Declined
from server.sidebar.marks import MOST_THREADS, read_marks
from server.sidebar.openings import THREAD_ID, note_opening, read_thread_id
from server.sidebar.routes.blueprint import answers, read_body, read_text
from server.sidebar.thread import read_thread

MOST_ADDRESSES = 20


@answers.get("/thread")
@allow("rep")
def show_thread() -> ResponseReturnValue:
    """Show what is known of an open thread and of those in it."""
    asked, addresses = request.args.get("gmail_thread_id", ""), request.args.getlist("addresses")[:MOST_ADDRESSES]
    thread = read_thread(get_session(), current_user, read_thread_id(asked) if asked else "", addresses)
    return render_template("sidebar/_thread.html", thread=thread, asked=request.args.to_dict(flat=False))


@answers.post("/thread-openings")
@allow("rep")
def add_opening() -> ResponseReturnValue:
    """Remember that a browser of the member's is about to show a thread."""
    session = get_session()
    note_opening(session, current_user.id, read_text(read_body(), "gmail_thread_id"))
    session.commit()
    return "", 204


@answers.post("/marks")
@allow("rep")
def show_marks() -> ResponseReturnValue:
    """Tell how far threads were read; nothing is changed."""
    ids = read_body().get("thread_ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) and THREAD_ID.fullmatch(one) for one in ids):
        raise Declined("bad_thread", _("“thread_ids” must be a list of Gmail’s ids."), field="thread_ids")
    if len(ids) > MOST_THREADS:
        message = _("At most %(limit)d threads are told of at once.", limit=MOST_THREADS)
        raise Declined("too_large", message, status=413, field="thread_ids")
    return jsonify(marks=read_marks(get_session(write=False), current_user, ids))
