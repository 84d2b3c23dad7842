"""Draws the pages of a PDF, in a jail: python draw.py <pdf> <folder> '{"widths": …, "pages": …, …}'.

It prints one line of JSON for each step: {"pages": 9}, {"done": 1}, …, or {"reason": "encrypted"}. What it writes is
described in storage.py. The same file gives the same bytes.
"""

import ctypes
import json
import math
import sys
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from PIL import Image
from pypdfium2 import raw

QUALITY = 80
EFFORT = 2
SPAN = 1_000_000  # device units across a page, to turn its coordinates into fractions
ENDS = "\r\n\x02\ufffe"


def draw(pdf: pdfium.PdfDocument, folder: Path, limits: dict[str, Any]) -> None:
    """Write pictures and text layers of all pages into `folder`, and say how far it is."""
    sizes = []
    for index in range(len(pdf)):
        page = pdf[index]
        width, height = page.get_size()
        sizes.append({"width": round(width, 2), "height": round(height, 2)})
        _draw_page(page, width, height, folder / f"{index + 1:04d}", limits)
        words = _read_words(page, limits["words"])
        (folder / f"{index + 1:04d}.json").write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")))
        page.close()
        say(done=index + 1)
    (folder / "pages.json").write_text(json.dumps({"pages": sizes}))


def _draw_page(page: Any, width: float, height: float, stem: Path, limits: dict[str, Any]) -> None:
    widths = sorted(limits["widths"].items(), key=lambda item: -item[1])
    scale = min(widths[0][1] / width, limits["side_pixels"] / height, math.sqrt(limits["pixels"] / (width * height)))
    image = page.render(scale=scale, may_draw_forms=True, rev_byteorder=True).to_pil().convert("RGB")
    for name, wanted in widths:
        if image.width > wanted:
            size = (wanted, max(1, round(image.height * wanted / image.width)))
            image = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        image.save(f"{stem}-{name}.webp", "WEBP", quality=QUALITY, method=EFFORT)


def _read_words(page: Any, limit: int) -> list[list[Any]]:
    """Return [line, x, y, width, height, word] for at most `limit` words; boxes are fractions from the upper left."""
    text = page.get_textpage()
    words: list[list[Any]] = []
    line, word, box = 0, "", None
    for index in range(min(text.count_chars(), limit * 8)):
        character = _character(text, index)
        if not character.isspace() and character not in ENDS:
            word += character
            box = _join(box, _box_of(page, text, index))
            continue
        if word:
            words.append([line, *_shape(box), word])
        line += character == "\n"
        word, box = "", None
    if word:
        words.append([line, *_shape(box), word])
    text.close()
    return words[:limit]


def _character(text: Any, index: int) -> str:
    code = raw.FPDFText_GetUnicode(text, index)
    return chr(code) if 0 < code < 0xD800 or 0xE000 <= code < 0x110000 else " "


def _box_of(page: Any, text: Any, index: int) -> tuple[float, float, float, float] | None:
    try:
        left, bottom, right, top = text.get_charbox(index, loose=True)
    except pdfium.PdfiumError:
        return None
    (x1, y1), (x2, y2) = _to_device(page, left, top), _to_device(page, right, bottom)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _to_device(page: Any, x: float, y: float) -> tuple[float, float]:
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, SPAN, SPAN, 0, x, y, ctypes.byref(across), ctypes.byref(down))
    return across.value / SPAN, down.value / SPAN


def _join(
    one: tuple[float, float, float, float] | None, two: tuple[float, float, float, float] | None
) -> tuple[float, float, float, float] | None:
    if one is None or two is None:
        return one or two
    return min(one[0], two[0]), min(one[1], two[1]), max(one[2], two[2]), max(one[3], two[3])


def _shape(box: tuple[float, float, float, float] | None) -> list[float]:
    left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in box or (0, 0, 0, 0))
    return [round(left, 5), round(top, 5), round(right - left, 5), round(bottom - top, 5)]


def say(**what: Any) -> None:
    """Print one step."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Open the PDF, and draw it where it is not too long."""
    source, folder, limits = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    try:
        pdf = pdfium.PdfDocument(source)
    except pdfium.PdfiumError as error:
        code = getattr(error, "err_code", None)
        say(reason="encrypted" if code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY) else "broken")
        return
    if not len(pdf):
        say(reason="no_pages")
    elif len(pdf) > limits["pages"]:
        say(reason="too_many_pages")
    else:
        say(pages=len(pdf))
        if pdf.get_formtype():
            pdf.init_forms()
        try:
            draw(pdf, folder, limits)
        except (pdfium.PdfiumError, ValueError, ZeroDivisionError):
            say(reason="broken")
        except MemoryError:
            say(reason="memory")


if __name__ == "__main__":
    main()
