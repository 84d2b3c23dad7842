"""Which version the server is, and which versions of the extension it still speaks with."""

import re
from importlib.metadata import version

MINIMUM_EXTENSION = "1.0.0"
SERVER_VERSION = version("warmline")
VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){0,3}")  # as Chrome's manifests write one


def is_too_old(extension: str) -> bool:
    """Return whether a version of the extension, as its header says it, is below the smallest that works or is none."""
    return VERSION.fullmatch(extension) is None or _read(extension) < _read(MINIMUM_EXTENSION)


def _read(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    return (*numbers, *(0 for _missing in range(4 - len(numbers))))
