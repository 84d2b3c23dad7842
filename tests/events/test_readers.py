"""How many people read a mail: estimated from networks, devices and places, and never more than can be told."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session

from server.events.models import EventKind
from server.events.readers import Readers, Sight, estimate_readers, read_readers, tell_readers
from server.events.record import Fact, record
from tests.factories import make_copy, make_mailbox, make_member

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOME, OFFICE, PHONE, AWAY = "81.2.69.0/24", "91.198.174.0/24", "151.68.20.0/24", "62.96.1.0/24"


def sight(hours: float, network: str, device: str, country: str = "GB", proxy: str = "") -> Sight:
    return Sight(AT + timedelta(hours=hours), network, device, country, proxy)


@pytest.mark.parametrize(
    ("sights", "least", "most", "newcomer"),
    [
        ([], 0, 0, False),
        ([sight(0, HOME, "Windows/Chrome")], 1, 1, False),
        ([sight(0, HOME, "Windows/Chrome"), sight(3, HOME, "iOS/Safari")], 1, 1, False),
        ([sight(0, HOME, "Windows/Chrome"), sight(0.2, PHONE, "iOS/Safari")], 1, 2, False),
        ([sight(0, HOME, "Windows/Chrome"), sight(30, OFFICE, "Windows/Chrome")], 1, 1, False),
        ([sight(0, HOME, "Windows/Chrome"), sight(30, AWAY, "Mac/Safari", "DE")], 2, 3, True),
        ([sight(0, "", "", "", "gmail_proxy"), sight(9, "", "", "", "gmail_proxy")], 1, 1, False),
        ([sight(0, "", "", "", "gmail_proxy"), sight(9, "", "", "", "yahoo_proxy")], 2, 2, False),
        ([sight(0, "", "", "", "gmail_proxy"), sight(1, HOME, "Windows/Chrome")], 1, 2, False),
        (
            [
                sight(0, HOME, "Windows/Chrome"), sight(5, AWAY, "Mac/Safari", "DE"),
                sight(9, OFFICE, "Windows/Outlook"), sight(12, PHONE, "Android/Chrome", "IT"),
            ],
            4, 4, True,
        ),
    ],
)  # fmt: skip
def test_readers_are_estimated(sights: list[Sight], least: int, most: int, newcomer: bool) -> None:
    told = estimate_readers(reversed(sights))
    assert (told.least, told.most, told.has_newcomer) == (least, most, newcomer)


def test_the_estimate_is_told_in_words(app: Flask) -> None:
    with app.test_request_context():
        assert tell_readers(Readers()) == ""
        assert tell_readers(Readers(1, 1)) == "likely one reader"
        assert tell_readers(Readers(1, 2)) == "1 to 2 readers"
        assert tell_readers(Readers(2, 3, True)) == "2 to 3 readers, one on a new network: probably forwarded"
        assert tell_readers(Readers(2, 3, True), recipients=3) == "2 to 3 readers"
        assert tell_readers(Readers(5, 6)) == "5 or more readers"
        assert tell_readers(Readers(2, 2)) == "likely 2 readers"


def test_machines_are_no_readers(session: Session) -> None:
    copy = make_copy(session, make_mailbox(session, make_member(session)), sent_at=AT)
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
    person = {"agent": chrome, "ip": "81.2.69.142", "headers": {"accept-language": "en"}}
    crawler = {"agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "ip": "66.249.66.1"}
    record(session, [
        Fact(EventKind.VIEWED, AT + timedelta(hours=hours), str(hours), copy.id, evidence=dict(evidence))
        for hours, evidence in ((1, person), (2, crawler), (3, person))
    ])  # fmt: skip
    assert read_readers(session, [copy.id]) == {copy.id: Readers(1, 1, False, 0)}
    assert read_readers(session, []) == {}
