"""What a mail may suffer from on its way: its size, and what filters and readers dislike. A short list, no score."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_babel import ngettext
from selectolax.lexbor import LexborNode

from server.messages.html import parse_body
from server.messages.links import read_target

# Gmail shows about 102 KB of a mail and hides the rest behind a link; our pixel and longer links come on top.
CLIPPED_BYTES = 102 * 1024
NEARLY_CLIPPED_BYTES = 90 * 1024
MOST_LINKS = 8
MOST_IMAGES = 6
SHORT_SUBJECT_LETTERS = 6
# Shorteners hide where a link leads; blocklists name whole hosts of them (Spamhaus DBL, "abused legit").
SHORTENERS = frozenset(
    """
    bit.ly bitly.com buff.ly cutt.ly goo.gl is.gd lnkd.in ow.ly rb.gy rebrand.ly shorturl.at soo.gd t.co t.ly tiny.cc
    tinyurl.com trib.al v.gd
    """.split()  # noqa: SIM905
)
SHOWN_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/\S*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that may be better otherwise: what it is, and what to do."""

    code: str
    words: str


def find_hints(subject: str | None, html: str, *, needs_unsubscribe: bool = False) -> list[Hint]:
    """Return what may be better about the mail as its recipient gets it; a snippet has no `subject`."""
    body = parse_body(html)
    hints = [*_of_subject(subject), *_of_body(body), *_of_size(len(html.encode()))]
    if needs_unsubscribe:
        hints.append(Hint("unsubscribe", _("There is no way to unsubscribe. Mail to many people needs one.")))
    return hints


def _of_subject(subject: str | None) -> Iterator[Hint]:
    if subject is None:
        return
    letters = [letter for letter in subject if letter.upper() != letter.lower()]
    if not subject.strip():
        yield Hint("no-subject", _("There is no subject."))
    elif len(letters) >= SHORT_SUBJECT_LETTERS and all(letter == letter.upper() for letter in letters):
        yield Hint("capitals", _("The subject is all capitals. Write it as a sentence."))


def _of_body(body: LexborNode) -> Iterator[Hint]:
    images, links = body.css("img"), body.css("a[href]")
    targets = [(link, read_target(link.attributes.get("href") or "")) for link in links]
    if not body.text().strip():
        yield Hint("no-text", _("There are only pictures. Say in words what the mail is about."))
    if len(images) > MOST_IMAGES:
        yield Hint("many-images", _("%(count)d pictures: mail with many looks like advertising.", count=len(images)))
    if any((image.attributes.get("src") or "").startswith("data:") for image in images):
        yield Hint("data-image", _("A picture is part of the text. Gmail and Outlook do not show it: link to one "
                                   "on your website instead."))  # fmt: skip
    without_alt = sum(not (image.attributes.get("alt") or "").strip() for image in images)
    if without_alt:
        yield Hint("no-alt", ngettext("%(num)d picture has no description for those who do not see it.",
                                      "%(num)d pictures have no description for those who do not see them.",
                                      without_alt))  # fmt: skip
    if len(links) > MOST_LINKS:
        yield Hint("many-links", _("%(count)d links: mail with many looks like advertising.", count=len(links)))
    shorteners = sorted({host for _link, target in targets if (host := _host(target)) in SHORTENERS})
    if shorteners:
        yield Hint("shortener", _("A link goes through %(hosts)s. Filters distrust shortened links: use the full one.",
                                  hosts=", ".join(shorteners)))  # fmt: skip
    if any(_shows_other(link.text(), target) for link, target in targets):
        yield Hint("other-address", _("A link shows one address and leads to another. Filters take that for phishing."))


def _of_size(count: int) -> Iterator[Hint]:
    kilobytes = count // 1024
    if count > CLIPPED_BYTES:
        yield Hint("clipped", _("%(size)d KB: Gmail shows about 102 KB and hides the rest.", size=kilobytes))
    elif count > NEARLY_CLIPPED_BYTES:
        yield Hint("large", _("%(size)d KB: near the 102 KB at which Gmail hides the rest.", size=kilobytes))


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _shows_other(text: str, target: str) -> bool:
    shown, host = SHOWN_ADDRESS.match(text.strip()), _host(target)
    if shown is None or not host:
        return False
    name = shown[1].lower()
    return name != host and not host.endswith(f".{name}") and not name.endswith(f".{host}")
