"""The Engagement page and panel, their older pages, and the glossary of their icons."""

from dataclasses import dataclass
from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import Session

from server.accounts.scope import Scope, may_see_team, scope_of
from server.config import get_settings
from server.db import get_session
from server.errors import Refused
from server.events.place import find_database
from server.feed.campaigns import name_campaigns
from server.feed.glossary import list_entries
from server.feed.queries import (
    COUNT_LIMIT,
    Page,
    count_hidden,
    find_page,
    read_callings,
    read_cursor,
    read_last_id,
    read_names,
    read_page,
)
from server.feed.readings import read_readings
from server.feed.repeats import find_forwarded
from server.feed.routes import bp
from server.feed.rows import present
from server.feed.search import OPERATORS, Search, parse_search
from server.gmail.gaps import list_between
from server.gmail.mailboxes import find_mailbox
from server.htmx import is_partial_wanted, render
from server.security import allow


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of the feed is asked for, and how it is asked for again."""

    is_team: bool
    shows_machine: bool
    q: str

    def arguments(self, **others: Any) -> dict[str, Any]:
        """Return the query of an address that asks for the same, but for `others`; None leaves one out."""
        return {
            "of": "team" if self.is_team else None,
            "machine": "shown" if self.shows_machine else None,
            "q": self.q or None,
            **others,
        }


@bp.get("/")
@allow("rep")
def engagement() -> ResponseReturnValue:
    """Show the Engagement feed, or one older page of it."""
    context, status = _read_feed()
    return render("feed/feed.html", "feed/_rows.html", **context), status


@bp.get("/feed/panel")
@allow("rep")
def show_panel() -> ResponseReturnValue:
    """Show the Engagement feed with its search and switches, for any shell."""
    context, status = _read_feed()
    response = make_response(render_template("feed/_panel.html", **context), status)
    if request.headers.get("HX-Current-URL", "").split("?")[0] == request.url_root:
        response.headers["HX-Push-Url"] = url_for(".engagement", **context["asked"].arguments())
    return response


@bp.get("/feed/glossary")
@allow("rep")
def show_glossary() -> ResponseReturnValue:
    """Show what the icons of the feed mean."""
    return render("feed/glossary.html", "feed/_glossary.html", entries=list_entries())


def _read_feed() -> tuple[dict[str, Any], int]:
    """Return all that the feed's templates show, and the status to answer with."""
    session = get_session()
    scope = scope_of(session, current_user, team=request.args.get("of") == "team")
    asked = Asked(
        scope.member_id is None, request.args.get("machine") == "shown", " ".join(request.args.get("q", "").split())
    )
    search: Search | None = None
    error: Refused | None = None
    try:
        search = parse_search(asked.q, read_callings(session, scope.workspace_id), current_user.id) if asked.q else None
    except Refused as refused:
        error = refused
    last_id = read_last_id(session)  # before the rows: what comes between is in the stream, and skipped when present
    before = request.args.get("before")
    if error is not None:
        page = Page([], None)
    elif search is not None:
        prepare = name_campaigns if search.asks_for_campaigns else None
        page = find_page(
            session, scope, search.matches, before, show_machine=asked.shows_machine, prepare=prepare
        )  # fmt: skip
    else:
        page = read_page(session, scope, before, show_machine=asked.shows_machine)
    names = read_names(session, scope.workspace_id) if asked.is_team else None
    forwarded, progress = find_forwarded(session, page.rows), read_readings(session, page.rows)
    context = {
        "asked": asked,
        "error": error,
        "operators": OPERATORS,
        "rows": [present(row, names, forwarded, progress) for row in page.rows],
        "next": page.next,
        "gaps": _read_gaps(session, scope, page, before) if search is None else {},
        "looked_to": page.looked_to,
        "last_id": last_id,
    }
    if before is None or not is_partial_wanted():
        context |= _read_frame(session, scope)
    return context, error.status if error else 200


def _read_gaps(session: Session, scope: Scope, page: Page, before: str | None) -> dict[int, list[Any]]:
    """Return what could not be seen while these rows came, by the id of the row above which it stands (T18)."""
    if not page.rows:
        return {}
    until = read_cursor(before)[0] if before else None
    gaps: dict[int, list[Any]] = {}
    found = list_between(session, scope.workspace_id, scope.member_id, page.rows[-1].at, until)
    for gap in found:
        row = next(row for row in page.rows if row.at < gap[0].end_at)
        gaps.setdefault(row.id, []).append(gap)
    return gaps


def _read_frame(session: Session, scope: Scope) -> dict[str, Any]:
    """Return what the feed's templates show around its rows."""
    settings = get_settings()
    return {
        "may_see_team": may_see_team(session, current_user),
        "hidden": count_hidden(session, scope),
        "hidden_limit": COUNT_LIMIT,
        "has_mailbox": find_mailbox(session, current_user) is not None,
        "shows_db_ip": settings.geo_database is None and find_database(settings, version=4) is not None,
    }
