"""What the pages of the library send: a template as it stands in the editor, and for whom to show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe

from server.config import get_settings
from server.keys import get_keys
from server.library.models import Template, TemplateKind
from server.library.templates import TemplateDraft
from server.messages.html import clean_html
from server.messages.plain import from_text


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """The fields as entered; `html` is clean, for it may be shown again. `sample_key` sends a sample once."""

    kind: str = TemplateKind.TEMPLATE
    name: str = ""
    subject: str = ""
    html: str = ""
    person_query: str = ""
    person_id: str = ""
    sample_to: str = ""
    sample_key: str = ""

    @property
    def draft(self) -> TemplateDraft:
        """The template to save."""
        return TemplateDraft(self.kind, self.name, self.subject, self.html)


def read_form(fields: Mapping[str, str], kind: str = "") -> TemplateForm:
    """Return the form as a browser sent it: the editor's HTML, else the text field as HTML."""
    html = fields.get("html") or from_text(fields.get("body", ""))
    given = kind or fields.get("kind", "")
    return TemplateForm(
        kind=given if given in list(TemplateKind) else TemplateKind.TEMPLATE,
        name=fields.get("name", ""),
        subject=" ".join(fields.get("subject", "").splitlines()),
        html=clean_html(get_settings(), get_keys(), html),
        person_query=fields.get("person_query", "")[:200],
        person_id=fields.get("person_id", ""),
        sample_to=fields.get("sample_to", "")[:320],
        sample_key=fields.get("sample_key", "")[:64] or token_urlsafe(16),
    )


def show_form(template: Template) -> TemplateForm:
    """Return the form of a template as it is saved."""
    return TemplateForm(template.kind, template.name, template.subject, template.html, sample_key=token_urlsafe(16))
