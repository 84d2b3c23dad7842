"""A document as conversion leaves it, and a reader who works the edge as the viewer's script does."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from io import BytesIO
from typing import Any

from flask import Flask
from PIL import Image
from sqlmodel import Session
from time_machine import Traveller
from werkzeug.test import Client, TestResponse

from server.accounts.models import Member
from server.config import Settings
from server.documents import storage
from server.documents.models import Document, DocumentVersion, Share, ShareKind, VersionState
from server.documents.shares import add_share, share_url
from server.edge import create_edge
from server.keys import Keyring, get_keys
from server.people.terms import normalise
from server.tracking.bounded import Bounded
from server.tracking.drain import drain_batch, hold_journal
from tests.factories import add

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)


def make_document(
    session: Session, settings: Settings, member: Member, pages: int = 9, name: str = "Prices.pdf", **fields: Any
) -> Document:
    """Add a document whose first version is ready, with pictures of `pages` pages and some text on each."""
    document = add(
        session,
        Document(workspace_id=member.workspace_id, member_id=member.id, name=name, sort_name=normalise(name)),
    )
    version = add(
        session,
        DocumentVersion(
            **{
                "document_id": document.id, "member_id": member.id, "file_name": name, "kind": "pdf",
                "sha256": "0" * 64, "size_bytes": 11, "state": VersionState.READY, "pages": pages,
                "pages_done": pages, **fields,
            }
        ),
    )  # fmt: skip
    document.current_version_id = version.id
    draw_pages(settings, version.id, pages)
    session.flush()
    return document


def draw_pages(settings: Settings, version_id: int, pages: int) -> None:
    """Put the files of a ready version where conversion would."""
    folder = storage.pages_dir(settings, version_id)
    folder.mkdir(parents=True)
    storage.original_path(settings, version_id).write_bytes(b"%PDF-1.7 me")
    sizes = [{"width": 612.0, "height": 792.0}] * pages
    (folder / "pages.json").write_text(json.dumps({"pages": sizes}))
    for page in range(1, pages + 1):
        for size, width in storage.WIDTHS.items():
            storage.image_path(settings, version_id, page, size).write_bytes(_paint(page, width))
        words = [
            [0, 0.1, 0.1, 0.2, 0.03, "Chapter"],
            [0, 0.32, 0.1, 0.1, 0.03, str(page)],
            [1, 0.1, 0.2, 0.2, 0.02, "Café"],
        ]
        storage.text_path(settings, version_id, page).write_text(json.dumps(words))


@cache
def _paint(page: int, width: int) -> bytes:
    """Return the picture of a page, a WebP file; to encode 27 takes over a second, and many tests want the same."""
    file = BytesIO()
    Image.new("RGB", (width, width * 792 // 612), (250, 250, 250 - page)).save(file, "webp")
    return file.getvalue()


def make_link(session: Session, document: Document, **settings: Any) -> Share:
    """Add a bare link to `document`, by default without a name."""
    return add_share(session, get_keys(), document, document.member_id, ShareKind.LINK, **settings)


class _Client(Client):
    """Reads each answer to its end, as a browser does; the edge counts those that are not."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Make one request."""
        return super().open(*args, buffered=True, **options)


class Reader:
    """One browser on the edge; `read` does what the viewer's script does, at the times that the test gives."""

    def __init__(self, settings: Settings, keys: Keyring, share: Share, agent: str = FIREFOX, ip: str = "5.6.7.8"):
        self.root = share_url(settings, keys, share).removeprefix(settings.edge_base_url)
        self.headers = {"User-Agent": agent}
        self.environ = {"REMOTE_ADDR": ip}
        self.edge = create_edge(settings)
        self.client = _Client(self.edge)
        self.grant = ""
        self.sequence = 0

    def close(self) -> None:
        """Give back the edge's connections."""
        pages = self.edge.rest
        assert isinstance(pages, Bounded)
        assert isinstance(pages.app, Flask)
        pages.app.extensions["warmline_db"].dispose()

    def get(self, path: str = "", **options: Any) -> TestResponse:
        """Fetch something under the share."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.get(self.root + path, headers=headers, environ_base=self.environ, **options)

    def open(self) -> TestResponse:
        """Load the viewer's page and keep its grant."""
        answer = self.get()
        found = re.search(r'data-grant="([^"]*)"', answer.get_data(as_text=True))
        self.grant, self.sequence = unescape(found[1]) if found else "", 0
        return answer

    def enter(self, **form: str) -> TestResponse:
        """Give what the share asks for."""
        return self.client.post(f"{self.root}/entry", data=form, headers=self.headers, environ_base=self.environ)

    def report(self, times: dict[int, int], **said: Any) -> TestResponse:
        """Send one report of what was counted so far."""
        body = {
            "grant": self.grant, "part": 0, "sequence": self.sequence, "page": max(times, default=1), "open": True,
            "ms": {str(page): time for page, time in times.items()}, **said,
        }  # fmt: skip
        self.sequence += 1
        return self.client.post(
            f"{self.root}/reading", data=json.dumps(body), headers=self.headers, environ_base=self.environ
        )

    def read(self, clock: Traveller, seconds: dict[int, float], part: int = 0) -> None:
        """Read pages one after the other, with a report every five seconds and at the end of each page."""
        ms: dict[int, int] = {}
        for page, time in seconds.items():
            left = time
            while left > 0:
                step = min(5.0, left)
                left -= step
                clock.shift(timedelta(seconds=step))
                ms[page] = ms.get(page, 0) + round(step * 1000)
                assert self.report(ms, page=page, part=part).status_code == 204


def drain(session: Session, settings: Settings) -> None:
    """Bring all that the edge kept into the database, and commit."""
    session.commit()
    with hold_journal(settings.journal_dir) as is_ours:
        assert is_ours
        while drain_batch(session, settings.journal_dir, get_keys()):
            session.commit()


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Return a time of the day on which these tests happen."""
    return datetime(2026, 3, 4, hour, minute, second, tzinfo=UTC)
