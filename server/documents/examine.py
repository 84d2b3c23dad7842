"""Says what a file is by its content, in a jail, before it is taken: python examine.py <file> '{"unpacked_bytes": …}'.

It prints one line of JSON: {"kind": "pdf"} or {"reason": "encrypted"}; the reasons stand in failures.py. What is inside
a ZIP is counted while it is unpacked, because its own table of contents may lie.
"""

import json
import struct
import sys
import zipfile
import zlib
from typing import IO, Any

PDF, OLE, ZIP = b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
MAIN_PARTS = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": "pptx",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml": "pptx",
}
MACRO_TYPES = ("macroEnabled", "vbaProject")
TYPES_BYTES = 2**20
CHUNK = 2**18
ENCRYPTED_PPT = 0xF3D1C4DF  # [MS-PPT] 2.3.2, headerToken
ENCRYPTED_DOC = 0x0100  # [MS-DOC] 2.5.2, fEncrypted
FAILURES = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError,
            struct.error, MemoryError, RecursionError)  # fmt: skip


class Unfit(Exception):
    """The file cannot be taken; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def examine(path: str, limits: dict[str, int]) -> str:
    """Return the kind of the file at `path`; raises `Unfit`."""
    with open(path, "rb") as file:
        head = file.read(8)
        if not head:
            raise Unfit("empty")
        try:
            if head.startswith(PDF):
                return _examine_pdf(path)
            if head.startswith(ZIP):
                return _examine_zip(file, limits)
            if head.startswith(OLE):
                return _examine_ole(path)
        except FAILURES:
            raise Unfit("broken") from None
    raise Unfit("type")


def _examine_pdf(path: str) -> str:
    import pypdfium2 as pdfium
    from pypdfium2 import raw

    try:
        pdf = pdfium.PdfDocument(path)
        pages = len(pdf)
        pdf.close()
    except pdfium.PdfiumError as error:
        code = getattr(error, "err_code", None) or raw.FPDF_GetLastError()
        raise Unfit("encrypted" if code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY) else "broken") from None
    if not pages:
        raise Unfit("no_pages")
    return "pdf"


def _examine_zip(file: IO[bytes], limits: dict[str, int]) -> str:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > limits["members"]:
            raise Unfit("unpacked")
        if any(member.flag_bits & 0x1 for member in members):
            raise Unfit("encrypted")
        names = {member.filename.casefold() for member in members}
        if "[content_types].xml" not in names:
            raise Unfit("type")
        kind = _read_kind(archive)
        if any("vbaproject" in name for name in names):
            raise Unfit("macros")
        _count(archive, limits["unpacked_bytes"], limits["depth"])
    return kind


def _read_kind(archive: zipfile.ZipFile) -> str:
    with archive.open("[Content_Types].xml") as part:
        types = part.read(TYPES_BYTES).decode(errors="replace")
    if any(mark in types for mark in MACRO_TYPES):
        raise Unfit("macros")
    kind = next((kind for mark, kind in MAIN_PARTS.items() if mark in types), None)
    if kind is None:
        raise Unfit("type")
    return kind


def _count(archive: zipfile.ZipFile, left: int, depth: int) -> int:
    """Return how many of `left` bytes remain when all is unpacked, also what is packed inside."""
    for member in archive.infolist():
        with archive.open(member) as part:
            head = part.read(4)
            left -= len(head)
            while left >= 0 and (chunk := part.read(CHUNK)):
                left -= len(chunk)
        if left < 0:
            raise Unfit("unpacked")
        if head == ZIP:
            if not depth:
                raise Unfit("unpacked")
            with archive.open(member) as part, zipfile.ZipFile(part) as inner:
                left = _count(inner, left, depth - 1)
    return left


def _examine_ole(path: str) -> str:
    import olefile

    with olefile.OleFileIO(path) as ole:
        streams = {"/".join(entry).casefold() for entry in ole.listdir()}
        if "encryptedpackage" in streams:
            raise Unfit("encrypted")
        kind = "doc" if "worddocument" in streams else "ppt" if "powerpoint document" in streams else None
        if kind is None:
            raise Unfit("type")
        if _is_encrypted(ole, kind):
            raise Unfit("encrypted")
        if any("_vba_project" in stream for stream in streams):
            raise Unfit("macros")
    return kind


def _is_encrypted(ole: Any, kind: str) -> bool:
    if kind == "doc":
        with ole.openstream("WordDocument") as stream:
            return bool(struct.unpack("<H", stream.read(12)[10:12])[0] & ENCRYPTED_DOC)
    if not ole.exists("Current User"):
        return False
    with ole.openstream("Current User") as stream:
        token = stream.read(16)[12:16]  # PowerPoint 95 writes less
    return len(token) == 4 and struct.unpack("<I", token)[0] == ENCRYPTED_PPT


def main() -> None:
    """Print what the file is."""
    try:
        answer = {"kind": examine(sys.argv[1], json.loads(sys.argv[2]))}
    except Unfit as unfit:
        answer = {"reason": unfit.reason}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
