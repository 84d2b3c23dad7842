"""Makes the pages of a version: an office file becomes a PDF, a PDF becomes pictures and text, each in a jail."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from server.config import Settings
from server.documents import storage
from server.documents.failures import MOST_PAGES, Unfit
from server.documents.jail import Limits, Stopped, run_jailed
from server.documents.models import FileKind
from server.documents.office import to_pdf

DRAW = Path(__file__).with_name("draw.py")
SECONDS = 180  # on the clock, however busy the machine; of the processor a file gets less (jail.Limits)
LIMITS = Limits(seconds=SECONDS)
DRAWING_BYTES = 2 * 2**30  # of address space; the PDF library and Pillow reserve little more than they use
DRAWING = {"widths": storage.WIDTHS, "pages": MOST_PAGES, "side_pixels": 8000, "pixels": 12_000_000, "words": 20_000}


class Progress(NamedTuple):
    """How many pages there are, 0 while that is unknown, and how many are drawn."""

    pages: int = 0
    done: int = 0


def make_pages(settings: Settings, version_id: int, kind: FileKind, fence: int) -> Iterator[Progress]:
    """Draw all pages of a version and put them in place at the end; yields about each second; raises `Unfit`."""
    folder = storage.version_dir(settings, version_id) / f"drawing-{fence}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pages").mkdir(parents=True, mode=0o700)
    deadline = time.monotonic() + SECONDS
    try:
        yield from _make(settings, version_id, kind, folder, deadline)
    except Stopped as stopped:
        raise Unfit("timeout" if stopped.reason == "stalled" else stopped.reason) from stopped
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(settings: Settings, version_id: int, kind: FileKind, folder: Path, deadline: float) -> Iterator[Progress]:
    source = storage.original_path(settings, version_id)
    if not source.is_file():
        raise Unfit("lost")
    if kind != FileKind.PDF:
        for _tick in to_pdf(source, kind, folder, _until(deadline)):
            yield Progress()
        source = folder / "document.pdf"
    yield from _draw(source, folder, _until(deadline))
    if kind != FileKind.PDF:
        source.replace(storage.pdf_path(settings, version_id))
    pages = storage.pages_dir(settings, version_id)
    shutil.rmtree(pages, ignore_errors=True)
    (folder / "pages").rename(pages)


def _draw(source: Path, folder: Path, limits: Limits) -> Iterator[Progress]:
    command = [sys.executable, "-I", str(DRAW), str(source), str(folder / "pages"), json.dumps(DRAWING)]
    limits = replace(limits, address_bytes=DRAWING_BYTES)
    progress = Progress()
    for line in run_jailed(command, folder, limits, read=[str(DRAW), str(source)]):
        said = json.loads(line) if line else {}
        if reason := said.get("reason"):
            raise Unfit(reason)
        progress = Progress(said.get("pages", progress.pages), said.get("done", progress.done))
        yield progress
    if not progress.pages or progress.done != progress.pages:
        raise Unfit("broken")


def _until(deadline: float) -> Limits:
    return replace(LIMITS, seconds=max(0.0, deadline - time.monotonic()))
