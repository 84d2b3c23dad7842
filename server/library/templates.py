"""Templates and snippets: written, checked, copied, shared with the team, removed and brought back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from server.accounts.models import Member, Role
from server.clock import now
from server.config import get_settings
from server.errors import Refused
from server.keys import get_keys
from server.library.fields import list_known
from server.library.language import MergeError
from server.library.merge import MergeText, read_html, read_plain
from server.library.models import Template, TemplateKind
from server.messages.addresses import has_control
from server.messages.html import clean_html, is_blank
from server.people.terms import normalise
from server.queue import announce

MOST = 2000  # of a workspace
MOST_CHARACTERS = 400_000
NAME_LENGTH = 120
SUBJECT_LENGTH = 500
UNDO_DAYS = 1
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template as somebody wrote it; a snippet has no subject."""

    kind: str = TemplateKind.TEMPLATE
    name: str = ""
    subject: str = ""
    html: str = ""


def get_template(session: Session, member: Member, template_id: int, *, with_deleted: bool = False) -> Template:
    """Return a template that `member` may use: their own or a shared one; refuses any other as if there were none."""
    template = session.get(Template, template_id) if 0 < template_id <= LARGEST_ID else None
    is_there = template is not None and (with_deleted or template.deleted_at is None)
    if template is None or not is_there or not _may_see(member, template):
        raise Refused(_("There is no such template among yours and your team's."), status=404)
    return template


def may_change(member: Member, template: Template) -> bool:
    """Return whether `member` may change a template: its owner may, and managers may where it is shared."""
    is_managers = template.is_shared and member.role in (Role.MANAGER, Role.ADMIN)
    return template.workspace_id == member.workspace_id and (template.owner_id == member.id or is_managers)


def get_own(session: Session, member: Member, template_id: int, *, with_deleted: bool = False) -> Template:
    """Return a template that `member` may change; says so where they may only use it."""
    template = get_template(session, member, template_id, with_deleted=with_deleted)
    if not may_change(member, template):
        raise Refused(_("This template is a colleague's. Make a copy of it and change that."), status=403)
    return template


def add_template(session: Session, member: Member, draft: TemplateDraft) -> Template:
    """Add a template of `member`; raises `Refused` naming the field at fault."""
    _refuse_too_many(session, member)
    checked = check(session, member.workspace_id, draft)
    template = Template(
        workspace_id=member.workspace_id, owner_id=member.id, kind=checked.kind, name=checked.name,
        sort_name=normalise(checked.name), subject=checked.subject, html=checked.html,
    )  # fmt: skip
    return _save(session, template)


def edit_template(session: Session, template: Template, draft: TemplateDraft) -> None:
    """Write `draft` over a template; its kind stays."""
    checked = check(session, template.workspace_id, draft)
    template.name, template.sort_name = checked.name, normalise(checked.name)
    template.subject, template.html = checked.subject, checked.html
    _save(session, template)


def copy_template(session: Session, member: Member, template: Template) -> Template:
    """Add a copy that is `member`'s own, and nobody else's until they share it."""
    _refuse_too_many(session, member)
    name = _("Copy of %(name)s", name=template.name)[:NAME_LENGTH].strip()
    copy = Template(
        workspace_id=member.workspace_id, owner_id=member.id, kind=template.kind, name=name,
        sort_name=normalise(name), subject=template.subject, html=template.html,
    )  # fmt: skip
    return _save(session, copy)


def share(session: Session, template: Template, *, is_shared: bool = True) -> None:
    """Let the whole workspace use a template, or the owner alone."""
    template.is_shared = is_shared
    _save(session, template)


def remove(session: Session, template: Template) -> None:
    """Delete a template; `restore` undoes it for a day."""
    template.deleted_at = template.deleted_at or now()
    _save(session, template)


def restore(session: Session, template: Template) -> None:
    """Bring a deleted template back as it was."""
    template.deleted_at = None
    _save(session, template)


def sweep(session: Session) -> None:
    """Take the rows of templates that were deleted more than a day ago."""
    old = col(Template.deleted_at) < now() - timedelta(days=UNDO_DAYS)
    session.execute(delete(Template).where(old))


def check(session: Session, workspace_id: int, draft: TemplateDraft) -> TemplateDraft:
    """Return `draft` clean; raises `Refused` naming the field at fault, also for a field that there is not."""
    if draft.kind not in list(TemplateKind):
        raise Refused(_("Choose a template or a snippet."), field="kind")
    name = " ".join(draft.name.split())
    if not 0 < len(name) <= NAME_LENGTH or has_control(name):
        raise Refused(_("A name has 1 to %(most)s characters.", most=NAME_LENGTH), field="name")
    subject = draft.subject.strip() if draft.kind == TemplateKind.TEMPLATE else ""
    if len(subject) > SUBJECT_LENGTH or has_control(subject):
        raise Refused(
            _("The subject must be one line of at most %(limit)d characters.", limit=SUBJECT_LENGTH), field="subject"
        )
    html = read_body(draft.html)
    known = {known.key for known in list_known(session, workspace_id)}
    check_fields(read_plain, subject, known, "subject")
    check_fields(read_html, html, known, "html")
    return TemplateDraft(draft.kind, name, subject, html)


def read_body(html: str) -> str:
    """Return the HTML of a template clean, as mail may hold it; raises `Refused` where it is empty or too long."""
    if len(html) > MOST_CHARACTERS:
        raise Refused(_("The text has more than %(most)d characters.", most=MOST_CHARACTERS), field="html")
    clean = clean_html(get_settings(), get_keys(), html.replace("\0", "").encode("utf-8", "replace").decode())
    if is_blank(clean):
        raise Refused(_("Write a text first."), field="html")
    return clean


def check_fields(read: Callable[[str], MergeText], text: str, known: set[str], name: str) -> None:
    """Raise `MergeError` for the form field `name` where `text` is not of the language or names an unknown field."""
    try:
        read(text).check(known)
    except MergeError as error:
        error.field = name
        raise


def _may_see(member: Member, template: Template) -> bool:
    return template.workspace_id == member.workspace_id and (template.owner_id == member.id or template.is_shared)


def _refuse_too_many(session: Session, member: Member) -> None:
    count = select(func.count()).select_from(Template).where(Template.workspace_id == member.workspace_id)
    if session.exec(count).one() >= MOST:
        raise Refused(_("A workspace has at most %(most)d templates. Delete some first.", most=MOST), status=409)


def _save(session: Session, template: Template) -> Template:
    template.updated_at = now()
    session.add(template)
    session.flush()
    announce(session, "template", workspace_id=template.workspace_id, id=template.id)
    return template
