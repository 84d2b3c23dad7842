"""The compose form: what a browser sends, and what the page shows again when something is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe

from server.config import get_settings
from server.keys import get_keys
from server.library.insertions import Insertion
from server.messages.compose import Draft
from server.messages.html import clean_html
from server.messages.plain import from_text, to_text


@dataclass(frozen=True, slots=True)
class ComposeForm:
    """The fields as entered. `html` comes from the editor, `body` from the text field; `key` sends the form once."""

    key: str
    mailbox_id: str = ""
    to: str = ""
    cc: str = ""
    subject: str = ""
    html: str = ""
    body: str = ""
    is_plain: bool = False
    individually: bool = False
    track_views: bool = True
    track_clicks: bool = True
    is_fresh: bool = False
    attachments: tuple[int, ...] = ()
    start: Insertion | None = None

    @property
    def draft(self) -> Draft:
        """The mail to send: the editor's HTML, else the text, as HTML unless text only is wanted."""
        html = "" if self.is_plain else self.html or from_text(self.body)
        return Draft(
            to=[self.to], cc=[self.cc], subject=self.subject, html=html, text=self.body,
            individually=self.individually, track_views=self.track_views, track_clicks=self.track_clicks,
            merges=True, attachments=self.attachments,
        )  # fmt: skip


def make_form(fields: Mapping[str, str], start: Insertion | None = None) -> ComposeForm:
    """Return a form with what the address of the page names: recipients, subject, a template to `start` with."""
    to, cc, subject = (fields.get(name, "").strip() for name in ("to", "cc", "subject"))
    body = to_text(start.html).strip() if start else ""
    subject = subject or (start and start.subject) or ""
    return ComposeForm(key=token_urlsafe(16), to=to, cc=cc, subject=subject, body=body, is_fresh=True, start=start)


def read_form(fields: Mapping[str, str], attachments: Iterable[str] = ()) -> ComposeForm:
    """Return the form as a browser sent it; the HTML is clean, for it may be shown again. `attachments` are ids."""
    is_plain = "is_plain" in fields  # then a browser sends no tracking boxes: they come back ticked
    return ComposeForm(
        key=fields.get("key") or token_urlsafe(16),
        mailbox_id=fields.get("mailbox_id", ""),
        to=fields.get("to", ""),
        cc=fields.get("cc", ""),
        subject=fields.get("subject", ""),
        html=clean_html(get_settings(), get_keys(), fields.get("html", "")),
        body=fields.get("body", ""),
        is_plain=is_plain,
        individually="individually" in fields,
        track_views=is_plain or "track_views" in fields,
        track_clicks=is_plain or "track_clicks" in fields,
        attachments=tuple(int(text) for text in attachments if text.isdecimal() and len(text) < 10),
    )
