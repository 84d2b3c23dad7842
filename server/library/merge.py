r"""The merge language: `{{field}}` and `{{field|default}}` in a mail, `\{{` for two braces as they are; nothing else.

It knows no database. A text is read once and each value is written once: what a value holds is never read as language,
and no markup of it reaches a mail. HTML is taken as `messages.html.clean_html` leaves it: whole tags, quoted values.
"""

import difflib
import html as markup
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from flask_babel import gettext as _

from server.errors import Refused

MOST_FIELDS = 200
MOST_CHARACTERS = 500_000
NAME_LENGTH = 60
DEFAULT_LENGTH = 500
NEAR_LENGTH = 24

TOKEN = re.compile(r"\\\{\{|\{\{(?P<inside>[^{}]*)(?P<end>\}\})?")
TAG = re.compile(r"""<(?:!--.*?-->|[/!?]?[a-zA-Z](?:[^>"']|"[^"]*"|'[^']*')*>)""", re.DOTALL)
ATTRIBUTE = re.compile(r"""\s(?P<name>[a-zA-Z-]+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""")
ADDRESS = re.compile(r"https?://[^\s]", re.IGNORECASE)
IN_ADDRESS = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986 §2: what an address holds as it is
# A value that holds one of these stays a field where filled text is read as language again.
OF_THE_LANGUAGE = frozenset("{}\\")


class MergeError(Refused):
    """A text that is none of the merge language, or that lacks a value; the message names the field and its place."""


@dataclass(frozen=True, slots=True)
class Rich:
    """A value with formatting of its own, clean already: a signature."""

    html: str
    text: str


Values = Mapping[str, str | Rich]


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


@dataclass(frozen=True, slots=True)
class MergeText:
    """A text that was read: pieces of it and fields, in order. `is_html` says how values are written into it."""

    pieces: Sequence[str | Field]
    is_html: bool
    has_braces: bool

    @property
    def fields(self) -> Iterator[Field]:
        """The fields in their order, also twice."""
        return (piece for piece in self.pieces if isinstance(piece, Field))

    @property
    def is_plain(self) -> bool:
        """Whether the text means just itself."""
        return not self.has_braces and all(isinstance(piece, str) for piece in self.pieces)

    def check(self, known: Collection[str]) -> None:
        """Raise `MergeError` for the first field whose key is not `known`."""
        for field in self.fields:
            if field.key not in known:
                close = difflib.get_close_matches(field.key, known, 1)
                hint = _("Did you mean {{%(name)s}}?", name=close[0]) if close else _(
                    "Choose a field from the menu; for two braces as they are, write \\{{."
                )  # fmt: skip
                raise MergeError(_("There is no field “%(name)s” (at “%(near)s”).", name=field.key, near=field.near)
                                 + " " + hint)  # fmt: skip

    def find_missing(self, values: Values) -> list[str]:
        """Return the keys of fields that have neither a value nor a default, each once."""
        return list(dict.fromkeys(field.key for field in self.fields if _find(field, values) is None))

    def write(self, values: Values, lack: Callable[[Field], str]) -> str:
        """Return the text with `values`; `lack` gives what stands for a field without any."""
        return "".join(piece if isinstance(piece, str) else self._write(piece, values, lack) for piece in self.pieces)

    def fill(self, field: Field, values: Values) -> str:
        """Return the value of `field`, or the field as written where it has none that may stand in such a text."""
        value = _find(field, values)
        is_language = value is not None and not OF_THE_LANGUAGE.isdisjoint(_whole(value))
        return field.written if is_language else self._write(field, values, lambda field: field.written)

    def _write(self, field: Field, values: Values, lack: Callable[[Field], str]) -> str:
        value = _find(field, values)
        if value is None:
            return lack(field)
        return _write_html(field.where, value) if self.is_html else _write_line(value)


def render(template_text: str, fields: Values) -> str:
    """Return the HTML with its fields' values, escaped for where they stand; raises `MergeError`."""
    return read_html(template_text).write(fields, _refuse)


def render_plain(template_text: str, fields: Values) -> str:
    """Return a subject or a text-only mail with its fields' values, each on one line; raises `MergeError`."""
    return read_plain(template_text).write(fields, _refuse)


def preview(template_text: str, fields: Values) -> str:
    """Return the HTML with its fields' values; a field without one stands as written, marked."""
    return read_html(template_text).write(fields, _mark)


def preview_plain(template_text: str, fields: Values) -> str:
    """Return a subject with its fields' values; a field without one stands as written."""
    return read_plain(template_text).write(fields, lambda field: field.written)


def fill(template_text: str, fields: Values, *, is_html: bool = True) -> str:
    """Return text of the merge language in which the fields with a value or default are filled, the others stay.

    Also a field stays whose value would be read as language: it is filled when the text is rendered.
    """
    read = _read(template_text, is_html, True)
    return "".join(piece if isinstance(piece, str) else read.fill(piece, fields) for piece in read.pieces)


def read_html(text: str) -> MergeText:
    """Return the HTML `text` as read; raises `MergeError` where it is not of the language."""
    return _read(text, True, False)


def read_plain(text: str) -> MergeText:
    """Return the plain `text` as read; raises `MergeError` where it is not of the language."""
    return _read(text, False, False)


def key_of(name: str) -> str:
    """Return what makes two names of fields the same: neither case nor spaces, nor what fields are written with."""
    return "_".join(re.sub(r"[{}|\\]", " ", name).casefold().replace("_", " ").split())


@lru_cache(maxsize=64)
def _read(text: str, is_html: bool, keeps_braces: bool) -> MergeText:
    if len(text) > MOST_CHARACTERS:
        raise MergeError(_("A text with fields has at most %(most)d characters.", most=MOST_CHARACTERS))
    runs = _split_html(text) if is_html else iter([(text, Where.TEXT)])
    pieces = [piece for run, where in runs for piece in _read_run(run, where, is_html, keeps_braces)]
    has_braces = any(token[0].startswith("\\") for token in TOKEN.finditer(text))
    if sum(isinstance(piece, Field) for piece in pieces) > MOST_FIELDS:
        raise MergeError(_("A text has at most %(most)d fields.", most=MOST_FIELDS))
    return MergeText(tuple(pieces), is_html, has_braces)


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


def _find(field: Field, values: Values) -> str | Rich | None:
    value = values.get(field.key)
    return value if _whole(value or "").strip() else field.default


def _whole(value: str | Rich) -> str:
    return value.text + value.html if isinstance(value, Rich) else value


def _write_html(where: Where, value: str | Rich) -> str:
    if isinstance(value, Rich):
        return value.html if where is Where.TEXT else markup.escape(" ".join(value.text.split()))
    if where is Where.ADDRESS_START and ADDRESS.match(value.strip()):
        return markup.escape(quote(value.strip(), safe=IN_ADDRESS, errors="replace"))
    if where in (Where.ADDRESS, Where.ADDRESS_START):
        return quote(value, safe="", errors="replace")
    return markup.escape(value)


def _write_line(value: str | Rich) -> str:
    return value.text if isinstance(value, Rich) else " ".join(value.split())


def _refuse(field: Field) -> str:
    raise MergeError(_("The field “%(name)s” has no value and no default (at “%(near)s”).", name=field.key,
                       near=field.near))  # fmt: skip


def _mark(field: Field) -> str:
    return f"<mark>{field.written}</mark>" if field.where is Where.TEXT else ""
