"""docs/architecture.md is true: which way imports go and who may touch what, read from the source alone."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
ENTRY = {"worker", "server.app", "server.cli", "server.doctor", "server.edge", "server.feed.stream"}
EDGE_NAMES = {"routes", "webhook", "cli"}
EDGE = {"server.metrics"}
LEVELS = ("platform", "models", "domain", "jobs", "edge", "entry")
ROOMS = {
    "accounts", "api", "backup", "campaigns", "consent", "dead_letters", "documents", "events", "feed",
    "gmail", "library", "messages", "people", "sandbox", "scoring", "sidebar", "tasks", "tracking",
}  # fmt: skip
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "services", "service", "manager", "core", "misc"}

# Who sees the request besides the edge: the platform's own request hooks, and the session that stands behind a cookie.
SEES_REQUEST = {"db", "error_pages", "htmx", "i18n", "limits", "security", "static_files", "accounts.session"}
# Who commits besides routes, the webhook, jobs and commands: what holds a session of its own beside the request's.
COMMITS = {"accounts.session", "accounts.stored_session", "gmail.pull", "sandbox.stand_in.store"}
GOOGLE = ("googleapiclient", "google_auth_httplib2", "google_auth_oauthlib", "google.auth.transport", "google.oauth2")
# `access` holds the credentials that the client uses; `doctor` asks Google what is wrong. The sandbox plays Google.
CALLS_GOOGLE = {"gmail.access", "gmail.client", "gmail.doctor", "gmail.oauth", "gmail.pull", "gmail.transport"}


@dataclass(frozen=True)
class Module:
    """One file of the server."""

    path: Path

    @property
    def name(self) -> str:
        """Its dotted name; a package's file has the package's."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @property
    def short(self) -> str:
        """Its name below `server`."""
        return self.name.removeprefix("server.")

    @property
    def room(self) -> str | None:
        """The room it stands in."""
        first = self.short.split(".")[0]
        return first if first in ROOMS else None

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.source)

    @property
    def level(self) -> str:
        """Where it stands between the platform and the entry."""
        parts = self.short.split(".")
        if self.name in ENTRY:
            return "entry"
        if self.name in EDGE or (self.room and "stand_in" not in parts and EDGE_NAMES & set(parts[1:])):
            return "edge"
        if self.short in ("jobs", "recurring"):
            return "jobs"
        if parts[-1] == "models":
            return "models"
        return "domain" if self.room else "platform"

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield the line and the full name of everything it imports, also inside functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def __str__(self) -> str:
        return self.name


MODULES = [Module(path) for path in sorted((ROOT / "server").rglob("*.py"))] + [Module(ROOT / "worker.py")]
BY_NAME = {module.name: module for module in MODULES}


def find_module(imported: str) -> Module | None:
    """Return our module that `imported` names, itself or as the owner of the name."""
    return BY_NAME.get(imported) or BY_NAME.get(imported.rpartition(".")[0])


def in_type_checking(module: Module) -> set[int]:
    """Return the lines that only type checkers read."""
    return {
        line
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def say(module: Module, line: int, what: str) -> str:
    """Return one finding as editors read it."""
    return f"{module.path.relative_to(ROOT)}:{line}: {what}"


def test_the_modules_are_found() -> None:
    assert len(MODULES) > 50
    assert {module.room for module in MODULES} >= ROOMS


def test_imports_go_down_only() -> None:
    wrong = [
        say(module, line, f"{module.level} imports {target.level} {target.name}")
        for module in MODULES
        for line, imported in module.imports()
        if (target := find_module(imported)) is not None
        and target is not module
        and line not in in_type_checking(module)
        and LEVELS.index(target.level) > LEVELS.index(module.level)
    ]
    assert wrong == []


def test_gmail_knows_no_other_room() -> None:
    wrong = [
        say(module, line, imported)
        for module in MODULES
        if module.room == "gmail" and module.level != "edge"
        for line, imported in module.imports()
        if (target := find_module(imported)) is not None and target.room not in (None, "gmail")
    ]
    assert wrong == []


def test_nothing_but_the_sandbox_and_the_entry_knows_the_sandbox() -> None:
    allowed = {"server.app", "server.cli", "server.jobs", "server.recurring", "worker"}
    wrong = [
        say(module, line, imported)
        for module in MODULES
        if module.room != "sandbox" and module.name not in allowed and module.level != "edge"
        for line, imported in module.imports()
        if imported.startswith("server.sandbox") and not imported.startswith("server.sandbox.models")
    ]
    assert [finding for finding in wrong if "server/models.py" not in finding] == []


def test_the_request_is_seen_at_the_edge_only() -> None:
    wrong = [
        say(module, line, imported)
        for module in MODULES
        if module.level != "edge" and module.short not in SEES_REQUEST and "stand_in" not in module.name
        for line, imported in module.imports()
        if imported == "flask.request"
    ]
    assert wrong == []


def test_only_the_client_calls_google() -> None:
    wrong = [
        say(module, line, imported)
        for module in MODULES
        if module.short not in CALLS_GOOGLE and module.room != "sandbox"
        for line, imported in module.imports()
        if imported.startswith(GOOGLE) and not imported.startswith("googleapiclient.errors")
    ]
    assert wrong == []


def test_verbs_flush_and_only_their_callers_commit() -> None:
    wrong = [
        say(module, node.lineno, "commits")
        for module in MODULES
        if module.level not in ("edge", "jobs", "entry") and module.short not in COMMITS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert wrong == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_owns_and_fits_in_the_head(module: Module) -> None:
    assert ast.get_docstring(module.tree), f"{module.name} needs a docstring of one line"
    assert len(module.source.splitlines()) <= MAX_LINES


def test_everything_public_says_what_it_does() -> None:
    wrong = [
        say(module, node.lineno, node.name)
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and node in module.tree.body
        and not ast.get_docstring(node)
    ]
    assert wrong == []


def test_nothing_swallows_an_error_without_its_reason() -> None:
    """A blind `except` logs what it caught, raises it again, or has its reason beside it."""
    wrong = []
    for module in MODULES:
        comments = {
            token.start[0]
            for token in tokenize.generate_tokens(io.StringIO(module.source).readline)
            if token.type == tokenize.COMMENT and re.search(r"[a-z]{3}.* ", token.string.split("noqa: BLE001")[-1])
        }
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            if node.type is None:
                wrong.append(say(module, node.lineno, "bare except"))
            elif ast.unparse(node.type) in ("Exception", "BaseException"):
                body = " ".join(map(ast.unparse, node.body))
                if node.lineno not in comments and "log.exception(" not in body and "raise" not in body:
                    wrong.append(say(module, node.lineno, "a blind except without its reason"))
    assert wrong == []


def test_no_name_is_empty() -> None:
    wrong = [module.name for module in MODULES if EMPTY_NAMES & set(module.name.split("."))]
    assert wrong == []


def test_every_room_and_every_loose_file_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "architecture.md").read_text()
    assert [room for room in sorted(ROOMS) if not re.search(rf"\b{room}\b", guide)] == []


def test_who_is_excepted_still_exists() -> None:
    """An exception that no file needs any more is taken back."""
    assert [name for name in SEES_REQUEST | COMMITS | CALLS_GOOGLE if f"server.{name}" not in BY_NAME] == []
    assert [name for name in ENTRY | EDGE if name not in BY_NAME] == []
