"""Makes a PDF of an office file: by `soffice` where it can be locked in, else by LibreOffice in WebAssembly."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from server.documents.failures import Unfit
from server.documents.jail import Limits, Stopped, find_locks, find_program, run_jailed
from server.documents.models import FileKind

SCRIPT = Path(__file__).with_name("office.mjs")
PACKAGES = Path(__file__).parents[2] / "node_modules"
LOCKS = ("network", "files")
STALL_SECONDS = 6
TRIES = 5


def to_pdf(source: Path, kind: FileKind, folder: Path, limits: Limits) -> Iterator[None]:
    """Write `folder`/document.pdf from the office file `source`; yields now and then; raises `Unfit` or `Stopped`."""
    copy = folder / f"source.{kind}"
    shutil.copyfile(source, copy)
    soffice = find_program("soffice")
    if soffice and set(LOCKS) <= find_locks():
        yield from _run_soffice(soffice, copy, folder, limits)
    else:
        yield from _run_wasm(copy, kind, folder, limits)
    copy.unlink()
    if not (folder / "document.pdf").is_file():
        raise Unfit("broken")


def _run_soffice(soffice: str, copy: Path, folder: Path, limits: Limits) -> Iterator[None]:
    # It reads what a document refers to, so it only runs where neither the network nor other files can be had.
    limits = replace(limits, needs=LOCKS)
    command = [soffice, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore", "--nologo",
               "--convert-to", "pdf", "--outdir", str(folder), str(copy)]  # fmt: skip
    for _line in run_jailed(command, folder, limits, read=[str(Path(soffice).parents[1])]):
        yield
    shutil.rmtree(folder / "profile", ignore_errors=True)
    made = copy.with_suffix(".pdf")
    if made.is_file():
        made.rename(folder / "document.pdf")


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
