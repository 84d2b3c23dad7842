"""The mail that leaves: headers, parts, wrapped links, the pixel's place; the member's own HTML unharmed."""

import html as markup
import re
import secrets
import string
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from server.accounts.models import Member
from server.config import Settings
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages.html import clean_html, parse_body
from server.messages.links import find_links, read_target
from server.messages.models import Copy, Message, Recipient
from server.messages.render import COPY_HEADER, PIXEL_LIMIT_BYTES, copy_mark, render_copy, render_html
from server.tracking.tokens import is_own_url, link_url, pixel_url, read_link, read_pixel

GMAIL_CUT_BYTES = 102 * 1024
SENDER_KEY = "a1b2c3d4e5f6"
TRACKING_ID = "00112233445566778899aabbccddeeff"
SETTINGS = Settings(_env_file=None)  # type: ignore[call-arg]
KEYS = Keyring({1: b"k" * 32})
ALICE = Member(name="Alice", email="alice@acme.example", sender_key=SENDER_KEY)
MAILBOX = Mailbox(email="alice@acme.example")


def make_mail(html: str = "", **fields: object) -> Message:
    return Message(
        **{"subject": "Lunch?", "html": html, "text": "", "track_views": True, "track_clicks": True, **fields}
    )


def render(message: Message, *recipients: Recipient) -> EmailMessage:
    recipients = recipients or (Recipient(address="flynn@flynns.example"),)
    raw = render_copy(Session(), SETTINGS, KEYS, ALICE, MAILBOX, message, Copy(tracking_id=TRACKING_ID), recipients)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def lines(part: object) -> str:
    assert isinstance(part, EmailMessage)
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def render_fragment(html: str, **fields: object) -> str:
    message = make_mail(clean_html(SETTINGS, KEYS, html), **fields)
    return render_html(Session(), SETTINGS, KEYS, SENDER_KEY, message, Copy(tracking_id=TRACKING_ID), [])


def hrefs(html: str) -> list[str]:
    return [node.attributes.get("href") or "" for node in parse_body(html).css("a[href]")]


def targets(html: str) -> list[str]:
    """Return where each link leads; a wrapped one where its token says."""
    found = []
    for href in hrefs(html):
        token = read_link(KEYS, SENDER_KEY, href.rpartition("/")[2]) if is_own_url(SETTINGS, href) else None
        found.append(token.target if token else href)
    return found


def pixel_of(html: str) -> tuple[int, str]:
    [image] = [node for node in parse_body(html).css("img") if is_own_url(SETTINGS, node.attributes["src"] or "")]
    source = image.attributes["src"] or ""
    tracking_id = read_pixel(KEYS, SENDER_KEY, source.rpartition("/")[2].removesuffix(".gif"))
    assert (image.attributes["alt"], tracking_id) == ("", TRACKING_ID)
    return html.encode().index(source.encode()), source


def test_mail_has_the_headers_that_matter() -> None:
    mail = render(make_mail("<p>Hi</p>"))
    assert mail["From"] == "Alice <alice@acme.example>"
    assert mail["To"] == "flynn@flynns.example"
    assert mail["Subject"] == "Lunch?"
    assert mail["Date"].datetime.tzinfo is not None
    assert re.fullmatch(r"<[^<>@\s]+@acme\.example>", mail["Message-ID"])
    assert mail[COPY_HEADER] == copy_mark(Copy(tracking_id=TRACKING_ID))
    assert TRACKING_ID not in str(mail[COPY_HEADER])


def test_each_rendering_has_a_message_id_of_its_own() -> None:
    assert render(make_mail("<p>Hi</p>"))["Message-ID"] != render(make_mail("<p>Hi</p>"))["Message-ID"]


def test_shared_mail_names_everybody() -> None:
    people = [("to", "a@x.example", "Anna"), ("cc", "b@x.example", ""), ("to", "c@x.example", "")]
    mail = render(make_mail("<p>Hi</p>"), *(Recipient(kind=k, address=a, name=n) for k, a, n in people))
    assert mail["To"] == "Anna <a@x.example>, c@x.example"
    assert mail["Cc"] == "b@x.example"


def test_individual_mail_names_its_own_recipient_only() -> None:
    mail = render(make_mail("<p>Hi</p>", individually=True), Recipient(kind="cc", address="b@x.example"))
    assert (mail["To"], mail["Cc"]) == ("b@x.example", None)


