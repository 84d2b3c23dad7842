"""What we know of Gmail's page stands in one file, dated; nothing else of ours looks for its elements."""

import re
from pathlib import Path

GMAIL = Path(__file__).parents[2] / "extension" / "gmail"
SELECTORS = GMAIL / "selectors.ts"
LOOKS_FOR = re.compile(r"\.(?:querySelector(?:All)?|closest|matches)(?:<[^>]*>)?\(\s*([\"'`])(.*?)\1")
OURS = re.compile(r"warmline-|\$\{CLASS\}|^\[role=button\]$|^[a-z*, ]+$")  # our classes, our buttons, bare tags


def test_only_one_file_looks_for_elements_of_gmail() -> None:
    found = [
        f"{path.relative_to(GMAIL)}: {selector}"
        for path in GMAIL.rglob("*.ts")
        if path != SELECTORS
        for _quote, selector in LOOKS_FOR.findall(path.read_text())
        if not OURS.search(selector)
    ]
    assert found == []


def test_every_place_says_when_it_was_seen_and_what_is_there() -> None:
    places = re.findall(r"^  (\w+): \{\n(.*?)^  \},", SELECTORS.read_text(), re.MULTILINE | re.DOTALL)
    assert len(places) > 5
    for name, text in places:
        assert re.search(r'^    seen: "20\d\d-(0[1-9]|1[0-2])",$', text, re.MULTILINE), name
        assert re.search(r"^    expects: .{20,}", text, re.MULTILINE), name
