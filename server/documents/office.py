"""Makes a PDF of an office file: by an installed LibreOffice that can be locked in, else by the one in WebAssembly."""

import shutil
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import structlog

from server.documents.failures import Unfit
from server.documents.jail import Limits, Stopped, find_locks, find_program, run_jailed
from server.documents.models import FileKind

KIT = Path(__file__).with_name("kit.py")
SCRIPT = Path(__file__).with_name("office.mjs")
PACKAGES = Path(__file__).parents[2] / "node_modules"
LOCKS = ("network", "files")
STALL_SECONDS = 6
TRIES = 5

log = structlog.get_logger()


def to_pdf(source: Path, kind: FileKind, folder: Path, limits: Limits) -> Iterator[None]:
    """Write `folder`/document.pdf from the office file `source`; yields now and then; raises `Unfit` or `Stopped`."""
    copy = folder / f"source.{kind}"
    shutil.copyfile(source, copy)
    if not (yield from _run_kit(copy, folder, limits)):
        yield from _run_wasm(copy, kind, folder, limits)
    copy.unlink()
    if not (folder / "document.pdf").is_file():
        raise Unfit("broken")


def _run_kit(copy: Path, folder: Path, limits: Limits) -> Generator[None, None, bool]:
    """Return whether there is a LibreOffice that can be locked in, and starts: then this was its answer."""
    soffice = find_program("soffice")
    # It reads what a document refers to, so it only runs where neither the network nor other files can be had.
    if soffice is None or not set(LOCKS) <= find_locks():
        return False
    program, profile = Path(soffice).parent, folder / "profile"
    command = [sys.executable, "-I", str(KIT), str(program), str(copy), str(folder / "document.pdf"), str(profile)]
    is_ready = False
    try:
        for line in run_jailed(command, folder, replace(limits, needs=LOCKS), read=[str(KIT), str(program.parent)]):
            is_ready = is_ready or line == "ready"
            yield
    except Stopped as stopped:
        if is_ready or stopped.reason == "timeout":  # then no time is left for another
            raise
    if not is_ready:
        log.warning("LibreOffice does not start: taking the one in WebAssembly", program=str(program))
    return is_ready


def _run_wasm(copy: Path, kind: FileKind, folder: Path, limits: Limits) -> Iterator[None]:
    node = find_program("node")
    if node is None or not (PACKAGES / "@matbee" / "libreoffice-converter").is_dir():
        raise Unfit("no_converter")
    limits = replace(limits, stall_seconds=STALL_SECONDS)
    command = [node, str(SCRIPT), str(copy), kind, str(folder / "document.pdf")]
    read = [str(Path(node).parents[1]), str(SCRIPT), str(PACKAGES), str(PACKAGES.parent / "package.json")]
    for left in reversed(range(TRIES)):
        try:
            for _line in run_jailed(command, folder, limits, read):
                yield
            return
        except Stopped as stopped:
            if stopped.reason != "stalled" or not left:
                raise
