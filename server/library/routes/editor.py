"""The page of one template: its editor, or for a colleague's the text and a way to copy it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.errors import Refused
from server.library import templates
from server.library.fields import list_known
from server.library.forms import TemplateForm, read_form, show_form
from server.library.models import Template
from server.library.routes import TEMPLATE, bp
from server.library.routes.preview import preview_form
from server.security import allow, allow_framing


@bp.get("/library/new")
@allow("rep")
@allow_framing
def show_new() -> ResponseReturnValue:
    """Show the editor, empty."""
    return _editor(get_session(), read_form({}, request.args.get("kind", "")))


@bp.post("/library/templates")
@allow("rep")
@allow_framing
def add_template() -> ResponseReturnValue:
    """Add the template of the form."""
    session, form = get_session(), read_form(request.form)
    try:
        template = templates.add_template(session, current_user, form.draft)
    except Refused as error:
        return _editor(session, form, error=error)
    session.commit()
    return _saved(template)


@bp.get(TEMPLATE)
@allow("rep")
@allow_framing
def show_template(template_id: int) -> ResponseReturnValue:
    """Show one template."""
    session = get_session()
    template = templates.get_template(session, current_user, template_id)
    return _editor(session, show_form(template), template)


@bp.post(TEMPLATE)
@allow("rep")
@allow_framing
def edit_template(template_id: int) -> ResponseReturnValue:
    """Write the form over a template."""
    session = get_session()
    template = templates.get_own(session, current_user, template_id)
    form = read_form(request.form, template.kind)
    try:
        templates.edit_template(session, template, form.draft)
    except Refused as error:
        return _editor(session, form, template, error)
    session.commit()
    return _saved(template)


def _editor(
    session: Session, form: TemplateForm, template: Template | None = None, error: Refused | None = None
) -> ResponseReturnValue:
    answer = render_template(
        "library/template.html", form=form, template=template, error=error,
        may_change=template is None or templates.may_change(current_user, template),
        known_fields=list_known(session, current_user.workspace_id), shown=preview_form(session, form),
    )  # fmt: skip
    return answer, error.status if error else 200


def _saved(template: Template) -> ResponseReturnValue:
    flash(_("Saved “%(name)s”.", name=template.name))
    return redirect(url_for(".show_template", template_id=template.id), 303)
