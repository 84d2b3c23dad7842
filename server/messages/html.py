"""What a member's HTML may hold: the formatting of ordinary mail, nothing that runs, asks or tells on the member."""

import re

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from server.config import Settings
from server.keys import Keyring
from server.messages.honeypot import honeypot_target
from server.tracking.tokens import find_target, is_own_url

TAGS = frozenset(
    """
    a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em figcaption
    figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q rp rt ruby s samp section small
    span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr
    """.split()  # noqa: SIM905
)
BOX = {"align", "valign", "width", "height", "bgcolor", "background", "border"}
ATTRIBUTES = {
    "*": {"style", "class", "dir", "lang", "title", "align", "role"},
    "a": {"href", "name", "target"},
    "img": {"src", "srcset", "alt", "width", "height", "border", "hspace", "vspace"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"}, "ul": {"type"}, "li": {"value"}, "hr": {"size", "width", "color", "noshade"},
    "table": BOX | {"cellpadding", "cellspacing", "summary"}, "tr": BOX, "tbody": BOX, "thead": BOX, "tfoot": BOX,
    "td": BOX | {"colspan", "rowspan", "nowrap"}, "th": BOX | {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span", "width"}, "colgroup": {"span", "width"}, "blockquote": {"cite", "type"},
}  # fmt: skip
STYLES = frozenset(
    """
    background background-color background-image background-position background-repeat background-size border
    border-bottom border-collapse border-color border-left border-radius border-right border-spacing border-style
    border-top border-width box-sizing clear color direction display float font font-family font-size font-style
    font-variant font-weight height letter-spacing line-height list-style list-style-type margin margin-bottom
    margin-left margin-right margin-top max-height max-width min-height min-width mso-line-height-rule opacity overflow
    padding padding-bottom padding-left padding-right padding-top table-layout text-align text-decoration text-indent
    text-transform unicode-bidi vertical-align visibility white-space width word-break word-spacing word-wrap
    """.split()  # noqa: SIM905
)
SCHEMES = {"http", "https", "mailto", "tel", "sms", "cid", "data"}
DATA_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);", re.IGNORECASE)
QUOTES = "blockquote, .gmail_quote"


def clean_html(settings: Settings, keys: Keyring, html: str) -> str:
    """Return `html` without what mail must not hold, and without pixels and wrapped links of an earlier mail."""
    return _drop_own(settings, keys, _CLEANER.clean(html)).strip()


def parse_body(html: str) -> LexborNode:
    """Return the body element of `html`, to walk and to change; `inner_html` of it is the fragment again."""
    body = LexborHTMLParser(f"<body>{html}").body  # else a style or a comment at its beginning would be lost
    if body is None:
        raise ValueError("the HTML parser made no body")
    return body


def strip_own(settings: Settings, keys: Keyring, body: LexborNode) -> None:
    """Take pixels of an earlier mail out of `body`, and point its wrapped links at their targets again."""
    for image in body.css("img[src]"):
        if is_own_url(settings, image.attributes.get("src") or ""):
            image.decompose()
    for anchor in body.css("a[href]"):
        target = find_target(settings, keys, anchor.attributes.get("href") or "")
        if target == honeypot_target(settings):
            anchor.decompose()
        elif target is not None:
            anchor.attrs["href"] = target


def is_blank(html: str) -> bool:
    """Return whether `html` shows nothing: no text and no picture."""
    body = parse_body(html)
    return not body.text().strip() and body.css_first("img, hr") is None


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    is_address = name in ("href", "src", "srcset", "background", "cite")
    if is_address and value.strip().lower().startswith("data:"):
        return value if tag == "img" and name == "src" and DATA_IMAGE.match(value.strip()) else None
    return value


def _drop_own(settings: Settings, keys: Keyring, html: str) -> str:
    if not any(mark in html for mark in ("<img", "<a ")):
        return html
    body = parse_body(html)
    strip_own(settings, keys, body)
    return body.inner_html or ""


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style", "title", "noscript", "template", "select", "textarea", "object", "iframe"},
    attributes=ATTRIBUTES,
    attribute_filter=_keep_attribute,
    link_rel=None,
    url_schemes=SCHEMES,
    filter_style_properties=STYLES,
)