@pytest.mark.parametrize(
    "name",
    [
        "Jürgen Müller",
        "Flynn, Kevin",
        'Kevin "Clu" Flynn',
        "=?utf-8?q?evil?=",
        "山田 太郎 🚀",
        "Ann <evil@x.example>",
        "Dr. Long-Name, " * 12 + "end",
        "Zoë, " * 30 + "end",
        "a\\b",
    ],
)
def test_a_name_never_becomes_another_recipient(name: str) -> None:
    people = [Recipient(kind="to", address=f"p{n}@x.example", name=name) for n in range(3)]
    mail = render(make_mail("<p>Hi</p>"), *people)
    assert [address.addr_spec for address in mail["To"].addresses] == [person.address for person in people]
    assert {" ".join(address.display_name.split()) for address in mail["To"].addresses} == {name}


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_subject_arrives_as_written(subject: str) -> None:
    subject = subject.strip()
    assert " ".join(str(render(make_mail("<p>Hi</p>", subject=subject))["Subject"]).split()) == " ".join(
        subject.split()
    )


def test_text_stands_beside_the_html() -> None:
    mail = render(make_mail('<p>Hi <b>Flynn</b> 🚀</p><p>See <a href="https://x.example/?a=1&amp;b=2">this</a></p>'))
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert lines(text) == "Hi Flynn 🚀\n\nSee this <https://x.example/?a=1&b=2>\n"
    assert html.get_content_type() == "text/html"
    assert targets(html.get_content()) == ["https://x.example/?a=1&b=2"]


def test_text_only_mail_has_neither_pixel_nor_wrapped_link() -> None:
    mail = render(make_mail(text="Hi\nhttps://x.example\n.\nFrom here", track_views=False, track_clicks=False))
    assert mail.get_content_type() == "text/plain"
    assert lines(mail) == "Hi\nhttps://x.example\n.\nFrom here"


def test_only_what_is_tracked_is_touched() -> None:
    html = '<p>Hi <a href="https://x.example/">x</a></p>'
    assert render_fragment(html, track_views=False, track_clicks=False) == html
    assert hrefs(render_fragment(html, track_clicks=False)) == ["https://x.example/"]
    assert "<img" not in render_fragment(html, track_views=False)


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://x.example/?a=1&amp;copy=2&amp;copy;#f", "https://x.example/?a=1&copy=2&copy;#f"),
        (" \n https://x.example/a\tb\nc ", "https://x.example/abc"),
        ("HTTPS://X.example/%7e%zz?q=a+b%20c", "HTTPS://X.example/%7e%zz?q=a+b%20c"),
        ("http://u:p@x.example:8080/é?日=本", "http://u:p@x.example:8080/é?日=本"),
        ("https://x.example/&quot;&lt;&gt;'", "https://x.example/\"<>'"),
    ],
)
def test_a_wrapped_link_leads_exactly_where_the_browser_would_have_gone(href: str, target: str) -> None:
    rendered = render_fragment(f'<p><a href="{href}">x</a></p>')
    assert is_own_url(SETTINGS, hrefs(rendered)[0])
    assert targets(rendered) == [target]


@given(
    st.text(string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%\"<> \t\n\\^`{|}é日🚀", max_size=200),
    st.sampled_from(["http://x.example", "https://x.example/"]),
)
@settings(max_examples=150, deadline=None)
def test_any_target_survives_byte_for_byte(tail: str, root: str) -> None:
    href = root + tail
    html = f'<p>Hi <a href="{markup.escape(href)}">there</a></p>'
    rendered = render_html(Session(), SETTINGS, KEYS, SENDER_KEY, make_mail(html), Copy(tracking_id=TRACKING_ID), [])
    assert targets(rendered) in ([read_target(href)], [href])
    assert hrefs(clean_html(SETTINGS, KEYS, html)) in ([href], [])  # no browser goes to a broken address


@pytest.mark.parametrize(
    "href", ["mailto:a@x.example?subject=1&amp;body=2", "tel:+33123", "#part", "/relative", "//x.example/a", "?q=1",
             "https:", "http://", "https:///x", "ftp://x.example/", "sms:123"],
)  # fmt: skip
def test_other_links_are_left_alone(href: str) -> None:
    html = f'<p><a href="{href}">x</a></p>'
    assert render_fragment(html, track_views=False) in (html, "<p><a>x</a></p>")


@pytest.mark.parametrize(
    ("text", "is_wrapped"),
    [
        ("https://x.example/a", False),
        ("see http://x.example", False),
        ("www.x.example", False),
        ("x.example", False),
        ("X.EXAMPLE/a", False),
        ("report.pdf", True),
        ("our page", True),
        ('<img src="https://x.example/l.png" alt="">', True),
    ],
)
def test_a_link_that_shows_an_address_is_left_alone(text: str, is_wrapped: bool) -> None:
    rendered = render_fragment(f'<p><a href="https://www.x.example/a">{text}</a></p>', track_views=False)
    assert is_own_url(SETTINGS, hrefs(rendered)[0]) is is_wrapped


