"""The list of templates, and what can be done with one without opening it."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session

from server.db import get_session
from server.htmx import is_partial_wanted, render
from server.library import templates
from server.library.queries import Filter, make_filter, read_templates
from server.library.routes import TEMPLATE, bp
from server.security import allow


@bp.get("/library")
@allow("rep")
def list_templates() -> ResponseReturnValue:
    """Show the templates and snippets that the member may use, one more page of them, or those that are found."""
    return render("library/library.html", "library/_templates.html", **_context(get_session()))


@bp.post(f"{TEMPLATE}/copies")
@allow("rep")
def add_copy(template_id: int) -> ResponseReturnValue:
    """Make a copy that is the member's own, and open it."""
    session = get_session()
    copy = templates.copy_template(session, current_user, templates.get_template(session, current_user, template_id))
    session.commit()
    flash(_("This is your copy. Nobody else sees it until you share it."))
    return redirect(url_for(".show_template", template_id=copy.id), 303)


@bp.post(f"{TEMPLATE}/sharing")
@allow("rep")
def add_sharing(template_id: int) -> ResponseReturnValue:
    """Let the whole team use a template."""
    return _set_sharing(template_id, is_shared=True)


@bp.post(f"{TEMPLATE}/sharing/removal")
@allow("rep")
def remove_sharing(template_id: int) -> ResponseReturnValue:
    """Let its owner alone use a template again."""
    return _set_sharing(template_id, is_shared=False)


@bp.post(f"{TEMPLATE}/removal")
@allow("rep")
def remove_template(template_id: int) -> ResponseReturnValue:
    """Delete a template; it can be brought back for a day."""
    session = get_session()
    template = templates.get_own(session, current_user, template_id, with_deleted=True)
    templates.remove(session, template)
    session.commit()
    return _changed(session, _("Deleted “%(name)s”.", name=template.name), undo=template.id)


@bp.post(f"{TEMPLATE}/restoration")
@allow("rep")
def restore_template(template_id: int) -> ResponseReturnValue:
    """Bring a deleted template back."""
    session = get_session()
    template = templates.get_own(session, current_user, template_id, with_deleted=True)
    templates.restore(session, template)
    session.commit()
    return _changed(session, _("“%(name)s” is back.", name=template.name))


def _set_sharing(template_id: int, *, is_shared: bool) -> ResponseReturnValue:
    session = get_session()
    template = templates.get_own(session, current_user, template_id)
    templates.share(session, template, is_shared=is_shared)
    session.commit()
    said = _("Your team may use “%(name)s” now.") if is_shared else _("Only its owner may use “%(name)s” now.")
    return _changed(session, said % {"name": template.name})


def _changed(session: Session, said: str, undo: int | None = None) -> ResponseReturnValue:
    if is_partial_wanted():
        return render_template("library/_templates.html", **_context(session) | {"said": said, "undo": undo})
    flash(said)
    return redirect(url_for(".list_templates", **_filter().query, undo=undo), 303)


def _context(session: Session) -> dict[str, Any]:
    chosen, args = _filter(), request.args
    after = (args["name"][:200], args.get("after", 0, type=int)) if "name" in args and "after" in args else None
    page = read_templates(session, current_user, chosen, after)
    return {"found": page, "chosen": chosen, "after": after, "undo": args.get("undo", type=int)}


def _filter() -> Filter:
    return make_filter(request.args.get("of", ""), request.args.get("kind", ""), request.args.get("q", ""))
