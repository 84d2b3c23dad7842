r"""The grammar of the merge language: where fields stand in a text, and what they are called.

`{{field}}`, `{{field|default}}`, and `\{{` for two braces as they are; nothing else. HTML is taken as
`messages.html.clean_html` leaves it: whole tags, quoted values.
"""

import html as markup
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from flask_babel import gettext as _

from server.errors import Refused

MOST_FIELDS = 200
MOST_CHARACTERS = 2 * 2**20  # as much as a mail may have
NAME_LENGTH = 60
DEFAULT_LENGTH = 500
NEAR_LENGTH = 24

TOKEN = re.compile(r"\\\{\{|\{\{(?P<inside>[^{}]*)(?P<end>\}\})?")
TAG = re.compile(r"""<(?:!--.*?-->|[/!?]?[a-zA-Z](?:[^>"']|"[^"]*"|'[^']*')*>)""", re.DOTALL)
ATTRIBUTE = re.compile(r"""\s(?P<name>[a-zA-Z-]+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""")


class MergeError(Refused):
    """A text that is none of the merge language, or that lacks a value; the message names the field and its place."""


class Where(Enum):
    """Where in HTML a field stands; each place is escaped in its own way."""

    TEXT = "text"
    ATTRIBUTE = "attribute"
    ADDRESS = "address"
    ADDRESS_START = "address_start"


@dataclass(frozen=True, slots=True)
class Field:
    """A field as written: its `key`, its default where it has one, the text as it stands, and what stands before it."""

    key: str
    default: str | None
    written: str
    near: str
    where: Where


def read_pieces(text: str, *, is_html: bool, keeps_braces: bool) -> tuple[str | Field, ...]:
    """Return the pieces of `text` and its fields in order; `keeps_braces` leaves `\\{{` as it is written."""
    if "{{" not in text:
        return (text,)
    if len(text) > MOST_CHARACTERS:
        raise MergeError(_("A text with fields has at most %(most)d characters.", most=MOST_CHARACTERS))
    runs = _split_html(text) if is_html else iter([(text, Where.TEXT)])
    pieces = tuple(piece for run, where in runs for piece in _read_run(run, where, is_html, keeps_braces))
    if sum(isinstance(piece, Field) for piece in pieces) > MOST_FIELDS:
        raise MergeError(_("A text has at most %(most)d fields.", most=MOST_FIELDS))
    return pieces


def has_braces(text: str) -> bool:
    """Return whether `text` writes two braces as they are."""
    return any(token[0].startswith("\\") for token in TOKEN.finditer(text))


def key_of(name: str) -> str:
    """Return what makes two names of fields the same: neither case nor spaces, nor what fields are written with."""
    return "_".join(re.sub(r"[{}|\\]", " ", name).casefold().replace("_", " ").split())


def _split_html(text: str) -> Iterator[tuple[str, Where | None]]:
    """Yield the runs of `text` in which fields may stand, and with None those in which they may not."""
    end = 0
    for tag in TAG.finditer(text):
        yield text[end : tag.start()], Where.TEXT
        yield from _split_tag(tag[0])
        end = tag.end()
    yield text[end:], Where.TEXT


def _split_tag(tag: str) -> Iterator[tuple[str, Where | None]]:
    end = 0
    for attribute in ATTRIBUTE.finditer(tag):
        group = "double" if attribute["double"] is not None else "single"
        place = {"href": Where.ADDRESS, "src": Where.ADDRESS, "alt": Where.ATTRIBUTE, "title": Where.ATTRIBUTE}
        yield tag[end : attribute.start(group)], None
        yield attribute[group], place.get(attribute["name"].lower())
        end = attribute.end(group)
    yield tag[end:], None


def _read_run(run: str, where: Where | None, is_html: bool, keeps_braces: bool) -> Iterator[str | Field]:
    end = 0
    for token in TOKEN.finditer(run):
        yield run[end : token.start()]
        end = token.end()
        if token[0].startswith("\\"):
            yield token[0] if keeps_braces else "{{"
        else:
            yield _read_field(token, where, is_html)
    yield run[end:]


def _read_field(token: re.Match[str], where: Where | None, is_html: bool) -> Field:
    near = _shorten(token.string[max(0, token.start() - NEAR_LENGTH) : token.end()], is_html)
    if token["end"] is None:
        raise MergeError(_("A field begins at “%(near)s” and does not end with }}. Formatting cannot change inside of "
                           "a field; for two braces as they are, write \\{{.", near=near))  # fmt: skip
    if where is None:
        raise MergeError(_("A field stands inside of formatting (at “%(near)s”); it can stand in text and in the "
                           "address of a link.", near=near))  # fmt: skip
    inside = markup.unescape(token["inside"]) if is_html else token["inside"]
    name, bar, default = inside.partition("|")
    key = key_of(name)
    if not key or len(name.strip()) > NAME_LENGTH or len(default) > DEFAULT_LENGTH:
        raise MergeError(_("Between {{ and }} stands the name of a field, with a default after | where you like (at "
                           "“%(near)s”).", near=near))  # fmt: skip
    if where is Where.ADDRESS and not token.string[: token.start()].strip():
        where = Where.ADDRESS_START
    return Field(key, default.strip() if bar else None, token[0], near, where)


def _shorten(text: str, is_html: bool) -> str:
    return " ".join((markup.unescape(text) if is_html else text).split())[: NEAR_LENGTH + NAME_LENGTH]
