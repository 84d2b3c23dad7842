"""How mail that came in is told apart, on public corpora that the machine has: a table for each, and what crashed.

    .venv/bin/python bench/inbound.py [FOLDER …]

Without a folder, those that are installed: the mail of Python's own email tests, of this project's tests, and of
flufl.bounce where its source is. Corpora are never part of this project; fetch them as you like, for example
`pip download --no-binary :all: flufl.bounce==4.0`, or the folder spec/fixtures/emails of mikel/mail. Where the
expectations of flufl.bounce stand beside its samples (testing/helpers.py), its addresses are compared with ours.
"""

import argparse
import ast
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from server.errors import Unreadable
from server.messages.classify import Inbound, classify

ENDINGS = {".eml", ".txt", ".msg"}
NO_MAIL = {"__init__.py", "PyBanner048.gif", "SOURCES.txt", "top_level.txt", "dependency_links.txt", "requires.txt"}
RECEIVED_AT = datetime(2020, 1, 6, tzinfo=UTC)
KINDS = ("bounce", "complaint", "auto_reply", "reply", "nothing", "unreadable", "crashed")

Expected = dict[str, tuple[set[str], bool]]  # by file: the addresses, and whether they failed for a time only


@dataclass
class Corpus:
    """What became of the mail in one folder."""

    name: str
    kinds: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    compared: int = 0

    def take(self, path: Path) -> None:
        """Classify one file."""
        try:
            inbound = classify(path.read_bytes(), RECEIVED_AT)
        except Unreadable:
            self.kinds["unreadable"] += 1
            return
        except Exception as error:  # noqa: BLE001 - that none comes is what is measured
            self.kinds["crashed"] += 1
            self.crashes.append(f"{path.name}: {type(error).__name__}: {error}")
            return
        self.kinds[inbound.kind.value if inbound.kind else "nothing"] += 1
        self.categories.update(failure.category for failure in inbound.failures)
        self.reasons.update(f"{failure.category}: {failure.reason}" for failure in inbound.failures)
        self.compare(path, inbound)

    def compare(self, path: Path, inbound: Inbound) -> None:
        """Compare the failed addresses with those that the corpus names, where it does."""
        found = EXPECTED.get(path.parent, {}).get(path.name)
        if found is None:
            return
        addresses, is_temporary = found
        wanted = set() if is_temporary else {address.lower() for address in addresses}
        ours = {failure.address.lower() for failure in inbound.failures if failure.address}
        self.compared += 1
        if ours != wanted:
            self.differences.append(f"{path.name}: {sorted(ours)} instead of {sorted(wanted)}")


EXPECTED: dict[Path, Expected] = {}


def main() -> None:
    """Print a table for each corpus; the exit code says whether anything crashed."""
    parser = argparse.ArgumentParser(description="How mail that came in is told apart, on public corpora.")
    parser.add_argument("folders", nargs="*", type=Path)
    folders = parser.parse_args().folders or list(find_installed())
    corpora = [evaluate(folder) for folder in folders]
    print(f"{'corpus':<34}" + "".join(f"{kind:>11}" for kind in KINDS) + "   hard  soft  ignored")
    for corpus in corpora:
        counts = "".join(f"{corpus.kinds[kind]:>11}" for kind in KINDS)
        categories = "  ".join(f"{corpus.categories[name]:>5}" for name in ("hard", "soft", "ignored"))
        print(f"{corpus.name[-34:]:<34}{counts}  {categories}")
    for corpus in corpora:
        tell(corpus)
    sys.exit(any(corpus.crashes for corpus in corpora))


def evaluate(folder: Path) -> Corpus:
    """Return what becomes of all mail in `folder`, however deep."""
    corpus = Corpus("/".join(folder.resolve().parts[-3:]))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in ENDINGS and path.name not in NO_MAIL:
            if path.parent not in EXPECTED:
                EXPECTED[path.parent] = read_expected(path.parent)
            corpus.take(path)
    return corpus


def find_installed() -> Iterator[Path]:
    """Yield the corpora that this machine has."""
    own = Path(sysconfig.get_paths()["stdlib"]) / "test" / "test_email" / "data"
    ours = Path(__file__).parents[1] / "tests" / "messages" / "mail"
    samples = Path(sysconfig.get_paths()["purelib"]) / "flufl" / "bounce" / "tests" / "data"
    yield from (folder for folder in (own, ours, samples) if folder.is_dir())


def read_expected(folder: Path) -> Expected:
    """Return what flufl.bounce's own test expects of the samples in `folder`; nothing where there is no such test."""
    helpers = folder.parents[1] / "testing" / "helpers.py"
    if not helpers.is_file():
        return {}
    tables = [node.value for node in ast.walk(ast.parse(helpers.read_text())) if isinstance(node, ast.Assign)]
    rows = [row for table in tables for row in getattr(table, "elts", []) if len(getattr(row, "elts", [])) > 2]
    return dict(read_row(row) for row in rows)


def read_row(row: ast.expr) -> tuple[str, tuple[set[str], bool]]:
    """Return a sample's name, its addresses, and whether they failed for a time only."""
    constants = [node.value for node in ast.walk(row) if isinstance(node, ast.Constant)]
    name = next(value for value in constants if isinstance(value, str) and value.endswith(".txt"))
    addresses = {value.decode() for value in constants if isinstance(value, bytes)}
    return name, (addresses, True in [value for value in constants if isinstance(value, bool)])


def tell(corpus: Corpus) -> None:
    """Print the reasons, and what went otherwise than expected."""
    print(f"\n{corpus.name}")
    for reason, count in corpus.reasons.most_common():
        print(f"{count:>8}  {reason}")
    if corpus.compared:
        print(f"  the failed addresses of {corpus.compared - len(corpus.differences)} of {corpus.compared} as expected")
    for line in (*corpus.differences, *(f"CRASHED {crash}" for crash in corpus.crashes)):
        print(f"  ! {line}")


if __name__ == "__main__":
    main()
