"""What is refused before anything is kept, and why; each time by what the file holds, never by its name."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel

from server.config import Settings
from server.documents.uploads import clean_name, take_upload
from server.errors import Refused
from tests.documents import files


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings without a database: nothing here needs one. Refusals are said in a language, so they need an app."""
    settings = Settings(_env_file=None, warmline_home=tmp_path / "home")  # type: ignore[call-arg]
    app = Flask(__name__)
    app.config["SETTINGS"] = settings
    Babel(app)
    with app.app_context():
        yield settings


def refuse(settings: Settings, content: bytes, name: str = "offer.pdf") -> str:
    with pytest.raises(Refused) as refused, take_upload(settings, io.BytesIO(content), name):
        pass
    incoming = settings.warmline_home / "documents" / "incoming"
    assert list(incoming.iterdir()) == []
    return refused.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00 a program", "no PDF"),
        (b"<html>%PDF-1.7", "no PDF"),
        (files.make_pdf()[:40], "damaged"),
        (files.make_encrypted_pdf(), "password"),
        (files.make_zip(("word/vbaProject.bin", b"x")), "macros"),
        (files.make_zip(main=files.DOCM), "macros"),
        (files.make_zip(main="application/vnd.oasis.opendocument.text"), "no PDF"),
        (files.make_docx()[:2000], "damaged"),
        (files.make_nested_zip(), "far larger"),
        (files.make_lying_zip(), "damaged"),
        (b"PK\x03\x04" + b"%PDF-1.7" * 50, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "damaged"),
    ],
    ids=["empty", "program", "polyglot", "cut", "encrypted", "macros", "macro type", "another type", "cut docx",
         "nested", "lying", "zip and pdf", "broken ole"],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_with_its_reason(settings: Settings, content: bytes, said: str) -> None:
    assert said in refuse(settings, content)


def test_what_unpacks_to_too_much_is_refused_by_what_comes_out(settings: Settings) -> None:
    assert "far larger" in refuse(settings, files.make_zip_bomb(510), "offer.docx")


def test_a_file_above_the_limit_is_refused_and_the_limit_named(settings: Settings) -> None:
    settings.document_max_mb = 1
    assert "at most 1 MB" in refuse(settings, b"%PDF-1.7" + bytes(2**20))


@pytest.mark.parametrize(
    ("content", "kind"), [(files.make_pdf(), "pdf"), (files.make_docx(), "docx"), (files.make_pptx(), "pptx")]
)
def test_a_file_is_what_it_holds_whatever_its_name(settings: Settings, content: bytes, kind: str) -> None:
    with take_upload(settings, io.BytesIO(content), "holiday.jpeg") as upload:
        assert (upload.kind, upload.size_bytes) == (kind, len(content))
        upload.move_to(settings.warmline_home / "kept")
    assert Path(settings.warmline_home / "kept").read_bytes() == content


def test_a_large_file_is_taken(settings: Settings) -> None:
    content = files.make_pdf() + b"%" * 3 * 2**20
    with take_upload(settings, io.BytesIO(content), "large.pdf") as upload:
        assert upload.size_bytes == len(content)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\offers\\June\r\n.pdf", "June.pdf"),
        ("a" * 300 + ".docx", "a" * 145 + ".docx"),
        ("", "document"),
    ],
)
def test_a_file_name_is_one_line_without_folders(given: str, shown: str) -> None:
    assert clean_name(given) == shown
