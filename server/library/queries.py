"""Reads of the library: pages by keyset in the order of names, searched in names and subjects."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, tuple_
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.library.models import Template, TemplateKind
from server.library.templates import may_change
from server.people.terms import normalise

PAGE_SIZE = 50
SEARCH_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Which templates: whose (`all`, `own`, `team`), of which kind ("" for both), with what in name or subject."""

    of: str = "all"
    kind: str = ""
    search: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """The filter as it stands in an address."""
        return {key: value for key, value in (("of", self.of), ("kind", self.kind), ("q", self.search)) if value}


@dataclass(frozen=True, slots=True)
class Line:
    """A template in a list, with its owner's name, and whether the reader may change it."""

    template: Template
    owner: str
    is_own: bool
    may_change: bool


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """Some templates in the order of their names; `next` is the place of the page after them."""

    lines: list[Line]
    next: tuple[str, int] | None


def make_filter(of: str = "", kind: str = "", search: str = "") -> Filter:
    """Return the filter of an address; what is not known there means everything."""
    return Filter(
        of if of in ("own", "team") else "all",
        kind if kind in list(TemplateKind) else "",
        search.strip()[:SEARCH_LENGTH],
    )


def read_templates(
    session: Session, member: Member, chosen: Filter, after: tuple[str, int] | None = None, limit: int = PAGE_SIZE
) -> TemplatePage:
    """Return the templates that `member` may use, behind the place `after`."""
    found = select(Template, Member).join(Member, col(Member.id) == Template.owner_id)
    found = found.where(*_conditions(member, chosen))
    if after is not None:
        found = found.where(tuple_(col(Template.sort_name), col(Template.id)) > tuple_(*after))
    rows = session.exec(found.order_by(col(Template.sort_name), col(Template.id)).limit(limit + 1)).all()
    lines = [
        Line(template, owner.name or owner.email, owner.id == member.id, may_change(member, template))
        for template, owner in rows[:limit]
    ]
    last = lines[-1].template if len(rows) > limit else None
    return TemplatePage(lines, (last.sort_name, last.id) if last else None)


def read_newest(session: Session, member: Member, chosen: Filter, before: int | None, limit: int) -> list[Template]:
    """Return the templates that `member` may use with ids below `before`, the newest first."""
    found = select(Template).where(*_conditions(member, chosen))
    if before is not None:
        found = found.where(col(Template.id) < before)
    return list(session.exec(found.order_by(col(Template.id).desc()).limit(limit)).all())


def _conditions(member: Member, chosen: Filter) -> list[ColumnElement[bool] | Any]:
    is_own, is_shared = col(Template.owner_id) == member.id, col(Template.is_shared).is_(True)
    of = {"own": is_own, "team": is_shared}.get(chosen.of, or_(is_own, is_shared))
    conditions = [and_(col(Template.workspace_id) == member.workspace_id, of), col(Template.deleted_at).is_(None)]
    if chosen.kind:
        conditions.append(col(Template.kind) == chosen.kind)
    if chosen.search:
        in_name = col(Template.sort_name).contains(normalise(chosen.search), autoescape=True)
        in_subject = func.lower(Template.subject).contains(chosen.search.lower(), autoescape=True)
        conditions.append(or_(in_name, in_subject))
    return conditions
