"""Routes of the REST API for templates and snippets."""

from typing import Any

from flask import url_for
from flask_login import current_user
from spectree import Response as Answers

from server.api.cursors import read_cursor
from server.api.openapi import spec
from server.api.routes.blueprint import bp, make_next
from server.api.shapes import inputs
from server.api.shapes import templates as shapes
from server.db import get_session
from server.keys import get_keys
from server.library import templates
from server.library.merge import read_html, read_plain
from server.library.models import Template
from server.library.queries import make_filter, read_newest
from server.security import allow

TEMPLATE = "/templates/<int:template_id>"  # without limits: an id beyond them would answer 405


@bp.get("/templates")
@allow("rep")
@spec.validate(resp=Answers(HTTP_200=shapes.TemplatePage), operation_id="listTemplates")
def list_templates(query: shapes.TemplatesQuery) -> shapes.TemplatePage:
    """List templates and snippets, the newest first: yours, and those that your team shares."""
    place = read_cursor(get_keys(), current_user.id, "templates", query.cursor)
    chosen = make_filter(query.of, query.kind or "", query.q)
    rows = read_newest(get_session(), current_user, chosen, place[0] if place else None, query.limit + 1)
    page = rows[: query.limit]
    following = make_next("templates", (page[-1].id,) if len(rows) > query.limit else None)
    return shapes.TemplatePage(items=[_show(row) for row in page], next=following)


@bp.post("/templates")
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_201=shapes.TemplateAnswer), operation_id="addTemplate")
def add_template(json: shapes.NewTemplate) -> Any:
    """Add a template or snippet of yours."""
    session = get_session()
    draft = templates.TemplateDraft(json.kind, json.name, json.subject, json.html)
    template = templates.add_template(session, current_user, draft)
    templates.share(session, template, is_shared=json.is_shared)
    session.commit()
    return _show(template), 201, {"Location": url_for("api.show_template", template_id=template.id)}


@bp.get(TEMPLATE)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TemplateAnswer), operation_id="getTemplate")
def show_template(template_id: int) -> shapes.TemplateAnswer:
    """One template that is yours or shared."""
    return _show(templates.get_template(get_session(), current_user, template_id))


@bp.patch(TEMPLATE)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers(HTTP_200=shapes.TemplateAnswer), operation_id="changeTemplate")
def change_template(json: shapes.TemplateChange, template_id: int) -> shapes.TemplateAnswer:
    """Change what is named of a template that you may change."""
    session = get_session()
    template = templates.get_own(session, current_user, template_id)
    changed = json.model_dump(include=json.model_fields_set)
    is_shared = changed.pop("is_shared", template.is_shared)
    kept = {"kind": template.kind, "name": template.name, "subject": template.subject, "html": template.html}
    templates.edit_template(session, template, templates.TemplateDraft(**(kept | changed)))
    templates.share(session, template, is_shared=is_shared)
    session.commit()
    return _show(template)


@bp.delete(TEMPLATE)
@allow("rep")
@spec.validate(query=inputs.NoQuery, resp=Answers("HTTP_204"), operation_id="deleteTemplate")
def delete_template(template_id: int) -> Any:
    """Delete a template that you may change."""
    session = get_session()
    templates.remove(session, templates.get_own(session, current_user, template_id))
    session.commit()
    return "", 204


def _show(template: Template) -> shapes.TemplateAnswer:
    texts = (read_plain(template.subject), read_html(template.html))
    keys = dict.fromkeys(field.key for text in texts for field in text.fields)
    return shapes.TemplateAnswer.model_validate({**template.model_dump(), "fields": list(keys)})
