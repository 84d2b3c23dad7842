"""The merge language at work: a text with fields, and the values of one person, make the text that they get.

It knows no database. A text is read once and each value is written once: what a value holds is never read as language,
and no markup of it reaches a mail.
"""

import difflib
import html as markup
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from flask_babel import gettext as _

from server.library.language import Field, MergeError, Where, has_braces, read_pieces

ADDRESS = re.compile(r"https?://[^\s]", re.IGNORECASE)
IN_ADDRESS = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986 §2: what an address holds as it is
# A value that holds one of these stays a field where filled text is read as language again.
OF_THE_LANGUAGE = frozenset("{}\\")


@dataclass(frozen=True, slots=True)
class Rich:
    """A value with formatting of its own, clean already: a signature."""

    html: str
    text: str


Values = Mapping[str, str | Rich]


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


@lru_cache(maxsize=16)
def _read(text: str, is_html: bool, keeps_braces: bool) -> MergeText:
    pieces = read_pieces(text, is_html=is_html, keeps_braces=keeps_braces)
    return MergeText(pieces, is_html, has_braces(text))


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
