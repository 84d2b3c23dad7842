"""Makes of a copy the mail that Gmail gets (RFC 5322): headers, text, HTML with its pixel and wrapped links.

The headers are written with `email.header`, not with `email.policy`: the latter's folding drops the quotes around a
long name in some Python versions, and then a comma in a name makes two recipients of one (CPython issue 80222).
"""

import hashlib
import html as markup
from collections.abc import Sequence
from email.charset import QP, Charset
from email.header import Header
from email.message import Message as Mail
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, make_msgid

from selectolax.lexbor import LexborNode
from sqlmodel import Session

from server.accounts.models import Member
from server.clock import now
from server.config import Settings
from server.documents.rewrite import share_links
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages.addresses import drop_control
from server.messages.attachments.files import make_parts
from server.messages.followed import add_references
from server.messages.footer import list_headers, make_footer
from server.messages.honeypot import honeypot_of
from server.messages.html import QUOTES, parse_body
from server.messages.links import wrap_links
from server.messages.models import Copy, Message, Recipient, Silence
from server.messages.personal import html_of, subject_of, text_of
from server.messages.plain import to_text
from server.tracking.tokens import link_url, pixel_url

COPY_HEADER = "X-Warmline-Copy"
# Gmail cuts a mail at about 102 KB; what stands in the first part of it is always loaded.
PIXEL_LIMIT_BYTES = 32 * 1024
INLINE_STYLE = "width:1px;height:1px;border:0;margin:0 0 0 -1px;padding:0"  # no advance: nothing moves
BLOCK_STYLE = "display:block;width:1px;height:1px;border:0;margin:0;padding:0"
FIRST_BLOCKS = "p, h1, h2, h3, h4, h5, h6, div, td, li, center"
BLOCK_INSIDE = "p, h1, h2, h3, h4, h5, h6, div, table, ul, ol, blockquote, pre, center, hr"
CANDIDATES = 30
QUOTED_PRINTABLE = Charset("utf-8")
QUOTED_PRINTABLE.body_encoding = QP
SMTP = compat32.clone(linesep="\r\n")


def render_copy(
    session: Session, settings: Settings, keys: Keyring, member: Member, mailbox: Mailbox, message: Message, copy: Copy,
    recipients: Sequence[Recipient], followed: Sequence[Copy] = (),
) -> bytes:  # fmt: skip
    """Return the mail of `copy` to its `recipients`. One sent individually names its own recipient only, in To.

    It refers to the mails that it goes on from, `followed`, the nearest first. Links to documents get shares of this
    copy, which the caller commits.
    """
    mail = _make_body(session, settings, keys, member, message, copy, recipients)
    if parts := make_parts(session, settings, message):
        body, mail = mail, MIMEMultipart("mixed")
        for part in (body, *parts):
            mail.attach(part)
    mail["From"] = _format_address(member.name, mailbox.email)
    for kind in ("to", "cc"):
        named = [r for r in recipients if (r.kind if not message.individually else "to") == kind]
        if named:
            mail[kind.capitalize()] = ", ".join(_format_address(r.name, r.address) for r in named)
    mail["Subject"] = _encode(subject_of(message, copy), "Subject")  # type: ignore[assignment]
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = make_msgid(domain=mailbox.email.rpartition("@")[2])
    mail[COPY_HEADER] = copy_mark(copy)
    add_references(mail, followed)
    for name, value in list_headers(settings, keys, message, copy, recipients):
        mail[name] = value
    return mail.as_bytes(policy=SMTP)


def copy_mark(copy: Copy) -> str:
    """Return the value of our header, by which a sent mail is known again; it tells nothing about pixel or links."""
    return hashlib.sha256(f"warmline/copy/{copy.tracking_id}".encode()).hexdigest()[:32]


def render_html(
    session: Session, settings: Settings, keys: Keyring, sender_key: str, message: Message, copy: Copy,
    recipients: Sequence[Recipient], html: str | None = None,
) -> str:  # fmt: skip
    """Return the HTML of `message`, or `html` in its place, with the links, document shares and pixel of `copy`."""
    body = parse_body(html_of(message, copy) if html is None else html)
    share_links(session, settings, keys, body, copy, recipients)
    return _track(settings, keys, sender_key, message, copy, body)


def _track(settings: Settings, keys: Keyring, sender_key: str, message: Message, copy: Copy, body: LexborNode) -> str:
    if message.track_clicks and copy.silence != Silence.ALL:
        wrap_links(
            settings,
            body,
            lambda position, target: link_url(settings, keys, sender_key, copy.tracking_id, position, target),
        )
    html = body.inner_html or ""
    if message.has_honeypot and message.track_clicks and copy.silence == Silence.NONE and "/c/" in html:
        html += honeypot_of(settings, keys, sender_key, copy.tracking_id)
    has_pixel = message.track_views and copy.silence == Silence.NONE
    return _add_pixel(html, pixel_url(settings, keys, sender_key, copy.tracking_id)) if has_pixel else html


def _make_body(
    session: Session, settings: Settings, keys: Keyring, member: Member, message: Message, copy: Copy,
    recipients: Sequence[Recipient],
) -> Mail:  # fmt: skip
    footer = make_footer(settings, keys, member, message, copy)
    if message.is_text:
        return MIMEText(text_of(message, copy) + footer.text, "plain", QUOTED_PRINTABLE)  # type: ignore[arg-type]
    body = parse_body(html_of(message, copy))
    share_links(session, settings, keys, body, copy, recipients)
    mail = MIMEMultipart("alternative")
    mail.attach(MIMEText(to_text(body.inner_html or "") + footer.text, "plain", QUOTED_PRINTABLE))  # type: ignore[arg-type]
    html = _track(settings, keys, member.sender_key, message, copy, body) + footer.html
    mail.attach(MIMEText(f"<html><body>{html}</body></html>\n", "html", QUOTED_PRINTABLE))  # type: ignore[arg-type]
    return mail


def _add_pixel(html: str, url: str) -> str:
    """Put the pixel at the end of the first block, where it moves nothing; on top where that block ends too late."""
    body = parse_body(html)
    block = _find_first_block(body)
    if block is not None:
        block.insert_child(parse_body(_pixel(url, INLINE_STYLE)).first_child)  # type: ignore[arg-type]
        placed = body.inner_html or ""
        if 0 <= placed.encode().find(url.encode()) < PIXEL_LIMIT_BYTES:
            return placed
    return _pixel(url, BLOCK_STYLE) + html


def _find_first_block(body: LexborNode) -> LexborNode | None:
    quoted = {node.mem_id for quote in body.css(QUOTES) for node in [quote, *quote.css(FIRST_BLOCKS)]}
    for block in body.css(FIRST_BLOCKS)[:CANDIDATES]:
        inside = [node for node in block.css(BLOCK_INSIDE) if node.mem_id != block.mem_id]
        if block.mem_id not in quoted and not inside and block.text().strip():
            return block
    return None


def _pixel(url: str, style: str) -> str:
    return f'<img src="{markup.escape(url)}" alt="" width="1" height="1" style="{style}">'


def _format_address(name: str, address: str) -> str:
    name = drop_control(name)
    if name.isascii() and "=?" not in name:
        return formataddr((name, address))
    return f"{Header(name, 'utf-8').encode(linesep='')} <{address}>"


def _encode(text: str, name: str) -> Header:
    return Header(text, "utf-8" if "=?" in text else None, header_name=name)
