"""The search of the feed (F19): one line of operators and words, read once and asked of one row at a time.

Several of one operator mean any of them, different ones mean all, words mean each of them; `-` in front means not.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from server.errors import Refused
from server.events.models import EventKind, Verdict
from server.feed.queries import EventRow

LENGTH = 200
TERMS = 20
ME = "me"

OPERATORS: dict[str, tuple[str, LazyString]] = {
    "is": ("is:replied", lazy_gettext("What happened: viewed, clicked, replied, bounced, marketing …")),
    "to": ("to:flynn", lazy_gettext("Whom your mail went to, and who therefore acted: part of a name or address")),
    "from": ("from:me", lazy_gettext("The member whose mail it is: part of a name or address, or me")),
    "subject": ("subject:lunch", lazy_gettext("Words of the subject, the page or the document")),
    "campaign": ("campaign:spring", lazy_gettext("Words of the campaign’s name")),
    "verdict": ("verdict:human", lazy_gettext("Who did it: human, proxy, machine, self or unknown")),
}
SHORT_KINDS: dict[str, str] = {
    "auto-replied": EventKind.AUTO_REPLIED,
    "opened": EventKind.DOCUMENT_OPENED,
    "read": EventKind.PAGE_READ,
    "visited": EventKind.WEB_VISITED,
    "moment": EventKind.INTERESTING_MOMENT,
}
KINDS = {**{str(kind): str(kind) for kind in EventKind}, **SHORT_KINDS}
CONTENTS = ("marketing", "sales")
KNOWN = {"is": (*KINDS, *CONTENTS), "verdict": tuple(map(str, Verdict))}
WORDS = {operator: tuple(word for word in words if "_" not in word) for operator, words in KNOWN.items()}

TOKEN = re.compile(
    r"""\s*(?P<minus>-?)(?:(?P<name>[^\W\d_]+):(?!//))?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>[^\s"]*))"""
)


class Term(NamedTuple):
    """One condition; `operator` is "" for a word, `members` are those whom a `from:` means."""

    operator: str
    value: str
    is_not: bool
    members: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for, as its terms."""

    terms: tuple[Term, ...]

    @property
    def asks_for_campaigns(self) -> bool:
        """Whether rows need their campaign's name."""
        return any(term.operator == "campaign" for term in self.terms)

    def matches(self, row: EventRow) -> bool:
        """Return whether `row` is one of those looked for."""
        wanted: dict[str, bool] = {}
        for term in self.terms:
            is_met = TESTS[term.operator](term, row)
            if term.is_not or not term.operator:
                if is_met == term.is_not:
                    return False
            else:
                wanted[term.operator] = is_met or wanted.get(term.operator, False)
        return all(wanted.values())


def parse_search(text: str, names: Mapping[int, str], own_id: int) -> Search | None:
    """Return the search that `text` asks for, None when it asks for nothing; refuses what it cannot mean.

    `names` are the workspace's members by id, with all by which they may be called.
    """
    if len(text) > LENGTH:
        raise _refuse(_("A search has at most %(most)s characters.", most=LENGTH))
    tokens = [token for token in TOKEN.finditer(text.strip()) if token["name"] or token["quoted"] or token["bare"]]
    terms = [_make_term(token, names, own_id) for token in tokens]
    if len(terms) > TERMS:
        raise _refuse(_("A search has at most %(most)s words and operators.", most=TERMS))
    return Search(tuple(terms)) if terms else None


def _make_term(token: re.Match[str], names: Mapping[int, str], own_id: int) -> Term:
    operator, text = (token["name"] or "").lower(), token["quoted"] if token["quoted"] is not None else token["bare"]
    if token["quoted"] is not None and not token["end"]:
        raise _refuse(_("A quote is opened and not closed: %(text)s", text=token[0].strip()))
    if operator and operator not in OPERATORS:
        if not text:
            return Term("", _fold(operator + ":"), bool(token["minus"]))  # "Re:", as subjects have it
        raise _refuse(_say_unknown(operator))
    if operator and not text.strip():
        example = OPERATORS[operator][0]
        raise _refuse(
            _("“%(operator)s:” needs a value right behind the colon: %(example)s", operator=operator, example=example)
        )
    value = _fold(text.strip())
    if operator in KNOWN and value not in KNOWN[operator]:
        raise _refuse(_say_meaningless(operator, value))
    members = _find_members(value, names, own_id) if operator == "from" else frozenset()
    return Term(operator, value, bool(token["minus"]), members)


def _find_members(value: str, names: Mapping[int, str], own_id: int) -> frozenset[int]:
    if value == ME:
        return frozenset((own_id,))
    return frozenset(member_id for member_id, name in names.items() if value in _fold(name))


def _say_meaningless(operator: str, value: str) -> str:
    close = get_close_matches(value, WORDS[operator], 1)
    if close:
        return _("“%(given)s” means nothing. Did you mean %(close)s?",
                 given=f"{operator}:{value}", close=f"{operator}:{close[0]}")  # fmt: skip
    return _("“%(given)s” means nothing. It can be: %(words)s.",
             given=f"{operator}:{value}", words=", ".join(WORDS[operator]))  # fmt: skip


def _say_unknown(operator: str) -> str:
    close = get_close_matches(operator, OPERATORS, 1)
    if close:
        return _("There is no operator “%(operator)s:”. Did you mean %(close)s:?", operator=operator, close=close[0])
    known = ", ".join(f"{name}:" for name in OPERATORS)
    return _("There is no operator “%(operator)s:”. There are: %(known)s. Words with a colon go into quotes.",
             operator=operator, known=known)  # fmt: skip


def _refuse(message: str) -> Refused:
    return Refused(message, field="q")


def _is(term: Term, row: EventRow) -> bool:
    return row.content_kind == term.value if term.value in CONTENTS else row.kind == KINDS[term.value]


def _to(term: Term, row: EventRow) -> bool:
    return _contains(term.value, (row.person_name, row.person_address, *row.person_candidates))


def _subject(term: Term, row: EventRow) -> bool:
    return _contains(term.value, (row.subject, *_texts(row)))


def _campaign(term: Term, row: EventRow) -> bool:
    return _contains(term.value, (row.campaign, str(row.details.get("campaign") or "")))


def _word(term: Term, row: EventRow) -> bool:
    known = (row.person_name, row.person_address, *row.person_candidates, row.subject, row.link_target or "")
    return _contains(term.value, (*known, row.place_city or "", *_texts(row)))


def _texts(row: EventRow) -> Iterable[str]:
    return (value for value in row.details.values() if isinstance(value, str))


def _contains(value: str, texts: Iterable[str]) -> bool:
    return any(value in _fold(text) for text in texts if text)


def _fold(text: str) -> str:
    """Return `text` without what a hurried typist leaves out: case and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(character for character in plain if not unicodedata.combining(character)).casefold()


TESTS: dict[str, Callable[[Term, EventRow], bool]] = {
    "": _word,
    "is": _is,
    "to": _to,
    "from": lambda term, row: row.member_id in term.members,
    "subject": _subject,
    "campaign": _campaign,
    "verdict": lambda term, row: row.verdict == term.value,
}
