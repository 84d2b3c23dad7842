"""What compose takes from the library, in the web app and in Gmail: a picker, and the text to insert."""

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from server.db import get_session
from server.errors import Refused
from server.library.insertions import make_insertion
from server.library.queries import Filter, make_filter, read_templates
from server.library.routes import bp
from server.library.templates import get_template
from server.messages.queries import find_sender
from server.security import allow


@bp.get("/library/picker")
@allow("rep")
def show_picker() -> ResponseReturnValue:
    """Show the templates or snippets to choose from, by what is typed."""
    chosen = _filter()
    page = read_templates(get_session(), current_user, chosen)
    return render_template("library/_picker.html", page=page, chosen=chosen, to=request.args.get("to", ""))


@bp.get("/library/insertions")
@allow("rep")
def list_insertions() -> Response:
    """Answer the same as the picker, for programs: {items: [{kind, id, title, note}]}."""
    page = read_templates(get_session(), current_user, _filter())
    items = [
        {"kind": line.template.kind, "id": line.template.id, "title": line.template.name, "note": line.template.subject}
        for line in page.lines
    ]
    return jsonify(items=items)


@bp.get("/library/insertions/<int(max=2147483647):template_id>")
@allow("rep")
def show_insertion(template_id: int) -> ResponseReturnValue:
    """Answer what a template puts into a mail to `to`: {subject, html, missing, signs}.

    A snippet's `subject` is null; `signs` says that the signature stands in `html` already.
    `merges=yes` says that the mail is merged again when it is sent, as the web app's compose does.
    """
    session, args = get_session(), request.args
    try:
        template = get_template(session, current_user, template_id)
    except Refused as error:
        fix = "Choose another one; a colleague may have taken it back."
        return jsonify(error="not_found", message=error.message, fix=fix), error.status
    mailbox = find_sender(session, current_user.id, args.get("mailbox_id", ""))
    to = args.get("to", "")[:2000]
    made = make_insertion(session, current_user, mailbox, template, to, is_language="merges" in args)
    return jsonify(subject=made.subject, html=made.html, missing=made.missing, signs=made.signs)


def _filter() -> Filter:
    return make_filter(request.args.get("of", ""), request.args.get("kind", ""), request.args.get("q", ""))
