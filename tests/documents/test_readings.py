"""The numbers of a scripted reading come out exact, whatever order, number or truth its reports have."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlmodel import Session, col, select
from time_machine import Traveller

from server.config import Settings
from server.documents.models import Document, DocumentVersion, Share
from server.documents.shares import for_copy, make_insertion
from server.documents.viewer.models import DocumentVisit, PageFigure, VisitPage
from server.events.models import Event, EventKind
from server.keys import get_keys
from server.messages.models import Recipient, Silence
from server.tracking.devices import COOKIE_NAME, device_cookie
from tests.documents.reading import PHONE, Reader, at, drain, make_document, make_link
from tests.factories import make_copy, make_mailbox, make_member

Browse = Callable[..., Reader]


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(at(9), tick=False) as traveller:
        yield traveller


@pytest.fixture
def document(session: Session, settings: Settings) -> Document:
    return make_document(session, settings, make_member(session))


@pytest.fixture
def share(session: Session, document: Document) -> Share:
    return make_link(session, document, name="Website")


@pytest.fixture
def browse(session: Session, settings: Settings) -> Iterator[Browse]:
    """Browsers on the edge, by the share they open."""
    readers: list[Reader] = []

    def open_browser(share: Share, *device: str, **options: str) -> Reader:
        session.commit()
        readers.append(Reader(settings, get_keys(), share, *device, **options))
        return readers[-1]

    yield open_browser
    for reader in readers:
        reader.close()


@pytest.fixture
def reader(browse: Browse, share: Share) -> Reader:
    return browse(share)


def visits(session: Session) -> list[DocumentVisit]:
    session.expire_all()
    return list(session.exec(select(DocumentVisit).order_by(col(DocumentVisit.id))))


def times(session: Session, visit: DocumentVisit) -> dict[int, int]:
    rows = session.exec(select(VisitPage).where(VisitPage.visit_id == visit.id).order_by(col(VisitPage.page)))
    return {row.page: row.ms for row in rows}


def kinds(session: Session) -> list[str]:
    return list(session.exec(select(Event.kind).order_by(col(Event.id))))


def test_a_scripted_reading_is_exact_to_the_millisecond(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.read(clock, {1: 12.345, 2: 3, 3: 61.5})
    drain(session, settings)
    (visit,) = visits(session)
    assert times(session, visit) == {1: 12_345, 2: 3000, 3: 61_500}
    assert (visit.reading_ms, visit.pages_read, visit.page, visit.pages) == (76_845, 3, 3, 9)
    assert visit.last_at - visit.started_at == timedelta(seconds=76.845)
    assert (visit.name, visit.device) == ("Website", "Firefox, Linux")
    assert sorted(kinds(session)) == [EventKind.DOCUMENT_OPENED, *[EventKind.PAGE_READ] * 3]


def test_reports_may_come_twice_late_and_in_any_order(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    clock.shift(timedelta(seconds=30))
    said = [({1: 5000}, 0, 1), ({1: 9000, 2: 1000}, 1, 2), ({1: 9000, 2: 8000, 4: 1200}, 2, 4)]
    for ms, sequence, page in (said[2], said[0], said[1], said[2], said[0]):
        reader.report(ms, sequence=sequence, page=page)
    drain(session, settings)
    drain(session, settings)
    (visit,) = visits(session)
    assert times(session, visit) == {1: 9000, 2: 8000, 4: 1200}
    assert visit.page == 4
    assert sorted(kinds(session)) == [EventKind.DOCUMENT_OPENED, *[EventKind.PAGE_READ] * 3]


def test_an_early_report_that_comes_after_a_late_one_moves_nothing(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    clock.shift(timedelta(seconds=30))
    reader.report({1: 5000, 2: 8000}, sequence=7, page=2)
    drain(session, settings)
    reader.report({1: 4000}, sequence=3, page=1)
    drain(session, settings)
    (visit,) = visits(session)
    assert (times(session, visit), visit.page) == ({1: 5000, 2: 8000}, 2)


def test_a_hidden_tab_stops_the_clock(session: Session, settings: Settings, reader: Reader, clock: Traveller) -> None:
    reader.open()
    clock.shift(timedelta(seconds=4))
    reader.report({1: 4000}, open=False)  # the tab goes away, and its clock stands
    drain(session, settings)
    assert visits(session)[0].is_open is False
    clock.shift(timedelta(minutes=5))
    reader.report({1: 6000}, open=True)
    drain(session, settings)
    (visit,) = visits(session)
    assert (visit.reading_ms, visit.is_open) == (6000, True)


@pytest.mark.parametrize(
    "ms", [{1: 60_000}, {1: 5000, 2: 5000, 3: 1100}, {1: 10**9}], ids=["longer than open", "in sum", "absurd"]
)
def test_what_no_clock_could_have_counted_is_nothing(
    session: Session, settings: Settings, reader: Reader, clock: Traveller, ms: dict[int, int]
) -> None:
    reader.open()
    clock.shift(timedelta(seconds=10))
    assert reader.report(ms).status_code == 204
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])


def test_pages_that_are_not_in_the_document_count_nothing(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    clock.shift(timedelta(seconds=10))
    reader.report({0: 3000, 9: 2000, 10: 4000}, page=10)
    drain(session, settings)
    (visit,) = visits(session)
    assert (times(session, visit), visit.page) == ({9: 2000}, 9)


@pytest.mark.parametrize(
    "said",
    [{"ms": {"1": -5}}, {"ms": {"1": 1.5}}, {"ms": {"1": True}}, {"ms": {"x": 5}}, {"ms": []}, {"part": -1},
     {"page": "3"}, {"sequence": None}, {"ms": {"1": 10**12}}],
)  # fmt: skip
def test_a_report_of_another_shape_is_refused(reader: Reader, clock: Traveller, said: dict[str, object]) -> None:
    reader.open()
    assert reader.report({}, **{"page": 1, **said}).status_code == 400


def test_less_than_a_second_is_no_opening(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    clock.shift(timedelta(seconds=10))
    reader.report({1: 999})
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])
    reader.report({1: 1000})
    drain(session, settings)
    assert len(visits(session)) == 1


def test_a_page_turned_over_is_not_read(session: Session, settings: Settings, reader: Reader, clock: Traveller) -> None:
    reader.open()
    reader.read(clock, {1: 5, 2: 0.4, 3: 2})
    drain(session, settings)
    (visit,) = visits(session)
    assert (visit.pages_read, visit.reading_ms, times(session, visit)[2]) == (2, 7400, 400)
    read = session.exec(select(Event).where(Event.kind == EventKind.PAGE_READ).order_by(col(Event.id)))
    assert [event.details["page"] for event in read] == [1, 3]


def test_a_return_within_ten_minutes_goes_on_with_the_visit(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.read(clock, {1: 4})
    clock.shift(timedelta(minutes=9, seconds=50))
    reader.open()
    reader.read(clock, {1: 3, 2: 2})
    drain(session, settings)
    (visit,) = visits(session)
    assert times(session, visit) == {1: 7000, 2: 2000}


def test_a_return_after_ten_minutes_is_a_new_visit(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.read(clock, {1: 4})
    clock.shift(timedelta(minutes=10, seconds=1))
    reader.open()
    reader.read(clock, {2: 6})
    drain(session, settings)
    first, second = visits(session)
    assert (times(session, first), times(session, second)) == ({1: 4000}, {2: 6000})


def test_a_tab_left_open_goes_on_as_a_new_visit(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.read(clock, {1: 4})
    clock.shift(timedelta(minutes=30))
    reader.read(clock, {1: 5}, part=1)
    drain(session, settings)
    assert [visit.reading_ms for visit in visits(session)] == [4000, 5000]


def test_two_devices_are_two_visits(
    session: Session, settings: Settings, reader: Reader, share: Share, browse: Browse, clock: Traveller
) -> None:
    phone = browse(share, PHONE, "9.9.9.9")
    reader.open()
    phone.open()
    clock.shift(timedelta(seconds=8))
    reader.report({1: 8000})
    phone.report({1: 2000, 2: 5500})
    drain(session, settings)
    assert {visit.device: visit.reading_ms for visit in visits(session)} == {
        "Firefox, Linux": 8000, "Mobile Safari, iOS": 7500,
    }  # fmt: skip


def test_a_mails_reader_is_its_recipient(
    session: Session, settings: Settings, document: Document, browse: Browse, clock: Traveller
) -> None:
    member = session.get_one(type(make_member(session, "Zed")), document.member_id)
    copy = make_copy(session, make_mailbox(session, member), "flynn@flynnsarcade.example")
    recipients = list(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)))
    share = for_copy(session, copy, recipients, make_insertion(session, member, document))
    session.commit()
    reader = browse(share)
    reader.open()
    reader.read(clock, {1: 4})
    drain(session, settings)
    opened = session.exec(select(Event).where(Event.kind == EventKind.DOCUMENT_OPENED)).one()
    assert (opened.person_address, opened.copy_id, opened.member_id) == (
        "flynn@flynnsarcade.example", copy.id, member.id,
    )  # fmt: skip
    assert opened.details["file"] == "Prices.pdf"
    assert visits(session)[0].address == "flynn@flynnsarcade.example"


def test_a_colleague_who_says_who_they_are_is_a_reader_of_their_own(
    session: Session, settings: Settings, document: Document, browse: Browse, clock: Traveller
) -> None:
    member = session.get_one(type(make_member(session, "Zed")), document.member_id)
    copy = make_copy(session, make_mailbox(session, member), "flynn@flynnsarcade.example")
    insertion = make_insertion(session, member, document)
    insertion.asks_for_email = True
    recipients = list(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)))
    share = for_copy(session, copy, recipients, insertion)
    session.commit()
    flynn, kevin = browse(share), browse(share, PHONE, "9.9.9.9")
    for one, email in ((flynn, "Flynn@FlynnsArcade.example"), (kevin, "kevin@flynnsarcade.example")):
        assert one.enter(email=email).status_code == 303
        one.open()
    flynn.read(clock, {1: 4})
    kevin.read(clock, {1: 2, 2: 7})
    drain(session, settings)
    assert [(visit.address, visit.reading_ms) for visit in visits(session)] == [
        ("flynn@flynnsarcade.example", 4000), ("kevin@flynnsarcade.example", 9000),
    ]  # fmt: skip
    opened = session.exec(select(Event).where(Event.kind == EventKind.DOCUMENT_OPENED).order_by(col(Event.id))).all()
    assert [(event.copy_id, event.person_address, event.member_id) for event in opened] == [
        (copy.id, "flynn@flynnsarcade.example", member.id), (None, "kevin@flynnsarcade.example", member.id),
    ]  # fmt: skip


def test_a_members_browser_counts_nothing(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.client.set_cookie(COOKIE_NAME, device_cookie(get_keys(), "alice-laptop"))
    reader.read(clock, {1: 4})
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])
    assert reader.open().status_code == 200
    assert reader.grant == ""


@pytest.mark.parametrize("agent", ["Slackbot-LinkExpanding 1.0", "Mozilla/5.0 (compatible; bingbot/2.0)", "curl/8.5"])
def test_a_preview_counts_nothing(
    session: Session, settings: Settings, share: Share, browse: Browse, clock: Traveller, agent: str
) -> None:
    session.commit()
    bot = browse(share, agent)
    assert bot.open().status_code == 200
    bot.get("/pages/1-small")
    bot.client.head(bot.root, headers=bot.headers)
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])


def test_a_scanner_that_runs_our_script_counts_nothing(
    session: Session, settings: Settings, share: Share, browse: Browse, clock: Traveller
) -> None:
    session.commit()
    scanner = browse(share, ip="40.107.1.2")
    scanner.open()
    scanner.read(clock, {1: 8})
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])


def test_a_download_is_an_event_of_its_own(
    session: Session, settings: Settings, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    reader.read(clock, {1: 4})
    answer = reader.get(f"/file?g={reader.grant}")
    assert answer.data == b"%PDF-1.7 me"
    assert answer.headers["Content-Disposition"] == "attachment; filename=Prices.pdf"
    reader.client.head(f"{reader.root}/file?g={reader.grant}", headers=reader.headers)
    reader.get(f"/file?g={reader.grant}", headers={"Range": "bytes=4-"})
    drain(session, settings)
    assert kinds(session).count(EventKind.DOWNLOADED) == 1
    assert visits(session)[0].downloads == 1


def test_a_mail_that_must_not_tell_says_nothing_of_its_readers(
    session: Session, settings: Settings, document: Document, browse: Browse, clock: Traveller
) -> None:
    member = session.get_one(type(make_member(session, "Zed")), document.member_id)
    copy = make_copy(session, make_mailbox(session, member), "flynn@flynnsarcade.example")
    recipients = list(session.exec(select(Recipient).where(Recipient.copy_id == copy.id)))
    share = for_copy(session, copy, recipients, make_insertion(session, member, document))
    session.commit()
    reader = browse(share)
    reader.open()
    copy.silence = Silence.ALL
    session.commit()
    reader.read(clock, {1: 4})
    drain(session, settings)
    assert (visits(session), kinds(session)) == ([], [])
    assert reader.open().status_code == 200
    assert reader.grant == ""


def test_figures_per_page_say_time_readers_and_where_they_stopped(
    session: Session,
    settings: Settings,
    document: Document,
    reader: Reader,
    share: Share,
    browse: Browse,
    clock: Traveller,
) -> None:
    phone = browse(share, PHONE, "9.9.9.9")
    reader.open()
    reader.read(clock, {1: 10, 2: 20, 3: 5})
    phone.open()
    phone.read(clock, {1: 30, 2: 1})
    drain(session, settings)
    rows = session.exec(select(PageFigure).order_by(col(PageFigure.page))).all()
    assert [(row.page, row.ms, row.visits, row.ended) for row in rows] == [
        (1, 40_000, 2, 0), (2, 21_000, 2, 1), (3, 5000, 1, 1),
    ]  # fmt: skip


def test_a_grant_of_another_share_or_of_yesterday_reports_nothing(
    session: Session, settings: Settings, document: Document, reader: Reader, browse: Browse, clock: Traveller
) -> None:
    other = browse(make_link(session, document))
    session.commit()
    reader.open()
    other.grant = reader.grant
    assert other.report({1: 2000}).status_code == 410
    clock.shift(timedelta(hours=24, seconds=1))
    assert reader.report({1: 2000}).status_code == 410
    reader.grant = "forged"
    assert reader.report({1: 2000}).status_code == 410


def test_a_report_of_an_older_version_counts_for_that_version(
    session: Session, settings: Settings, document: Document, reader: Reader, clock: Traveller
) -> None:
    reader.open()
    old = document.current_version_id
    new = DocumentVersion(
        document_id=document.id, member_id=document.member_id, number=2, file_name="Prices 2.pdf", kind="pdf",
        sha256="1" * 64, size_bytes=1, state="ready", pages=2,
    )  # fmt: skip
    session.add(new)
    session.flush()
    document.current_version_id = new.id
    session.commit()
    reader.read(clock, {7: 3})
    drain(session, settings)
    assert [(visit.version_id, visit.pages) for visit in visits(session)] == [(old, 9)]
