"""The drain: every hit on disk is one event, each once, whatever was cut off, repeated or damaged."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from server.clock import now
from server.config import Settings
from server.consent.models import ConsentEntry
from server.events.models import Event, JournalCursor
from server.keys import Keyring, get_keys
from server.messages.models import Copy, Silence
from server.tracking.devices import device_cookie
from server.tracking.drain import CURSOR_DAYS, Lookout, drain_batch, forget_old_cursors, hold_journal, list_segments
from server.tracking.hits import make_record
from server.tracking.journal import Journal
from tests.factories import make_copy, make_mailbox, make_member

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.journal_dir


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal(folder)


@pytest.fixture
def copy(session: Session) -> Copy:
    copy = make_copy(session, make_mailbox(session, make_member(session)))
    session.commit()
    return copy


def view(copy: Copy, agent: str = CHROME, **environ: str) -> bytes:
    environ = {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": agent, "REMOTE_ADDR": "127.0.0.1", **environ}
    return make_record("pixel", copy.tracking_id, environ, proxies=0)


def drain(session: Session, folder: Path, limit: int = 1000) -> int:
    """Drain as the job does; return the number of commits."""
    commits = 0
    with hold_journal(folder) as is_ours:
        assert is_ours
        while drain_batch(session, folder, get_keys(), limit):
            session.commit()
            commits += 1
    session.rollback()
    return commits


def events(session: Session) -> list[Event]:
    return list(session.exec(select(Event).order_by(col(Event.id))))


def test_hit_becomes_one_event_with_its_evidence(session: Session, journal: Journal, folder: Path, copy: Copy) -> None:
    journal.append(view(copy, HTTP_VIA="1.1 proxy"))
    drain(session, folder)
    drain(session, folder)
    (event,) = events(session)
    assert (event.kind, event.verdict, event.is_shown, event.copy_id) == ("viewed", "human", True, copy.id)
    assert event.person_address == "flynn@flynnsarcade.example"
    assert event.evidence["headers"] == {"via": "1.1 proxy"}
    assert event.at.tzinfo is not None


def test_click_names_its_link(session: Session, journal: Journal, folder: Path, copy: Copy) -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": CHROME}
    journal.append(make_record("click", copy.tracking_id, environ, 0, position=3, target="https://flynn.example/#é"))
    drain(session, folder)
    (event,) = events(session)
    assert (event.kind, event.link_target, event.details) == ("clicked", "https://flynn.example/#é", {"position": 3})


def test_many_hits_go_in_batches_and_none_twice(session: Session, folder: Path, copy: Copy) -> None:
    journal = Journal(folder, segment_bytes=5000)
    for number in range(57):
        journal.append(view(copy, f"{CHROME} hit/{number}"))
    drain(session, folder, limit=10)
    agents = [event.evidence["agent"] for event in events(session)]
    assert agents == [f"{CHROME} hit/{number}" for number in range(57)]
    session.refresh(copy)
    assert copy.views == 57


def test_a_drain_cut_off_before_its_commit_repeats_the_batch(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    for _ in range(4):
        journal.append(view(copy))
    with hold_journal(folder):
        assert drain_batch(session, folder, get_keys(), limit=3)
        session.rollback()
    drain(session, folder, limit=3)
    assert len(events(session)) == 4


def test_a_flood_on_one_mail_is_kept_up_to_a_limit_and_counted_to_the_last_hit(
    session: Session, folder: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.tracking.repeats.KEPT_AN_HOUR", 5)
    quiet = make_copy(session, make_mailbox(session, make_member(session, "Bob")))
    session.commit()
    journal = Journal(folder)
    for number in range(40):
        journal.append(view(copy))
        if number % 10 == 0:
            journal.append(view(quiet))
    drain(session, folder, limit=7)
    session.expire_all()
    rows = [event.copy_id for event in events(session)]
    assert rows.count(copy.id) <= 10, "an hour may end within the test"
    assert rows.count(copy.id) + copy.repeats == 40
    assert (rows.count(quiet.id), quiet.repeats) == (4, 0)


def test_a_flood_by_somebody_who_objected_is_not_even_counted(
    session: Session, folder: Path, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.tracking.repeats.KEPT_AN_HOUR", 5)
    copy.silence = Silence.ALL
    session.commit()
    journal = Journal(folder)
    for _ in range(20):
        journal.append(view(copy))
    drain(session, folder, limit=7)
    session.expire_all()
    assert (events(session), copy.repeats) == ([], 0)


def test_a_live_segment_stays_and_a_finished_one_goes_after_the_commit(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    journal.append(view(copy))
    drain(session, folder)
    assert len(list_segments(folder)) == 1
    journal.close()
    with hold_journal(folder):
        assert drain_batch(session, folder, get_keys())
        session.commit()
        assert not drain_batch(session, folder, get_keys())
        session.rollback()
    assert list_segments(folder) == []
    (cursor,) = session.exec(select(JournalCursor)).all()
    assert cursor.ended_at is not None
    assert len(events(session)) == 1


def test_a_drained_segment_that_comes_back_says_nothing_new(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    said = {"want": "agree", "how": "page", "address": "", "text": "Yes", "version": "1"}
    environ = {"REQUEST_METHOD": "POST", "HTTP_USER_AGENT": CHROME}
    journal.append(make_record("saying", copy.tracking_id, environ, 0, data=said))
    (path,) = list_segments(folder)
    content = path.read_bytes()
    journal.close()
    for _ in range(2):
        drain(session, folder)
        assert list_segments(folder) == []
        path.write_bytes(content)
    assert len(session.exec(select(ConsentEntry)).all()) == 1


def test_cursors_of_segments_that_ended_long_ago_are_forgotten(session: Session) -> None:
    ended = {"recent": now(), "old": now() - timedelta(days=CURSOR_DAYS, seconds=1), "live": None}
    session.add_all(JournalCursor(segment=name, ended_at=at) for name, at in ended.items())
    session.flush()
    forget_old_cursors(session)
    assert set(session.exec(select(JournalCursor.segment))) == {"recent", "live"}


def test_a_finished_segment_is_not_deleted_before_its_hits_are_committed(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    journal.append(view(copy))
    journal.close()
    with hold_journal(folder):
        assert drain_batch(session, folder, get_keys())
        assert len(list_segments(folder)) == 1
        session.rollback()
    drain(session, folder)
    assert len(events(session)) == 1
    assert list_segments(folder) == []


def test_what_a_killed_writer_left_half_written_is_passed_over(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    journal.append(view(copy))
    journal.append(view(copy))
    journal.close()
    (path,) = list_segments(folder)
    path.write_bytes(path.read_bytes()[:-7])
    drain(session, folder)
    assert len(events(session)) == 1
    assert list_segments(folder) == []
    assert not (folder / "bad").exists()


def test_damage_in_the_middle_is_kept_aside_and_the_rest_recorded(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    for _ in range(3):
        journal.append(view(copy))
    (path,) = list_segments(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    drain(session, folder)
    assert len(events(session)) == 2
    kept = sorted((folder / "bad").iterdir())
    assert [file.suffix for file in kept] == [".bin", ".reason"]
    assert kept[1].read_text() == "checksum\n"


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b"not json", b'"\xff"', b"[" * 5000, b"null",
     json.dumps({"kind": "smell"}).encode()],
)  # fmt: skip
def test_a_record_that_is_no_hit_is_kept_aside(
    session: Session, journal: Journal, folder: Path, copy: Copy, payload: bytes
) -> None:
    journal.append(payload)
    journal.append(view(copy))
    drain(session, folder)
    assert len(events(session)) == 1
    assert len(list((folder / "bad").glob("*.reason"))) == 1


@pytest.mark.parametrize("change", [{"kind": "smell"}, {"at_ms": 10**20}, {"at_ms": "now"}, {"agent": 7}, {"more": 1}])
def test_a_hit_with_an_odd_field_is_kept_aside(
    session: Session, journal: Journal, folder: Path, copy: Copy, change: dict[str, object]
) -> None:
    journal.append(json.dumps({**json.loads(view(copy)), **change}).encode())
    journal.append(view(copy))
    drain(session, folder)
    assert len(events(session)) == 1
    assert len(list((folder / "bad").glob("*.reason"))) == 1


def test_a_hit_that_the_database_refuses_stops_no_other(
    session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    for number in range(20):
        hit = json.loads(view(copy))
        if number == 13:
            hit["target"] = "\ud800"  # no database stores half a character
        journal.append(json.dumps(hit).encode())
    drain(session, folder)
    assert len(events(session)) == 19
    assert len(list((folder / "bad").glob("*.reason"))) == 1


def test_hits_of_a_copy_that_is_gone_are_dropped(session: Session, journal: Journal, folder: Path, copy: Copy) -> None:
    journal.append(view(Copy(tracking_id="00" * 16, message_id=1, mailbox_id=1)))
    journal.append(view(copy))
    drain(session, folder)
    assert len(events(session)) == 1
    assert not (folder / "bad").exists()


def test_hit_from_a_members_device_is_our_own(session: Session, journal: Journal, folder: Path, copy: Copy) -> None:
    journal.append(view(copy, HTTP_COOKIE=f"warmline_device={device_cookie(get_keys(), 'd1')}"))
    journal.append(view(copy, HTTP_COOKIE=f"warmline_device={device_cookie(Keyring({1: b'x' * 32}), 'd1')}"))
    drain(session, folder)
    assert [(event.verdict, event.is_shown) for event in events(session)] == [("self", False), ("human", True)]


def test_only_one_drains_at_a_time(folder: Path) -> None:
    with hold_journal(folder) as first, hold_journal(folder) as second:
        assert (first, second) == (True, False)
    with hold_journal(folder) as again:
        assert again


def test_the_lookout_wakes_only_for_news(
    app: Flask, session: Session, journal: Journal, folder: Path, copy: Copy
) -> None:
    lookout = Lookout()
    assert not lookout.has_news(session, folder)
    journal.append(view(copy))
    assert lookout.has_news(session, folder)
    assert lookout.has_news(session, folder)  # a lost wake-up is sent again
    drain(session, folder)
    assert not lookout.has_news(session, folder)
    assert Lookout().has_news(session, folder)  # once at the start
    journal.append(view(copy))
    assert lookout.has_news(session, folder)


def test_the_job_drains_and_the_look_wakes_it(app: Flask, session: Session, journal: Journal, copy: Copy) -> None:
    from server import jobs, recurring
    from server.queue import get_wakeups

    journal.append(view(copy))
    recurring.wake_drain()
    assert get_wakeups().redis.llen("rq:queue:hits") == 1
    session.rollback()
    jobs.drain_hits()
    assert len(events(session)) == 1
