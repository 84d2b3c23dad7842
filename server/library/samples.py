"""Samples: a text as a person would get it, sent to somebody to look at; nothing of it is tracked or counted."""

from flask_babel import gettext as _
from sqlmodel import Session

from server.accounts.models import Member
from server.errors import Refused
from server.gmail.models import Mailbox
from server.library.preview import Preview
from server.messages.addresses import read_addresses
from server.messages.compose import Draft, compose
from server.messages.models import Message, MessageSource

MARK = "[Sample]"


def send_sample(
    session: Session, member: Member, mailbox: Mailbox | None, to: str, shown: Preview, name: str, key: str
) -> Message:
    """Send what a preview shows to one address, marked in its subject; once for each `key`.

    The message carries no pixel and no wrapped link; where a snippet has no subject, its `name` stands there.
    """
    if shown.error is not None:
        raise shown.error
    if len(read_addresses([to], "sample_to")) != 1:
        raise Refused(_("A sample goes to one address."), field="sample_to")
    subject = f"{MARK} {shown.subject or name}".strip()
    draft = Draft(
        to=[to], subject=subject, html=shown.html, individually=True, track_views=False, track_clicks=False,
        source=MessageSource.SAMPLE,
    )  # fmt: skip
    return compose(session, member, mailbox, draft, f"sample:{key}")
