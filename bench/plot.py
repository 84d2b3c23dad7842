"""Draws what measurements printed as bars: one SVG a bench, readable in light and in dark.

    .venv/bin/python bench/plot.py docs/bench/*.txt

Each file holds what one bench printed; its plot is written beside it. A red mark stands where the goal is.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

WIDTH, LEFT, RIGHT, TOP, BAR, GAP = 760, 300, 90, 46, 16, 8
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2937 } .title { font-size: 14px; font-weight: 600 }
.ours { fill: #2563eb } .other { fill: #9ca3af } .goal { stroke: #dc2626; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e5e7eb } .ours { fill: #60a5fa } .other { fill: #6b7280 } .goal { stroke: #f87171 }
}
"""
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it says, how long it is, whether it is ours, and where its goal stands."""

    label: str
    value: float
    is_ours: bool = True
    goal: float | None = None


def draw_hits(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Requests a second by case and processes."""
    return "Requests a second, 32 connections", [
        Bar(f"{line['case']}, {line['processes']} process{'es'[: 2 * (line['processes'] > 1)]}", line["per_second"],
            line["case"] in ("pixel", "click"))
        for line in lines if "per_second" in line
    ]  # fmt: skip


def draw_eye(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """p99 by streams and hits beside."""
    return "From the hit to the row in an open stream: p99 in ms (goal 1,000)", [
        Bar(f"{line['case']}, {line['database']}", line["p99_ms"], goal=1000) for line in lines if "p99_ms" in line
    ]


def draw_screens(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Milliseconds of the large database, those with a peer only."""
    named = [line for line in lines if "large_ms" in line]
    asked = {line["case"] for line in named if line["way"] != "ours"}
    kept = sorted((line for line in named if line["case"] in asked), key=lambda line: (line["case"], line["database"]))
    return "Milliseconds for what a screen shows, many events", [
        Bar(f"{line['case']}: {line['way']}, {line['database']}", line["large_ms"], line["way"] == "ours")
        for line in kept if not (line["way"] == "DuckDB" and line["database"] != "sqlite")
    ]  # fmt: skip


def draw_drain(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Events a second by database and workers."""
    return "Events a second from the journal (goal 2,000)", [
        Bar(line["case"], line["per_second"], goal=2000) for line in lines if "per_second" in line
    ]


def draw_sync(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Mails a second by mailboxes, beside the bare client."""
    return "Mails read a second on one worker (goal 50)", [
        bar
        for line in lines if "mails_per_second" in line
        for bar in (Bar(line["case"], line["mails_per_second"], goal=50),
                    Bar(f"{line['case']}, the bare client", line["limit_per_second"], False))
    ]  # fmt: skip


def draw_start(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Seconds to start."""
    return "Seconds", [
        Bar(line["case"].removesuffix(", seconds"), line["figure"], not line["case"].startswith("the limit"))
        for line in lines if line["case"].endswith("seconds")
    ]  # fmt: skip


def draw_campaigns(lines: Iterable[Line]) -> tuple[str, list[Bar]]:
    """Deliveries a second by database and size."""
    return "Deliveries of a campaign a second, without Gmail", [
        Bar(line["case"], line["deliveries_a_second"]) for line in lines if "deliveries_a_second" in line
    ]


DRAWINGS: dict[str, Callable[[Iterable[Line]], tuple[str, list[Bar]]]] = {
    "hits": draw_hits, "eye": draw_eye, "screens": draw_screens, "drain": draw_drain, "sync": draw_sync,
    "start": draw_start, "campaigns": draw_campaigns,
}  # fmt: skip


def make_svg(title: str, bars: list[Bar]) -> str:
    """Return `bars` under each other as an SVG."""
    most = max([bar.value for bar in bars] + [bar.goal or 0 for bar in bars]) or 1
    scale, height = (WIDTH - LEFT - RIGHT) / most, TOP + len(bars) * (BAR + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(title)}">',
        f'<style>{STYLE}</style><text class="title" x="{GAP}" y="24">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        top, kind = TOP + number * (BAR + GAP), "ours" if bar.is_ours else "other"
        length = max(1, round(bar.value * scale))
        parts.append(
            f'<text x="{LEFT - GAP}" y="{top + 12}" text-anchor="end">{escape(bar.label)}</text>'
            f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{length}" height="{BAR}" rx="2"/>'
            f'<text x="{LEFT + length + 6}" y="{top + 12}">{_show(bar.value)}</text>'
        )
        if bar.goal is not None:
            x = LEFT + round(bar.goal * scale)
            parts.append(f'<line class="goal" x1="{x}" x2="{x}" y1="{top - 2}" y2="{top + BAR + 2}"/>')
    return "\n".join([*parts, "</svg>", ""])


def _show(value: float) -> str:
    return f"{value:,}" if value < 100 else f"{value:,.0f}"


def main(paths: Iterable[Path]) -> None:
    """Draw each file of `paths`; what no drawing is for is left alone."""
    for path in paths:
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]
        draw = DRAWINGS.get(path.stem)
        title, bars = draw(lines) if draw else ("", [])
        if bars:
            path.with_suffix(".svg").write_text(make_svg(title, bars))


if __name__ == "__main__":
    main(map(Path, sys.argv[1:]))
