"""What every measurement prints: a JSON line a case as soon as it is known, what it ran on, and a table in Markdown."""

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

Figures = dict[str, Any]


def tell(figures: Figures) -> Figures:
    """Print `figures` as a JSON line and return them."""
    print(json.dumps(figures), flush=True)
    return figures


def tell_machine(bench: str, packages: Iterable[str] = (), **more: object) -> Figures:
    """Print what `bench` runs on: cores, load of the last minute (other work beside it shows there), versions."""
    versions = {name: find_version(name) for name in packages}
    here: Figures = {
        "bench": bench, "case": "machine", "cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version, **versions, **more,
    }  # fmt: skip
    return tell(here)


def find_version(package: str) -> str:
    """Return the installed version of a Python package; empty where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def spread(values: Sequence[float], digits: int = 0) -> Figures:
    """Return the median of the rounds with the lowest and the highest, each rounded."""
    numbers = statistics.median(values), min(values), max(values)
    return dict(zip(("median", "lowest", "highest"), (_round(number, digits) for number in numbers), strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` stay; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Print `rows` as Markdown: `columns` are the headings by the name of a figure; numbers get thousands commas."""
    lines = [[_show(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns.values(), *lines, strict=True)]
    print()
    for line in (list(columns.values()), ["-" * width for width in widths], *lines):
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        print(f"| {' | '.join(cells)} |")


def _show(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    return "" if value is None else str(value)


def _round(number: float, digits: int) -> float:
    return round(number, digits) if digits else round(number)
