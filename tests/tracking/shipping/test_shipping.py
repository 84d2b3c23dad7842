"""An edge's journal comes to another machine: each byte once, whatever is killed, repeated, cut off or refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.config import Settings
from server.errors import ForeignFailure
from server.events.models import Event
from server.keys import Keyring, get_keys
from server.messages.models import Copy
from server.tracking.drain import drain_batch, hold_journal, list_segments
from server.tracking.frames import make_frame
from server.tracking.hits import make_record
from server.tracking.journal import Journal
from server.tracking.shipping import chunk as wire
from server.tracking.shipping.chunk import PATH, SIGNATURE_HEADER, Chunk, sign_chunk
from server.tracking.shipping.receive import Gap, receive
from server.tracking.shipping.ship import Shipper, make_post, read_chunk_at
from tests.factories import make_copy, make_mailbox, make_member
from tests.tracking.disks import files_end_at

NAME = "00000000000000000001-7-0123456789abcdef.journal"
MIRROR = NAME.replace(".journal", "-shipped.journal")
Send = Callable[[Chunk], tuple[int, dict[str, object]]]


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """The journal of an edge on another machine."""
    return tmp_path / "far" / "journal"


@pytest.fixture
def copy(session: Session) -> Copy:
    copy = make_copy(session, make_mailbox(session, make_member(session)))
    session.commit()
    return copy


@pytest.fixture
def send(app: Flask, client: FlaskClient) -> Send:
    """Send a chunk, signed with the keys of this installation."""

    def send(chunk: Chunk) -> tuple[int, dict[str, object]]:
        with app.app_context():
            signature = sign_chunk(get_keys(), chunk)
        answer = client.post(PATH, data=chunk.data, headers={SIGNATURE_HEADER: signature})
        return answer.status_code, answer.get_json()

    return send


@pytest.fixture
def shipper(far: Path, send: Send) -> Shipper:
    def post(chunk: Chunk) -> bool:
        status, answer = send(chunk)
        if "held" not in answer:
            raise ForeignFailure(str(status), permanent=False)
        return status == 200

    return Shipper(far, post)


def ship_all(shipper: Shipper) -> None:
    while shipper.ship_next():
        pass


def drain(session: Session, settings: Settings) -> int:
    """Drain what is here, and return how many events there are."""
    with hold_journal(settings.journal_dir) as is_ours:
        assert is_ours
        while drain_batch(session, settings.journal_dir, get_keys()):
            session.commit()
    session.rollback()
    return len(session.exec(select(Event)).all())


def view(copy: Copy) -> bytes:
    environ = {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": "Mozilla/5.0 Firefox/140.0", "REMOTE_ADDR": "192.0.2.1"}
    return make_record("pixel", copy.tracking_id, environ, proxies=0)


def test_a_hit_elsewhere_is_an_event_here_while_its_segment_lives(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy
) -> None:
    journal = Journal(far)
    for count in (1, 2):
        journal.append(view(copy))
        ship_all(shipper)
        assert drain(session, settings) == count
    (mirror,) = list_segments(settings.journal_dir)
    assert mirror.read_bytes() == list_segments(far)[0].read_bytes()
    journal.close()


def test_a_complete_segment_goes_there_first_and_then_here(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy
) -> None:
    journal = Journal(far)
    journal.append(view(copy))
    journal.close()
    ship_all(shipper)
    assert list_segments(far) == []
    assert len(list_segments(settings.journal_dir)) == 1
    assert drain(session, settings) == 1
    assert list_segments(settings.journal_dir) == []
    assert list(settings.journal_dir.glob("*.open")) == []


@pytest.mark.parametrize("drained_after", [1, 3])
def test_a_shipper_killed_before_it_hears_the_answer_doubles_nothing(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy, drained_after: int
) -> None:
    """Each answer is lost once; `drained_after` so many chunks the drain deletes what is complete in between."""
    journal = Journal(far)
    for _ in range(3):
        journal.append(view(copy))
    journal.close()
    sent = 0

    def lose_answers(chunk: Chunk) -> bool:
        nonlocal sent
        sent += 1
        is_taken = shipper.post(chunk)
        if sent % drained_after == 0:
            drain(session, settings)
        if sent <= 4:
            raise ForeignFailure("the answer was lost", permanent=False)
        return is_taken

    for _ in range(10):  # each a new process, which knows what is on disk only
        try:
            ship_all(Shipper(far, lose_answers))
        except ForeignFailure:
            continue
    assert list_segments(far) == []
    assert drain(session, settings) == 3
    assert drain(session, settings) == 3
    assert list_segments(settings.journal_dir) == []


def test_a_receiver_killed_while_it_writes_gets_the_chunk_again(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy
) -> None:
    journal = Journal(far)
    journal.append(view(copy))
    chunk, _is_all = read_chunk_at(list_segments(far)[0], 0)
    half = len(chunk.data) // 2
    receive(settings.journal_dir, Chunk(chunk.segment, 0, False, chunk.data[: half - 9] + bytes(9)))
    assert drain(session, settings) == 0
    ship_all(shipper)
    assert drain(session, settings) == 1
    journal.close()


def test_a_doubled_late_and_overlapping_chunk_changes_nothing(settings: Settings, send: Send) -> None:
    first, second = make_frame(b"first"), make_frame(b"second")
    assert send(Chunk(NAME, 0, False, first)) == (200, {"held": len(first)})
    assert send(Chunk(NAME, len(first), False, second)) == (200, {"held": len(first + second)})
    assert send(Chunk(NAME, 0, False, first)) == (200, {"held": len(first + second)})
    assert send(Chunk(NAME, 0, True, first + second)) == (200, {"held": len(first + second)})
    assert (settings.journal_dir / MIRROR).read_bytes() == first + second


def test_bytes_are_never_taken_behind_a_gap(settings: Settings, send: Send, tmp_path: Path) -> None:
    assert send(Chunk(NAME, 40, False, make_frame(b"late"))) == (409, {"held": 0})
    assert list_segments(settings.journal_dir) == []
    with pytest.raises(Gap):
        receive(tmp_path, Chunk(NAME, 1, True, b""))


def test_a_receiver_that_lost_everything_is_sent_all_that_is_left(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy
) -> None:
    journal = Journal(far)
    journal.append(view(copy))
    ship_all(shipper)
    for path in settings.journal_dir.iterdir():
        path.unlink()
    journal.append(view(copy))
    ship_all(shipper)
    assert drain(session, settings) == 2
    journal.close()


def test_a_half_written_record_stays_where_it_is(far: Path) -> None:
    journal = Journal(far)
    journal.append(b"whole")
    (path,) = list_segments(far)
    whole = path.read_bytes()
    path.write_bytes(whole + make_frame(b"torn")[:-1])
    assert read_chunk_at(path, 0) == (Chunk(path.name, 0, False, whole), True)
    journal.close()
    assert read_chunk_at(path, 0) == (Chunk(path.name, 0, True, whole), True)


def test_a_long_segment_goes_in_chunks(far: Path, settings: Settings, shipper: Shipper) -> None:
    journal = Journal(far)
    for number in range(60):
        journal.append(bytes([number]) * 60_000)
    (path,) = list_segments(far)
    journal.close()
    content, offset, sizes = path.read_bytes(), 0, []
    while offset < len(content):
        chunk, is_all = read_chunk_at(path, offset)
        assert chunk.is_last == is_all == (offset + len(chunk.data) == len(content))
        offset += len(chunk.data)
        sizes.append(len(chunk.data))
    assert len(sizes) == 4
    assert max(sizes) <= wire.CHUNK_BYTES
    ship_all(shipper)
    (mirror,) = list_segments(settings.journal_dir)
    assert mirror.read_bytes() == content


def test_another_key_is_refused_before_anything_is_read(client: FlaskClient, settings: Settings, far: Path) -> None:
    chunk = Chunk(NAME, 0, False, make_frame(b"hit"))
    for header in ("", "zz", "00", sign_chunk(Keyring({1: b"x" * 32}), chunk)):
        answer = client.post(PATH, data=chunk.data, headers={SIGNATURE_HEADER: header})
        assert answer.status_code == 403
    assert not settings.journal_dir.exists()


@pytest.mark.parametrize("harm", ["cut", "changed", "old", "elsewhere"])
def test_what_is_not_as_it_was_signed_is_refused(
    app: Flask, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    data = make_frame(b"hit")
    with app.app_context(), monkeypatch.context() as patch:
        if harm == "old":
            patch.setattr(wire, "CLOCKS_SECONDS", -1)
        name = "../../etc/passwd" if harm == "elsewhere" else NAME
        signature = sign_chunk(get_keys(), Chunk(name, 0, False, data))
        sent = {"cut": data[:-1], "changed": data[:-1] + b"\0"}.get(harm, data)
        answer = client.post(PATH, data=sent, headers={SIGNATURE_HEADER: signature})
    assert answer.status_code in (400, 403)
    assert not settings.journal_dir.exists()


def test_a_newer_edge_is_told_which_machine_to_upgrade(
    app: Flask, send: Send, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wire.sign_chunk
    with app.app_context():
        monkeypatch.setattr(wire, "FORM", "2")
        signature = real(get_keys(), Chunk(NAME, 0, False, b""))
        monkeypatch.undo()
        answer = app.test_client().post(PATH, headers={SIGNATURE_HEADER: signature})
    assert (answer.status_code, "before its edges" in answer.get_json()["error"]) == (426, True)


def test_a_full_disk_promises_nothing_and_takes_the_chunk_later(settings: Settings, send: Send) -> None:
    data = make_frame(b"x" * 5000)
    with files_end_at(1000):
        assert send(Chunk(NAME, 0, False, data))[0] == 503
    assert send(Chunk(NAME, 0, False, data)) == (200, {"held": len(data)})
    assert (settings.journal_dir / MIRROR).read_bytes() == data


def test_what_is_shipped_survives_a_lost_or_senseless_ledger(
    session: Session, settings: Settings, far: Path, shipper: Shipper, copy: Copy
) -> None:
    journal = Journal(far)
    for number, ledger in enumerate(("", "[1]", json.dumps({"x": "y"})), 1):
        journal.append(view(copy))
        ship_all(Shipper(far, shipper.post))
        (far / "shipped.json").write_text(ledger)
        assert drain(session, settings) == number
    journal.close()


@pytest.fixture
def away() -> Iterator[Callable[[Chunk], bool]]:
    with requests.Session() as http:
        yield make_post("http://127.0.0.1:9", Keyring({1: b"x" * 32}), http)


def test_while_the_receiver_is_away_everything_stays(far: Path, away: Callable[[Chunk], bool]) -> None:
    journal = Journal(far)
    journal.append(b"hit")
    journal.close()
    with pytest.raises(ForeignFailure, match="away"):
        Shipper(far, away).ship_next()
    assert len(list_segments(far)) == 1


def test_mirrors_are_never_shipped_on(settings: Settings, shipper: Shipper, far: Path) -> None:
    receive(far, Chunk(NAME, 0, True, make_frame(b"hit")))
    assert not shipper.ship_next()
    assert not settings.journal_dir.exists()
