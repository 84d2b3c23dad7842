"""From a file to pages: pictures, words and their places; and what a hostile file gets instead."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from server.config import Settings
from server.documents import office, pages, storage
from server.documents.failures import Unfit
from server.documents.jail import find_program
from server.documents.models import FileKind
from server.documents.pages import Progress, make_pages
from tests.documents import files


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings without a database: nothing here needs one."""
    return Settings(_env_file=None, warmline_home=tmp_path / "home")  # type: ignore[call-arg]


@pytest.fixture(params=["WebAssembly", "installed"])
def converter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Either LibreOffice, with as much time as it takes: the one in WebAssembly gives way to all else that runs.

    That one is taken where the installed one does not start.
    """
    monkeypatch.setattr(pages, "SECONDS", 1800)
    monkeypatch.setattr(pages, "LIMITS", replace(pages.LIMITS, cpu_seconds=600))
    if request.param == "installed":
        monkeypatch.setattr(office, "_run_wasm", None)
        if find_program("soffice") is None:
            pytest.skip("no LibreOffice on the PATH: install it (Debian: libreoffice-writer-nogui, -impress-nogui)")
    else:
        broken = {"soffice": str(tmp_path / "program" / "soffice")}
        monkeypatch.setattr(office, "find_program", lambda name: broken.get(name) or find_program(name))


def draw(settings: Settings, content: bytes, kind: FileKind = FileKind.PDF, version_id: int = 1) -> list[Progress]:
    path = storage.original_path(settings, version_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return list(make_pages(settings, version_id, kind, fence=1))


def test_each_page_becomes_three_pictures_and_its_words(settings: Settings) -> None:
    steps = draw(settings, files.make_pdf(3))
    assert steps[-1] == Progress(3, 3)
    assert storage.read_pages(settings, 1) == [storage.Page(number, 612, 792) for number in (1, 2, 3)]
    for size, width in storage.WIDTHS.items():
        with Image.open(storage.image_path(settings, 1, 3, size)) as image:
            assert (image.format, image.width) == ("WEBP", width)
    first, second = storage.read_words(settings, 1, 3)
    assert (first.line, first.text, second.text) == (0, "Page", "3")
    assert first.x == pytest.approx(72 / 612, abs=0.01)
    assert first.y + first.height == pytest.approx(72 / 792, abs=0.02)
    assert second.x > first.x + first.width


def test_words_stand_where_they_are_seen_on_a_turned_page(settings: Settings) -> None:
    turned = files.make_pdf(1).replace(b"/Contents", b"/Rotate 90/Contents")
    draw(settings, turned)
    assert storage.read_pages(settings, 1) == [storage.Page(1, 792, 612)]
    word = storage.read_words(settings, 1, 1)[0]
    assert word.height > word.width
    assert word.x > 0.8


def test_the_same_file_gives_the_same_bytes(settings: Settings) -> None:
    content = files.make_pdf(1)
    draw(settings, content, version_id=1)
    draw(settings, content, version_id=2)
    for name in ("0001-large.webp", "0001-small.webp", "0001-thumb.webp", "0001.json", "pages.json"):
        one, other = (storage.pages_dir(settings, version_id) / name for version_id in (1, 2))
        assert one.read_bytes() == other.read_bytes()


def test_a_huge_page_becomes_a_picture_of_ordinary_size(settings: Settings) -> None:
    draw(settings, files.make_pdf(1, 100_000, 100_000))
    with Image.open(storage.image_path(settings, 1, 1, "large")) as image:
        assert image.size == (1600, 1600)


def test_a_page_like_a_ribbon_becomes_a_small_picture(settings: Settings) -> None:
    draw(settings, files.make_pdf(1, 10, 14_400))
    with Image.open(storage.image_path(settings, 1, 1, "large")) as image:
        assert image.height <= 8000


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (files.make_endless_pdf, "too_many_pages"),
        (files.make_encrypted_pdf, "encrypted"),
        (lambda: files.make_pdf(1)[:50], "broken"),
        (lambda: b"%PDF-1.7\n" + bytes(1000), "broken"),
    ],
    ids=["100,000 pages", "encrypted", "cut", "nothing"],
)
def test_a_hostile_pdf_gets_its_reason_and_leaves_nothing(
    settings: Settings, make: Callable[[], bytes], reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(Unfit) as unfit:
        draw(settings, make())
    assert unfit.value.reason == reason
    assert time.monotonic() - began < 120  # it gives way to all else that runs
    assert [path.name for path in storage.version_dir(settings, 1).iterdir()] == ["original"]


def test_a_word_file_becomes_pages_and_brings_in_nothing_that_it_refers_to(settings: Settings, converter: None) -> None:
    content = files.make_docx("Prices of the grid", includes="/etc/hostname")
    draw(settings, content, FileKind.DOCX)
    assert storage.pdf_path(settings, 1).read_bytes().startswith(b"%PDF-")
    assert [word.text for word in storage.read_words(settings, 1, 1)] == ["Prices", "of", "the", "grid"]


def test_a_presentation_becomes_a_page_a_slide(settings: Settings, converter: None) -> None:
    draw(settings, files.make_pptx(2), FileKind.PPTX)
    slides = storage.read_pages(settings, 1)
    assert len(slides) == 2
    assert slides[0].width > slides[0].height
    assert [word.text for word in storage.read_words(settings, 1, 2)] == ["Slide", "2"]


def test_a_file_that_is_gone_says_so(settings: Settings) -> None:
    with pytest.raises(Unfit) as unfit:
        list(make_pages(settings, 7, FileKind.PDF, 1))
    assert unfit.value.reason == "lost"
