"""CSV files from other programs: which letters and which separator they use, and their lines. And cells made safe."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from flask_babel import gettext as _

from server.errors import Refused

SEPARATORS = (",", ";", "\t")
LOOKED_AT = 20
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_BYTES = 10 * 2**20
MOST_LINES = 50_000
MOST_COLUMNS = 100
CELL_LENGTH = 10_000


def find_encoding(head: bytes) -> str:
    """Return in which encoding `head`, a whole file, is written: by its mark, else UTF-8, else what Windows writes."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            head.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def find_separator(text: str) -> str:
    """Return which separator cuts the first lines of `text` into the most columns, most evenly."""

    def rate(separator: str) -> tuple[bool, int]:
        lines = csv.reader(io.StringIO(text[:100_000]), delimiter=separator)
        rows = [row for row, _number in zip(lines, range(LOOKED_AT), strict=False) if row]
        cuts_quotes = any('"' in cell for row in rows for cell in row)
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
        return not cuts_quotes, (width - 1) * count

    try:
        return max(SEPARATORS, key=rate)
    except csv.Error:
        return SEPARATORS[0]


def read_lines(path: Path, encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of each row of a file, the header too; rows without any text are left out.

    Raises `Refused` naming the line where the file is no CSV.
    """
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        rows = csv.reader((line.replace("\0", "") for line in file), delimiter=separator)
        begins = 1
        while True:
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise Refused(_("Line %(line)s cannot be read as CSV.", line=begins), field="file") from error
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield begins, [unguard(cell.strip()) for cell in row[:MOST_COLUMNS]]
            begins = rows.line_num + 1


def guard(cell: str) -> str:
    """Return `cell` as no spreadsheet takes it for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def unguard(cell: str) -> str:
    """Return what `guard` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def write_row(cells: list[str]) -> str:
    """Return one guarded line of CSV (RFC 4180)."""
    line = io.StringIO()
    csv.writer(line).writerow([guard(cell) for cell in cells])
    return line.getvalue()
