"""Under which beginnings a person is found: every word of name and company, addresses, phone and LinkedIn profile.

Each is a row of `person_term`, so that a search by prefix is one range of an index, however many people there are.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert
from sqlmodel import Session

from server.people.models import Person, PersonTerm

TERM: Table = PersonTerm.__table__  # type: ignore[attr-defined]
TERM_LENGTH = 120
WORDS = 6
PHONE_LIKE = re.compile(r"[+(]?[\d\s().\-/]{3,}")


def normalise(text: str) -> str:
    """Return `text` as it is compared: no case, no accents, single spaces, nothing that cannot be printed."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (" " if letter.isspace() else letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(letter for letter in kept if letter.isprintable()).split())[:TERM_LENGTH]


def read_search(text: str) -> str:
    """Return the beginning that somebody searches for; a phone number loses what only makes it readable."""
    return dial(text) if PHONE_LIKE.fullmatch(text.strip()) else normalise(text)


def dial(phone: str) -> str:
    """Return a phone number as it is dialled (RFC 3966): digits, and a leading plus."""
    digits = re.sub(r"\D", "", phone)
    return f"+{digits}" if phone.strip().startswith("+") else digits


def make_terms(person: Person, emails: Iterable[str]) -> set[str]:
    """Return the beginnings under which `person` is found."""
    terms = {*_turn(person.name), *_turn(person.company), dial(person.phone), normalise(person.linkedin_url)}
    for email in emails:
        terms |= {normalise(email), normalise(email.rpartition("@")[2])}
    return {term for term in terms if term}


def write_terms(session: Session, people: Sequence[Person], emails: Mapping[int, Sequence[str]]) -> None:
    """Let `people` be found by what they are now; `emails` are their addresses by id."""
    ids = [person.id for person in people]
    session.execute(delete(TERM).where(TERM.c.person_id.in_(ids)))
    add_terms(session, people, emails)


def add_terms(session: Session, people: Sequence[Person], emails: Mapping[int, Sequence[str]]) -> None:
    """Let new `people` be found."""
    rows: list[dict[str, Any]] = [
        {"person_id": person.id, "term": term, "workspace_id": person.workspace_id, "owner_id": person.owner_id}
        for person in people
        for term in sorted(make_terms(person, emails.get(person.id or 0, ())))
    ]
    if rows:
        session.execute(insert(TERM), rows)


def _turn(text: str) -> set[str]:
    """Return `text` with each of its words first: "kevin o flynn", "o flynn kevin", "flynn kevin o"."""
    words = normalise(text).split(" ")
    starts = range(min(len(words), WORDS))
    turned = {" ".join(words[start:] + words[:start]) for start in starts}
    return turned | {" ".join([words[start], *words[:start], *words[start + 1 :]]) for start in starts}
