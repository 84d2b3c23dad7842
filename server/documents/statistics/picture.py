"""A document's reading as one sees it at a glance: shades from 0 to 5, bars in per cent, and what they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from server.clock import now
from server.documents.progress import Progress, make_progress, tell_duration
from server.documents.statistics.queries import Reader, Summary
from server.documents.viewer.models import DocumentVisit
from server.documents.visits import READ_MS

SHADES = 5
COLUMNS = 40  # pages side by side; a longer document shows several in one column


@dataclass(frozen=True, slots=True)
class Cell:
    """The time of one reader on one column of pages: how dark it is, 0 to 5, the time in words, and as 4:12.

    Both are "" for none.
    """

    shade: int
    time: str
    clock: str


@dataclass(frozen=True, slots=True)
class Row:
    """One reader: who, when last, all time, the share of pages read in per cent, and a cell for each column."""

    who: str
    address: str
    last_at: datetime
    device: str
    place: str
    visits: int
    time: str
    completion: int
    downloads: int
    may_be_forwarded: bool
    progress: Progress
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Bar:
    """A page over all readers: its mean time and how many came so far, in words and in per cent of the largest."""

    page: int
    time: str
    time_percent: int
    reached: int
    reached_percent: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the document's page shows of its readers."""

    columns: list[str]
    rows: list[Row]
    bars: list[Bar]
    visits: int
    completion: int
    mean_time: str
    total_time: str

    @property
    def is_live(self) -> bool:
        """Whether somebody may still add to it."""
        return any(not row.progress.is_over for row in self.rows)


def draw(summary: Summary, readers: Sequence[Reader]) -> Picture:
    """Return the picture of a version's `summary` and `readers`."""
    groups = group_pages(len(summary.pages))
    darkest = max((ms for reader in readers for ms in _sum_groups(reader.ms, groups)), default=0)
    longest = max((figure.mean_ms for figure in summary.pages), default=0)
    bars = [
        Bar(
            figure.page, tell_duration(figure.mean_ms // 1000), _percent(figure.mean_ms, longest),
            figure.reached, _percent(figure.reached, summary.visits),
        )
        for figure in summary.pages
    ]  # fmt: skip
    return Picture(
        columns=[str(group[0]) if len(group) == 1 else f"{group[0]}–{group[-1]}" for group in groups],
        rows=[_make_row(reader, groups, darkest, len(summary.pages)) for reader in readers],
        bars=bars,
        visits=summary.visits,
        completion=round(summary.completion * 100),
        mean_time=tell_duration(summary.mean_ms // 1000),
        total_time=tell_duration(summary.ms // 1000),
    )


def group_pages(count: int) -> list[range]:
    """Return the pages that share a column: one each, or as many as keep the picture at most `COLUMNS` wide."""
    step = -(-count // COLUMNS) or 1
    return [range(first, min(first + step, count + 1)) for first in range(1, count + 1, step)]


def tell_reader(visit: DocumentVisit) -> str:
    """Return by what a visit's reader is called; several who share a copy are all named, and no guess is made."""
    if visit.name or visit.address:
        return visit.name or visit.address
    if len(visit.candidates) > 1:
        return _("%(names)s or %(last)s", names=", ".join(visit.candidates[:-1]), last=visit.candidates[-1])
    return visit.candidates[0] if visit.candidates else _("Somebody")


def _make_row(reader: Reader, groups: Sequence[range], darkest: int, pages: int) -> Row:
    newest = reader.newest
    read = sum(1 for ms in reader.ms.values() if ms >= READ_MS)
    return Row(
        who=tell_reader(newest),
        address=newest.address if newest.name else "",
        last_at=newest.last_at,
        device=newest.device,
        place=", ".join(part for part in (newest.place_city, newest.place_country) if part),
        visits=len(reader.visits),
        time=tell_duration(reader.total_ms // 1000),
        completion=_percent(read, pages),
        downloads=reader.downloads,
        may_be_forwarded=reader.may_be_forwarded,
        progress=make_progress(newest, now()),
        cells=[_make_cell(ms, darkest) for ms in _sum_groups(reader.ms, groups)],
    )


def _make_cell(ms: int, darkest: int) -> Cell:
    """A square root tells short times apart, which a straight scale would leave white."""
    if ms < READ_MS:
        return Cell(0, "", "")
    seconds = round(ms / 1000)
    shade = max(1, round(SHADES * (ms / darkest) ** 0.5))
    return Cell(shade, tell_duration(seconds), f"{seconds // 60}:{seconds % 60:02}")


def _sum_groups(ms: dict[int, int], groups: Sequence[range]) -> list[int]:
    return [sum(ms.get(page, 0) for page in group) for group in groups]


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