def test_positions_count_wrapped_links_in_document_order() -> None:
    html = '<a href="https://a.example">1</a><a href="tel:1">t</a><a href="https://b.example">2</a>'
    assert [(link.position, link.target) for link in find_links(SETTINGS, html)] == [
        (1, "https://a.example"),
        (2, "https://b.example"),
    ]
    tokens = [read_link(KEYS, SENDER_KEY, href.rpartition("/")[2]) for href in hrefs(render_fragment(html))]
    assert [token.position for token in tokens if token] == [1, 2]


@pytest.mark.parametrize("quote", ["<blockquote>{}</blockquote>", '<div class="gmail_quote"><div>{}</div></div>'])
def test_quoted_text_carries_none_of_our_pixels_and_links(quote: str) -> None:
    other = secrets.token_hex(16)
    old = (
        f'<p>Old <a href="{link_url(SETTINGS, KEYS, SENDER_KEY, other, 1, "https://x.example/?a=1&b=2")}">link</a>'
        f'<a href="https://y.example/">theirs</a><img src="{pixel_url(SETTINGS, KEYS, SENDER_KEY, other)}">'
        f'<img src="https://ci3.googleusercontent.com/p/x#{pixel_url(SETTINGS, KEYS, SENDER_KEY, other)}">'
        '<img src="https://y.example/logo.png"></p>'
    )
    rendered = render_fragment("<p>New</p>" + quote.format(old))
    assert targets(rendered) == ["https://x.example/?a=1&b=2", "https://y.example/"]
    assert not any(is_own_url(SETTINGS, href) for href in hrefs(rendered))
    assert "https://y.example/logo.png" in rendered
    position, _ = pixel_of(rendered)
    assert position < rendered.index("Old")


def test_our_own_links_in_fresh_text_are_wrapped_anew() -> None:
    old = link_url(SETTINGS, KEYS, SENDER_KEY, secrets.token_hex(16), 7, "https://x.example/")
    rendered = render_fragment(f'<p><a href="{old}">again</a></p>')
    token = read_link(KEYS, SENDER_KEY, hrefs(rendered)[0].rpartition("/")[2])
    assert token is not None
    assert (token.tracking_id, token.position, token.target) == (TRACKING_ID, 1, "https://x.example/")


PARAGRAPH = "<p>Lorem <b>ipsum</b> dölor sit amet, &amp; so on 🚀</p>"


@pytest.mark.parametrize(
    "html",
    [
        PARAGRAPH * 4000,
        "<div><p>" + "x" * 200_000 + "</p></div>",
        "x" * 200_000,
        "<table><tbody><tr><td>" + "<b>y</b>" * 30_000 + "</td></tr></tbody></table>",
        "<blockquote>" + PARAGRAPH * 4000 + "</blockquote><p>end</p>",
        '<img src="https://x.example/' + "a" * 200_000 + '"><p>end</p>',
        "<p>short</p>",
        "<ul><li>one</li></ul>",
        "just text",
        '<img src="https://x.example/logo.png">',
    ],
)
def test_the_pixel_stands_before_gmails_cut(html: str) -> None:
    rendered = render_fragment(html)
    position, source = pixel_of(rendered)
    assert position < PIXEL_LIMIT_BYTES
    mail = render(make_mail(clean_html(SETTINGS, KEYS, html)))
    *_, part = mail.iter_parts()
    assert part.get_content().encode().index(source.encode()) < GMAIL_CUT_BYTES
    assert re.sub(r'<img src="http://127[^>]*>', "", rendered) == clean_html(SETTINGS, KEYS, html)


def test_the_pixel_moves_nothing_and_does_not_begin_the_preview() -> None:
    rendered = render_fragment("<p>Dear Flynn,</p><p>lunch?</p>")
    assert re.fullmatch(r'<p>Dear Flynn,<img [^>]*alt="" width="1" height="1"[^>]*></p><p>lunch\?</p>', rendered)


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20).map(markup.escape)
HTML = st.recursive(
    TEXT,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(["p", "div", "b", "i", "ul", "li", "blockquote", "table", "td", "span", "h1", "center"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(HTML)
@settings(max_examples=100, deadline=None)
def test_rendering_changes_nothing_but_pixel_and_links(html: str) -> None:
    clean = clean_html(SETTINGS, KEYS, html)
    rendered = re.sub(r'<img src="http://127[^>]*>', "", render_fragment(html))
    assert rendered == (parse_body(clean).inner_html or "")
    assert parse_body(rendered).text() == parse_body(clean).text()
