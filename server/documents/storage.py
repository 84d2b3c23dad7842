"""Where the files of a document's versions stand, and how they are read. It knows no table and no share.

    WARMLINE_HOME/documents/<version id>/
        original               the file as it was uploaded, untouched: what a download gives
        document.pdf           an office file as PDF (a PDF is drawn from `original`)
        pages/pages.json       {"pages": [{"width": 612.0, "height": 792.0}, …]}, in points, as the page is seen
        pages/0001-thumb.webp  the page's picture in each width of `WIDTHS`: thumb, small, large
        pages/0001.json        its text layer: [[line, x, y, width, height, word], …], see `Word`

`pages/` appears whole, by one rename, when the version becomes ready; what is being drawn stands in `drawing-<fence>/`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from server.config import Settings

Size = Literal["thumb", "small", "large"]
WIDTHS: dict[Size, int] = {"thumb": 200, "small": 800, "large": 1600}
IMAGE_TYPE = "image/webp"


@dataclass(frozen=True, slots=True)
class Page:
    """The size of a page as it is seen, in points (1/72 inch)."""

    number: int
    width: float
    height: float


class Word(NamedTuple):
    """A word of the text layer: its line from 0, and its box as fractions of the page, from the upper left corner."""

    line: int
    x: float
    y: float
    width: float
    height: float
    text: str


def version_dir(settings: Settings, version_id: int) -> Path:
    """Return the folder of a version."""
    return settings.warmline_home / "documents" / str(version_id)


def original_path(settings: Settings, version_id: int) -> Path:
    """Return where the uploaded file stands, untouched."""
    return version_dir(settings, version_id) / "original"


def pdf_path(settings: Settings, version_id: int) -> Path:
    """Return where an office file stands as PDF."""
    return version_dir(settings, version_id) / "document.pdf"


def pages_dir(settings: Settings, version_id: int) -> Path:
    """Return the folder of the pages of a ready version."""
    return version_dir(settings, version_id) / "pages"


def read_pages(settings: Settings, version_id: int) -> list[Page]:
    """Return the pages of a ready version in order; empty while there are none."""
    try:
        pages = json.loads((pages_dir(settings, version_id) / "pages.json").read_bytes())["pages"]
    except FileNotFoundError:
        return []
    return [Page(number, page["width"], page["height"]) for number, page in enumerate(pages, 1)]


def image_path(settings: Settings, version_id: int, page: int, size: Size) -> Path:
    """Return the picture of a page (from 1) in the width that `size` names, a WebP file."""
    return pages_dir(settings, version_id) / f"{page:04d}-{size}.webp"


def text_path(settings: Settings, version_id: int, page: int) -> Path:
    """Return the text layer of a page (from 1): JSON, an array of `Word`s as arrays, ready to be sent."""
    return pages_dir(settings, version_id) / f"{page:04d}.json"


def read_words(settings: Settings, version_id: int, page: int) -> list[Word]:
    """Return the text layer of a page (from 1), in reading order; empty where the page has none."""
    try:
        return [Word(*word) for word in json.loads(text_path(settings, version_id, page).read_bytes())]
    except FileNotFoundError:
        return []


def delete_version(settings: Settings, version_id: int) -> None:
    """Delete all files of a version."""
    shutil.rmtree(version_dir(settings, version_id), ignore_errors=True)
