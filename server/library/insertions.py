"""What a template or snippet puts into a mail that is being written: filled in as far as its recipient is known."""

from dataclasses import dataclass

from sqlmodel import Session

from server.accounts.models import Member
from server.errors import Refused
from server.gmail.mailboxes import find_mailbox
from server.gmail.models import Mailbox
from server.library.fields import fields_of
from server.library.merge import Values, fill, read_html, read_plain, render, render_plain
from server.library.models import Template, TemplateKind
from server.library.templates import get_template
from server.messages.addresses import read_addresses
from server.people.people import find_person, is_visible


@dataclass(frozen=True, slots=True)
class Insertion:
    """`html` and `subject` to insert (a snippet has none), and the keys of fields that stay in them.

    It `signs` where the template puts the signature in itself.
    """

    html: str
    subject: str | None
    missing: list[str]
    signs: bool


def make_insertion(
    session: Session, member: Member, mailbox: Mailbox | None, template: Template, to: str, *, is_language: bool = True
) -> Insertion:
    """Return `template` for a mail to `to`: with one recipient's values, with fields as written for none or several.

    With `is_language` the mail is merged again when it is sent, so what would be read as a field then stays one.
    """
    values = _find_values(session, member, mailbox, to)
    texts = (read_plain(template.subject), read_html(template.html))
    signs = any(field.key == "sender_signature" for field in texts[1].fields)
    has_subject = template.kind == TemplateKind.TEMPLATE
    if values is None:
        keys = [field.key for text in texts for field in text.fields]
        return Insertion(template.html, template.subject if has_subject else None, list(dict.fromkeys(keys)), signs)
    keys = [key for text in texts for key in text.find_missing(values)]
    if is_language or keys:
        html, subject = fill(template.html, values), fill(template.subject, values, is_html=False)
    else:
        html, subject = render(template.html, values), render_plain(template.subject, values)
    return Insertion(html, subject if has_subject else None, list(dict.fromkeys(keys)), signs)


def start_mail(session: Session, member: Member, template_id: int, to: str) -> Insertion:
    """Return the template with which a new mail to `to` begins; refuses one that `member` may not use."""
    template = get_template(session, member, template_id)
    return make_insertion(session, member, find_mailbox(session, member), template, to)


def _find_values(session: Session, member: Member, mailbox: Mailbox | None, to: str) -> Values | None:
    try:
        addresses = read_addresses([to], "to")
    except Refused:
        return None  # still being typed
    if len(addresses) != 1:
        return None
    person = find_person(session, member.workspace_id, addresses[0].address)
    values = fields_of(session, person if person and is_visible(session, member, person) else None, member, mailbox)
    return values | {"email": addresses[0].address}
