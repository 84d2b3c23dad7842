"""A text with fields as one person would get it, what is missing for it, and what may be better about it."""

from dataclasses import dataclass, field

from sqlmodel import Session

from server.accounts.models import Member
from server.config import get_settings
from server.errors import Refused
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.library.fields import KnownField, fields_of, list_known
from server.library.hints import Hint, find_hints
from server.library.merge import preview, preview_plain, read_html, read_plain
from server.library.models import TemplateKind
from server.library.templates import check_fields
from server.messages.html import clean_html, is_blank
from server.messages.plain import to_text
from server.people.models import Person

LOOK = "<style>body{font:0.875rem/1.5 Arial,sans-serif}</style>"  # as Gmail shows what says nothing of its own


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail as `person` would get it, but without pixel and wrapped links; a snippet has no `subject`.

    `error` is why it cannot be shown; `missing` are the fields that `person` has no value for.
    """

    subject: str | None = None
    html: str = ""
    text: str = ""
    size: int = 0
    person: Person | None = None
    missing: list[KnownField] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    error: Refused | None = None


def make_preview(
    session: Session, member: Member, mailbox: Mailbox | None, person: Person | None, kind: str, subject: str, html: str
) -> Preview:
    """Return the preview of a text that may not be finished: an error of its language is part of the answer."""
    clean = clean_html(get_settings(), get_keys(), html)
    subject = subject if kind == TemplateKind.TEMPLATE else ""
    known = {field.key: field for field in list_known(session, member.workspace_id)}
    try:
        check_fields(read_plain, subject, set(known), "subject")
        check_fields(read_html, clean, set(known), "html")
    except Refused as error:
        return Preview(person=person, error=error)
    values = fields_of(session, person, member, mailbox)
    shown = preview_plain(subject, values) if kind == TemplateKind.TEMPLATE else None
    whole = preview(clean, values)
    missing = [*read_plain(subject).find_missing(values), *read_html(clean).find_missing(values)]
    hints = [] if is_blank(whole) else find_hints(shown, whole)
    lacking = [known[key] for key in dict.fromkeys(missing)]
    return Preview(shown, whole, to_text(whole).strip(), len(whole.encode()), person, lacking, hints)


def write_document(html: str) -> str:
    """Return a whole HTML document of a mail to look at, whose links open nothing in a sandboxed frame."""
    return f'<!doctype html><html><head><base target="_blank">{LOOK}</head><body>{html}</body></html>'
