"""A workspace's legal page: its text in each language, with fields filled in, and the tiny markup it is written in.

Markup: a line that begins with `# ` is a heading, lines that begin with `- ` are a list, an empty line ends a
paragraph, an address that begins with https:// or mailto: is a link. There is nothing else: nothing can be injected.
"""

import re
from pathlib import Path

from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlmodel import Session, col, select

from server.accounts.models import Workspace
from server.clock import now
from server.config import Settings
from server.consent.models import LegalText, Mode, WorkspacePolicy
from server.consent.policy import find_policy
from server.errors import Refused
from server.i18n import LOCALES
from server.keys import Keyring
from server.tracking.tokens import from_text, to_text

FOLDER = Path(__file__).parent / "legal_texts"
PURPOSE = "legal-page"
TEXT_LENGTH = 40_000
LINK = re.compile(r"(?:https://|mailto:)[^\s<>\"]+[^\s<>\".,;:!?)]")
FIELD = re.compile(r"\{(workspace|days|openings)\}")


def legal_url(settings: Settings, keys: Keyring, workspace_id: int) -> str:
    """Return the address of a workspace's legal page."""
    return f"{settings.edge_base_url}/legal/{legal_key(keys, workspace_id)}"


def legal_key(keys: Keyring, workspace_id: int) -> str:
    """Return what names a workspace in the address of its legal page."""
    return to_text(keys.sign(PURPOSE, str(workspace_id).encode()))


def read_legal_key(keys: Keyring, key: str) -> int | None:
    """Return the workspace that a key names, or None where anything about it was altered."""
    payload = keys.verify(PURPOSE, from_text(key) or b"")
    return int(payload) if payload is not None else None


def find_workspace(session: Session, workspace_id: int | None) -> Workspace | None:
    """Return a workspace; without an id the installation's first, a demo only where there is no other."""
    if workspace_id is not None:
        return session.get(Workspace, workspace_id)
    return session.exec(select(Workspace).order_by(col(Workspace.is_demo), col(Workspace.id))).first()


def read_source(session: Session, workspace_id: int, locale: str) -> str:
    """Return the text as an admin edits it: their own, else the default."""
    own = session.get(LegalText, (workspace_id, locale))
    return own.text if own is not None else (FOLDER / f"{locale}.txt").read_text(encoding="utf-8")


def change_text(session: Session, workspace_id: int, locale: str, text: str) -> None:
    """Set the text of one language; an empty one brings the default back."""
    if locale not in LOCALES:
        raise Refused(_("There is no legal text in that language."), status=404)
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if len(text) > TEXT_LENGTH:
        raise Refused(_("A legal text has at most %(most)s characters.", most=TEXT_LENGTH), field=locale)
    row = session.get(LegalText, (workspace_id, locale))
    if not text:
        if row is not None:
            session.delete(row)
    else:
        row = row or LegalText(workspace_id=workspace_id, locale=locale, text="")
        row.text, row.changed_at = text, now()
        session.add(row)
    session.flush()


def find_legal_text(session: Session, workspace: Workspace, locale: str) -> Markup:
    """Return the legal text of a workspace as HTML, its fields filled in."""
    locale = locale if locale in LOCALES else LOCALES[0]
    policy = find_policy(session, workspace.id)
    fields = {"workspace": workspace.name, "days": str(policy.retention_days), "openings": _say_openings(policy)}
    return render_text(read_source(session, workspace.id, locale), fields)


def _say_openings(policy: WorkspacePolicy) -> str:
    if policy.mode == Mode.OFF:
        return _("we do not collect when our mail is opened")
    if policy.mode == Mode.AGGREGATE:
        return _("how often our mail is opened, by a tiny image in it; by whom is not kept")
    if policy.pixels_need_consent:
        return _("when a mail is opened, by a tiny image in it: only of people who agreed to that beforehand")
    return _("when a mail is opened, by a tiny image in it")


def render_text(source: str, fields: dict[str, str]) -> Markup:
    """Return `source` as HTML; everything in it but its markup is text."""
    blocks = re.split(r"\n\s*\n", FIELD.sub(lambda found: fields[found[1]], source).strip())
    return Markup("\n").join(block for text in blocks for block in _render_block(text.splitlines()))


def _render_block(lines: list[str]) -> list[Markup]:
    blocks: list[Markup] = []
    while lines and lines[0].startswith("# "):
        blocks.append(Markup("<h2>{}</h2>").format(_link(lines.pop(0)[2:])))
    if lines and all(line.startswith("- ") for line in lines):
        items = Markup("").join(Markup("<li>{}</li>").format(_link(line[2:])) for line in lines)
        blocks.append(Markup("<ul>{}</ul>").format(items))
    elif lines:
        blocks.append(Markup("<p>{}</p>").format(Markup("<br>").join(map(_link, lines))))
    return blocks


def _link(text: str) -> Markup:
    parts: list[Markup] = []
    at = 0
    for found in LINK.finditer(text):
        url = found[0]
        shown = url.removeprefix("mailto:")
        parts += [escape(text[at : found.start()]), Markup('<a href="{}">{}</a>').format(url, shown)]
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])
