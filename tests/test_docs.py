"""The documents are true: what they name exists, and nothing that is tracked tells of the machine it was made on."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from click import Command, Group
from flask import Flask

from server.cli import main
from server.config import Settings

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# Variables that are no settings of the server: those of the tests, of Google's own libraries, of containers.
OTHER_VARIABLES = {"TEST_DATABASE_URL", "GOOGLE_APPLICATION_CREDENTIALS", "POSTGRES_PASSWORD"}
MACHINE_PATHS = re.compile(r"/work/|/farm/|/root/|/home/[a-z]|/tmp/h\d")
REGISTRIES = re.compile(r"registry\.npmjs|files\.pythonhosted|index-url|devpi|verdaccio|artifactory")


@cache
def list_tracked() -> list[Path]:
    """Return every file that git tracks and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@cache
def list_code(path: Path) -> list[str]:
    """Return what a document sets as code: fenced and indented blocks by line, and what stands between backticks."""
    text = path.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    fenced = [line for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return fenced + re.findall(r"^ {4,}(.+)$", rest, re.MULTILINE) + re.findall(r"`([^`\n]+)`", rest)


def find_all(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield each document's name with what `pattern` finds in its code."""
    for path in DOCS:
        for code in list_code(path):
            for found in re.findall(pattern, code):
                yield path.name, found


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = list(find_all(r"\bmake ([a-z][a-z0-9-]*)"))
    assert len(named) > 0
    assert [one for one in named if one[1] not in targets] == []


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert [name for name in phony[1].split() if not re.search(rf"^{name}:.*## \S", makefile, re.MULTILINE)] == []


def test_every_command_that_is_named_exists(app: Flask) -> None:
    wrong = []
    named = list(find_all(r"(?:^|/|\s)warmline ([a-z][a-z -]*)"))
    assert len(named) > 0
    for document, words in named:
        command: Mapping[str, Command] = {**main.commands, **app.cli.commands}
        for word in words.split():
            found = command.get(word)
            if found is None:
                if command:
                    wrong.append((document, words))
                break
            command = found.commands if isinstance(found, Group) else {}
    assert wrong == []


def test_every_command_says_what_it_does(app: Flask) -> None:
    silent = []
    for name, command in {**main.commands, **app.cli.commands}.items():
        children = list(command.commands.values()) if isinstance(command, Group) else []
        silent += [f"{name} {one.name}" for one in (command, *children) if not one.help]
    assert silent == []


def test_every_setting_that_is_named_exists() -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    named = list(find_all(r"(?:^|[\s$(])([A-Z][A-Z_]{2,})(?=$|=|[\s,;.)/])"))
    settings = [one for one in named if "_" in one[1]]
    assert len(settings) > 0
    assert [one for one in settings if one[1] not in known] == []


def list_anchors(path: Path) -> set[str]:
    """Return the anchors that a host of Markdown gives the headings of `path`."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _hash, anchor = target.partition("#")
        path = (document.parent / name) if name else document
        anchors = list_anchors(path) if anchor and path.exists() else set()
        if not path.exists() or (anchor and anchor not in anchors):
            wrong.append(target)
    assert wrong == []


def test_every_document_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in DOCS[2:] if f"docs/{path.name}" not in readme] == []


def test_the_changelog_has_a_place_for_what_comes() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.search(r"^## Unreleased\n\n- \S", changelog, re.MULTILINE)


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    wrong = []
    for path in list_tracked():
        if path == Path(__file__):
            continue  # what it looks for
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATHS.search(line) or REGISTRIES.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert wrong == []


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name.startswith("node_modules/"))


def test_nothing_of_others_is_tracked() -> None:
    tracked = [path.relative_to(ROOT).parts for path in list_tracked()]
    folders = {"node_modules", ".venv", "var", "vendor", "__pycache__"}
    assert [parts for parts in tracked if folders & set(parts) or parts[:2] == ("server", "static")] == []
    assert [parts for parts in tracked if parts[-1].endswith((".min.js", ".mmdb", ".sqlite", ".mo"))] == []
