"""Gmail's search language as SQL over the stand-in's messages: operators, quotes, negation, OR, groups."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

WORD = re.compile(r'"[^"]*"|[(){}]|-(?=\S)|[A-Za-z]\w*:(?=\S)|[^\s(){}"]+')
UNIT_SECONDS = {"h": 3600, "d": 86400, "m": 30 * 86400, "y": 365 * 86400}
PLACES = {"inbox", "sent", "trash", "spam", "unread", "starred", "important", "chat"}
HAS_LABEL = "EXISTS (SELECT 1 FROM message_label l WHERE l.message_id = m.id AND l.label_id = ?)"
HAS_NAMED_LABEL = """EXISTS (SELECT 1 FROM message_label l
    LEFT JOIN label n ON n.account = m.account AND n.id = l.label_id
    WHERE l.message_id = m.id AND replace(lower(coalesce(n.name, l.label_id)), ' ', '-') = ?)"""


@dataclass(slots=True)
class Condition:
    """A SQL condition on `message m` with its parameters."""

    sql: str
    values: list[object] = field(default_factory=list)


def make_condition(query: str, *, include_spam_trash: bool = False) -> Condition:
    """Return the condition that a search query means; spam and trash are left out unless asked for."""
    parser = _Parser(WORD.findall(query))
    found = parser.read_all(until=None)
    if include_spam_trash or parser.names_hidden_place:
        return found
    hidden = Condition(f"NOT {HAS_LABEL} AND NOT {HAS_LABEL}", ["SPAM", "TRASH"])
    return _join([found, hidden], "AND")


class _Parser:
    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.names_hidden_place = False

    def read_all(self, until: str | None, operator: str = "AND") -> Condition:
        """Read terms up to the closing word; `OR` binds its two neighbours."""
        terms: list[Condition] = []
        joins_next = False
        while self.words and self.words[0] != until:
            word = self.words[0]
            if word == "OR" and terms:
                self.words.pop(0)
                joins_next = True
                continue
            if word in (")", "}", "AND"):
                self.words.pop(0)
                continue
            term = self.read_term("")
            terms.append(_join([terms.pop(), term], "OR") if joins_next else term)
            joins_next = False
        if self.words:
            self.words.pop(0)
        return _join(terms, operator)

    def read_term(self, operator: str) -> Condition:
        """Read one term, with its negation, its operator or its group."""
        if not self.words:
            return Condition("1")
        word = self.words.pop(0)
        if word == "-":
            term = self.read_term(operator)
            return Condition(f"NOT ({term.sql})", term.values)
        if word == "(":
            return self._read_group(operator, ")", "AND")
        if word == "{":
            return self._read_group(operator, "}", "OR")
        if word.endswith(":") and word[:-1].lower() in OPERATORS and not operator:
            return self.read_term(word[:-1].lower())
        return self._make_term(operator, word.strip('"').lower())

    def _read_group(self, operator: str, until: str, joined_by: str) -> Condition:
        if not operator:
            return self.read_all(until, joined_by)
        terms = []
        while self.words and self.words[0] != until:
            if self.words[0] == "OR":
                self.words.pop(0)
                joined_by = "OR"
            else:
                terms.append(self.read_term(operator))
        if self.words:
            self.words.pop(0)
        return _join(terms, joined_by)

    def _make_term(self, operator: str, value: str) -> Condition:
        if operator in ("in", "label", "is") and value in ("trash", "spam", "anywhere"):
            self.names_hidden_place = True
        return OPERATORS.get(operator, _text)(value)


def _join(terms: list[Condition], operator: str) -> Condition:
    if not terms:
        return Condition("1")
    sql = f" {operator} ".join(f"({term.sql})" for term in terms)
    return Condition(sql, [value for term in terms for value in term.values])


def _text(value: str) -> Condition:
    return Condition("instr(m.search_text, ?) > 0", [re.sub(r"\s+", " ", value)])


def _contains(column: str) -> Callable[[str], Condition]:
    return lambda value: Condition(f"instr(lower(m.{column}), ?) > 0", [value])


def _place(value: str) -> Condition:
    if value in ("anywhere", "all"):
        return Condition("1")
    if value == "read":
        return Condition(f"NOT {HAS_LABEL}", ["UNREAD"])
    if value in ("draft", "drafts"):
        return Condition(HAS_LABEL, ["DRAFT"])
    if value == "archive":
        return Condition(f"NOT {HAS_LABEL}", ["INBOX"])
    return Condition(HAS_LABEL, [value.upper()]) if value in PLACES else _label(value)


def _label(value: str) -> Condition:
    return Condition(HAS_NAMED_LABEL, [value.replace(" ", "-")])


def _category(value: str) -> Condition:
    return Condition(HAS_LABEL, ["CATEGORY_" + {"primary": "PERSONAL"}.get(value, value.upper())])


def _rfc822_id(value: str) -> Condition:
    return Condition("lower(m.rfc822_id) = ?", [f"<{value.strip('<>')}>"])


def _has(value: str) -> Condition:
    return Condition("m.has_attachment = 1") if value == "attachment" else _text(value)


def _age(comparison: str) -> Callable[[str], Condition]:
    def make(value: str) -> Condition:
        match = re.fullmatch(r"(\d+)([hdmy])", value)
        if match is None:
            return Condition("0")
        limit = (time.time() - int(match[1]) * UNIT_SECONDS[match[2]]) * 1000
        return Condition(f"m.internal_date {comparison} ?", [limit])

    return make


def _date(comparison: str) -> Callable[[str], Condition]:
    def make(value: str) -> Condition:
        limit = _read_date(value)
        return Condition("0") if limit is None else Condition(f"m.internal_date {comparison} ?", [limit * 1000])

    return make


def _read_date(value: str) -> float | None:
    if re.fullmatch(r"\d{5,}", value):
        return float(value)
    match = re.fullmatch(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", value)
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC).timestamp() if match else None  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def _size(comparison: str) -> Callable[[str], Condition]:
    def make(value: str) -> Condition:
        match = re.fullmatch(r"(\d+)([km]?)b?", value)
        size = int(match[1]) * {"": 1, "k": 2**10, "m": 2**20}[match[2]] if match else 0
        return Condition(f"length(m.raw) {comparison} ?", [size])

    return make


OPERATORS: dict[str, Callable[[str], Condition]] = {
    "in": _place, "is": _place, "label": _label, "category": _category, "from": _contains("sender"),
    "to": _contains("recipients"), "cc": _contains("recipients"), "bcc": _contains("recipients"),
    "deliveredto": _contains("account"), "subject": _contains("subject"), "rfc822msgid": _rfc822_id, "has": _has,
    "newer_than": _age(">"), "older_than": _age("<"), "after": _date(">="), "newer": _date(">="),
    "before": _date("<"), "older": _date("<"), "larger": _size(">"), "size": _size(">"), "smaller": _size("<"),
}  # fmt: skip
