"""The French catalogue holds every text of the product, complete, with the same placeholders."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
FRENCH = ROOT / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[a-z]|%%|\{[a-z_]*\}|</?[a-z][^>]*>")


@cache
def collect_texts() -> frozenset[tuple[str, ...]]:
    """Return every text in the code and the templates; one with a plural has two forms."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(
        ROOT, methods, options, keywords=DEFAULT_KEYWORDS | parse_keywords(["lazy_gettext", "_l"]), comment_tags=()
    )
    return frozenset(message if isinstance(message, tuple) else (message,) for _, _, message, _, _ in found)


@cache
def read_french() -> Catalog:
    """Return the French catalogue."""
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


def pairs() -> Iterator[tuple[str, str]]:
    """Yield every text with each of its translations."""
    for message in read_french():
        if message.id:
            originals = message.id if isinstance(message.id, tuple | list) else (message.id,)
            translations = message.string if isinstance(message.string, tuple | list) else (message.string,)
            yield from ((str(originals[-1]), str(translation)) for translation in translations)


def test_texts_are_found_in_code_and_templates() -> None:
    texts = {text for forms in collect_texts() for text in forms}
    assert len(texts) > 100
    assert any("Engagement" in text for text in texts)


def test_every_text_is_translated() -> None:
    known = {tuple(one.id) if isinstance(one.id, tuple | list) else (one.id,) for one in read_french() if one.id}
    assert sorted(collect_texts() - known) == [], "run `make i18n` and translate what is new"


def test_the_catalogue_holds_nothing_else() -> None:
    known = {tuple(one.id) if isinstance(one.id, tuple | list) else (one.id,) for one in read_french() if one.id}
    assert sorted(known - collect_texts()) == [], "run `make i18n`: these texts are gone"
    assert list(read_french().obsolete) == []


def test_no_translation_is_empty_or_a_guess() -> None:
    assert [text for text, translation in pairs() if not translation.strip()] == []
    assert [message.id for message in read_french() if message.id and message.fuzzy] == []


def test_translations_keep_placeholders_and_markup() -> None:
    wrong = [
        (text, translation)
        for text, translation in pairs()
        if sorted(set(PLACEHOLDER.findall(text))) != sorted(set(PLACEHOLDER.findall(translation)))
    ]
    assert wrong == []


def test_translations_keep_the_white_space_around_them() -> None:
    wrong = [
        text
        for text, translation in pairs()
        if (text[:1].isspace(), text[-1:].isspace()) != (translation[:1].isspace(), translation[-1:].isspace())
    ]
    assert wrong == []


@pytest.mark.parametrize("sign", ["?", "!", ";", ":", "»"])
def test_french_signs_have_their_narrow_or_plain_no_break_space(sign: str) -> None:
    wrong = [
        translation
        for _text, translation in pairs()
        if re.search(rf"\w {re.escape(sign)}(?!//)", translation)  # an ordinary space would let the sign wrap
    ]
    assert wrong == []
