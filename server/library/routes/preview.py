"""What the editor shows beside itself: the mail for one person, its hints, and a sample to send."""

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.errors import Refused
from server.htmx import render
from server.library.forms import TemplateForm, read_form
from server.library.preview import Preview, make_preview, write_document
from server.library.routes import bp
from server.library.samples import send_sample
from server.messages.queries import find_sender
from server.people.models import Person
from server.people.people import get_person
from server.security import allow, allow_framing
from server.tasks.persons import search_people

# A mail brings its own styles and shows pictures from anywhere; in its sandbox nothing of it runs or leads away.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)


@bp.post("/library/preview")
@allow("rep")
def show_preview() -> ResponseReturnValue:
    """Show the text of the editor as the chosen person would get it."""
    form = read_form(request.form)
    return render("library/preview.html", "library/_preview.html", form=form, shown=preview_form(get_session(), form))


@bp.post("/library/preview/mail")
@allow("rep")
@allow_framing
def show_mail() -> Response:
    """Answer the mail itself, for a frame: exactly its HTML, without pixel and wrapped links."""
    shown = preview_form(get_session(), read_form(request.form))
    response = make_response(write_document(shown.html))
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@bp.get("/library/people")
@allow("rep")
def show_people() -> ResponseReturnValue:
    """Show for whom a text can be previewed, by the beginning of a name or address."""
    form = read_form(request.args)
    found = search_people(get_session(), current_user, form.person_query, form.person_id)
    return render_template("library/_people.html", form=form, people=found)


@bp.post("/library/samples")
@allow("rep")
def add_sample() -> ResponseReturnValue:
    """Send the text of the editor to one address, as the chosen person would get it."""
    session, form = get_session(), read_form(request.form)
    shown = preview_form(session, form)
    try:
        mailbox = find_sender(session, current_user.id)
        send_sample(session, current_user, mailbox, form.sample_to, shown, form.name, form.sample_key)
    except Refused as error:
        session.rollback()
        return _sample(form, error)
    session.commit()
    return _sample(form)


def preview_form(session: Session, form: TemplateForm) -> Preview:
    """Return the preview of what stands in the editor."""
    mailbox = find_sender(session, current_user.id)
    person = _find_person(session, form.person_id)
    return make_preview(session, current_user, mailbox, person, form.kind, form.subject, form.html)


def _find_person(session: Session, person_id: str) -> Person | None:
    if not (person_id.isascii() and person_id.isdecimal()):
        return None
    try:
        return get_person(session, current_user, int(person_id[:10]))
    except Refused:
        return None


def _sample(form: TemplateForm, error: Refused | None = None) -> ResponseReturnValue:
    sent_to = "" if error else form.sample_to
    answer = render("library/sample.html", "library/_sample.html", form=form, error=error, sent_to=sent_to)
    return answer, error.status if error else 200
