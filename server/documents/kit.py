"""Makes a PDF of an office file by an installed LibreOffice, in a jail: python kit.py <folder> <file> <pdf> <profile>.

<folder> has LibreOffice's programs. It goes through LibreOfficeKit (LibreOfficeKit/LibreOfficeKit.h, whose tables only
ever grow at their ends), not through `soffice`: that one insists on a socket in /tmp, which the jail has not. It prints
"ready" once LibreOffice stands; a file that it cannot read leaves no PDF.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBRARIES = ("libmergedlo.so", "libsofficeapp.so")
DOCUMENT_LOAD_WITH_OPTIONS = 4  # places in the table of the office
SAVE_AS = 2  # and of a document; 0 is the table's own size


def main(program: str, source: str, target: str, profile: str) -> None:
    """Convert, and end without farewell: what LibreOffice does at its own end may take long, or crash."""
    os.environ["SAL_USE_VCLPLUGIN"] = "svp"  # draws without a screen
    hook = _find_library(Path(program)).libreofficekit_hook_2
    hook.restype, hook.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_char_p)
    office = hook(program.encode(), _to_url(profile))
    if not office:
        os._exit(1)
    print("ready", flush=True)
    load = _find(office, DOCUMENT_LOAD_WITH_OPTIONS, ctypes.c_void_p, 2)
    if document := load(office, _to_url(source), b""):
        _find(document, SAVE_AS, ctypes.c_int, 3)(document, _to_url(target), b"pdf", b"")
    os._exit(0)


def _find_library(program: Path) -> ctypes.CDLL:
    for name in LIBRARIES:
        if (program / name).is_file():
            return ctypes.CDLL(str(program / name))
    sys.exit(1)


def _find(owner: int, place: int, result: Any, texts: int) -> Callable[..., Any]:
    """Return what stands at a place of an object's table: a function of the object and so many texts."""
    pointers = ctypes.POINTER(ctypes.c_void_p)
    table = ctypes.cast(ctypes.cast(owner, pointers)[0], pointers)
    return ctypes.CFUNCTYPE(result, ctypes.c_void_p, *[ctypes.c_char_p] * texts)(table[place])


def _to_url(path: str) -> bytes:
    return Path(path).as_uri().encode()


if __name__ == "__main__":
    main(*sys.argv[1:])
