"""A document's page: who read what, exact to the second, as a picture and as CSV, and only what one may see."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlmodel import Session, select
from time_machine import Traveller

from server.accounts.models import Member, Role, Workspace
from server.accounts.scope import Scope
from server.config import Settings
from server.documents.models import Document, DocumentVersion, Share
from server.documents.progress import tell_duration
from server.documents.shares import for_copy, make_insertion
from server.documents.statistics.picture import draw, group_pages
from server.documents.statistics.queries import read_readers, read_summary
from server.documents.viewer.models import DocumentVisit
from server.keys import get_keys
from server.messages.models import Recipient
from server.people.people import add_person
from tests.documents.reading import PHONE, Reader, at, drain, make_document, make_link
from tests.factories import make_copy, make_mailbox, make_member
from tests.sign_in import sign_in

Browse = Callable[..., Reader]


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(at(9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def document(session: Session, settings: Settings, alice: Member) -> Document:
    return make_document(session, settings, alice, pages=4)


@pytest.fixture
def browse(session: Session, settings: Settings) -> Iterator[Browse]:
    """Browsers on the edge, by the share they open."""
    readers: list[Reader] = []

    def open_browser(share: Share, *device: str) -> Reader:
        session.commit()
        readers.append(Reader(settings, get_keys(), share, *device))
        readers[-1].open()
        return readers[-1]

    yield open_browser
    for reader in readers:
        reader.close()


def mail(session: Session, document: Document, member: Member, address: str) -> Share:
    """Return the share of a mail to `address`."""
    copy = make_copy(session, make_mailbox(session, member, email=f"{address}.box"), address)
    recipients = list(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)))
    return for_copy(session, copy, recipients, make_insertion(session, member, document))


def test_the_picture_of_a_scripted_reading_is_exact(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, clock: Traveller
) -> None:
    flynn, website = mail(session, document, alice, "flynn@encom.example"), make_link(session, document, name="Website")
    browse(flynn).read(clock, {1: 12, 2: 30, 3: 252, 4: 6})
    clock.shift(timedelta(hours=1))
    browse(flynn, PHONE, "9.9.9.9").read(clock, {3: 8})
    browse(website).read(clock, {1: 10})
    drain(session, settings)
    version = session.get_one(DocumentVersion, document.current_version_id)
    scope = Scope(alice.workspace_id, alice.id)
    summary, readers = read_summary(session, scope, version), read_readers(session, scope, version)
    assert [(page.ms, page.visits, page.reached) for page in summary.pages] == [
        (22_000, 2, 3), (30_000, 1, 2), (260_000, 2, 2), (6000, 1, 1),
    ]  # fmt: skip
    assert (summary.visits, summary.ms) == (3, 318_000)
    picture = draw(summary, readers)
    assert [(row.who, row.time, row.visits, row.may_be_forwarded, row.completion) for row in picture.rows] == [
        ("Website", "10 s", 1, False, 25), ("flynn@encom.example", "5 min 8 s", 2, True, 100),
    ]  # fmt: skip
    assert [cell.clock for cell in picture.rows[1].cells] == ["0:12", "0:30", "4:20", "0:06"]
    assert [cell.shade for cell in picture.rows[1].cells] == [1, 2, 5, 1]
    assert (picture.visits, picture.completion, picture.total_time) == (3, 50, "5 min 18 s")
    assert [bar.reached_percent for bar in picture.bars] == [100, 67, 67, 33]


def test_the_page_shows_readers_pages_and_figures(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    browse(mail(session, document, alice, "flynn@encom.example")).read(clock, {1: 12, 2: 90})
    drain(session, settings)
    sign_in(client, alice)
    for path in (f"/documents/{document.public_id}/readings", f"/documents/{document.public_id}"):
        page = client.get(path).get_data(as_text=True)
        assert "flynn@encom.example" in page
        assert "0:12" in page
        assert "1:30" in page
        assert "1 min 42 s" in page


def test_a_document_that_nobody_read_says_what_to_do(
    session: Session, alice: Member, document: Document, client: FlaskClient
) -> None:
    sign_in(client, alice)
    page = client.get(f"/documents/{document.public_id}/readings").get_data(as_text=True)
    assert "Nobody has read this yet" in page


def test_each_version_has_a_picture_of_its_own(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    browse(make_link(session, document, name="Website")).read(clock, {1: 12})
    drain(session, settings)
    new = DocumentVersion(
        document_id=document.id, member_id=alice.id, number=2, file_name="2.pdf", kind="pdf", sha256="1" * 64,
        size_bytes=1, state="ready", pages=2,
    )  # fmt: skip
    session.add(new)
    session.flush()
    document.current_version_id = new.id
    sign_in(client, alice)
    root = f"/documents/{document.public_id}/readings"
    assert "Nobody has read this yet" in client.get(root).get_data(as_text=True)
    assert "Website" in client.get(f"{root}?version=1").get_data(as_text=True)


def test_csv_has_every_second_and_no_formula(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    browse(make_link(session, document, name="=HYPERLINK(1)")).read(clock, {1: 12.345, 3: 2})
    drain(session, settings)
    sign_in(client, alice)
    answer = client.get(f"/documents/{document.public_id}/readings.csv")
    assert answer.mimetype == "text/csv"
    lines = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert [(line[0], line[2], line[4], line[9], line[10]) for line in lines[1:]] == [
        ("'=HYPERLINK(1)", "1", "2026-03-04 09:00:00", "1", "12.345"),
        ("'=HYPERLINK(1)", "1", "2026-03-04 09:00:00", "3", "2.000"),
    ]


def test_a_colleague_sees_none_of_my_readers_and_a_manager_does(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    team = session.get_one(Workspace, alice.workspace_id)
    bob, carol = make_member(session, "Bob", team), make_member(session, "Carol", team, role=Role.MANAGER)
    mallory = make_member(session, "Mallory", role=Role.ADMIN)
    browse(make_link(session, document, name="Website")).read(clock, {1: 12})
    drain(session, settings)
    (visit,) = session.exec(select(DocumentVisit)).all()
    seen = {}
    for member in (alice, bob, carol, mallory):
        sign_in(client, member)
        page = client.get(f"/documents/{document.public_id}/readings")
        progress = client.get(f"/documents/visits/{visit.id}/progress")
        table = client.get(f"/documents/{document.public_id}/readings.csv")
        seen[member.name] = (
            page.status_code, "Website" in page.get_data(as_text=True), progress.status_code,
            "Website" in table.get_data(as_text=True),
        )  # fmt: skip
    assert seen == {
        "Alice": (200, True, 200, True), "Bob": (200, False, 404, False), "Carol": (200, True, 200, True),
        "Mallory": (404, False, 404, False),
    }  # fmt: skip


def test_the_feed_says_which_page_is_read_and_afterwards_what_was_read(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    reader = browse(mail(session, document, alice, "flynn@encom.example"))
    reader.read(clock, {1: 5, 3: 4})
    drain(session, settings)
    (visit,) = session.exec(select(DocumentVisit)).all()
    path = f"/documents/visits/{visit.id}/progress"
    sign_in(client, alice)
    feed = client.get("/").get_data(as_text=True)
    assert "reading page 3 of 4 · 9 s so far" in feed
    assert "read page 3 of 4 of" in feed
    assert f'href="/documents/{document.public_id}"' in feed
    assert "warmline:reading from:body" in client.get(path).get_data(as_text=True)
    clock.shift(timedelta(seconds=16))
    assert "read 2 of 4 pages in 9 s" in client.get(path).get_data(as_text=True)
    clock.shift(timedelta(minutes=11))
    over = client.get(path).get_data(as_text=True)
    assert "read 2 of 4 pages in 9 s" in over
    assert "hx-trigger" not in over


def test_the_feed_finds_what_was_read(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    reader = browse(mail(session, document, alice, "flynn@encom.example"))
    reader.read(clock, {2: 5})
    reader.get(f"/file?g={reader.grant}")
    drain(session, settings)
    sign_in(client, alice)
    for search, kind in (("is:opened", "document_opened"), ("is:read subject:prices", "page_read"),
                         ("is:downloaded to:flynn", "downloaded")):  # fmt: skip
        page = client.get("/", query_string={"q": search}).get_data(as_text=True)
        assert page.count('id="event-') == 1
        assert f'data-kind="{kind}"' in page


def test_a_long_document_fits_into_forty_columns() -> None:
    assert [len(group_pages(count)) for count in (1, 40, 41, 500)] == [1, 40, 21, 39]
    assert group_pages(500)[0] == range(1, 14)
    assert group_pages(500)[-1] == range(495, 501)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (252, "4 min 12 s"), (3900, "1 h 5 min")]
)
def test_times_are_said_as_people_say_them(app: object, session: Session, seconds: int, words: str) -> None:
    assert tell_duration(seconds) == words


def test_a_persons_profile_says_what_they_read(
    session: Session, settings: Settings, alice: Member, document: Document, browse: Browse, client: FlaskClient,
    clock: Traveller,
) -> None:  # fmt: skip
    person = add_person(session, alice.workspace_id, alice.id, "flynn@encom.example", "Kevin Flynn")
    browse(mail(session, document, alice, "Flynn@encom.example")).read(clock, {1: 12, 2: 90})
    drain(session, settings)
    clock.shift(timedelta(hours=1))
    sign_in(client, alice)
    path = f"/documents/people/{person.id}"
    assert path in client.get(f"/people/{person.id}").get_data(as_text=True)
    assert "read 2 of 4 pages in 1 min 42 s" in client.get(path).get_data(as_text=True)
    bob = make_member(session, "Bob", session.get_one(Workspace, alice.workspace_id))
    person.owner_id = bob.id
    sign_in(client, bob)
    assert "Nothing yet" in client.get(path).get_data(as_text=True)
