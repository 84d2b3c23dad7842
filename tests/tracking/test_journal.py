"""The journal: what was acknowledged can be read, whatever happened to the rest."""

import fcntl
import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tracking.frames import MAGIC, MAX_RECORD_BYTES, make_frame, read_frames
from server.tracking.journal import Journal, JournalFull
from tests.tracking.disks import files_end_at

records = st.lists(st.binary(max_size=200), max_size=12)


def read(folder: Path) -> list[bytes]:
    paths = sorted(folder.glob("*.journal"))
    return [frame.payload for path in paths for frame in read_frames(path.read_bytes()) if not frame.reason]


@given(records)
def test_what_was_written_is_read_in_order(payloads: list[bytes]) -> None:
    data = b"".join(map(make_frame, payloads))
    assert [frame.payload for frame in read_frames(data)] == payloads


@given(records, st.integers(0))
def test_a_cut_tail_loses_only_the_record_it_cuts(payloads: list[bytes], cut: int) -> None:
    frames = list(map(make_frame, payloads))
    data = b"".join(frames)
    data = data[: cut % (len(data) + 1)]
    whole = 0
    while sum(map(len, frames[: whole + 1])) <= len(data) and whole < len(frames):
        whole += 1
    assert [frame.payload for frame in read_frames(data) if not frame.reason] == payloads[:whole]


@given(records, st.data())
def test_damage_loses_no_intact_record(payloads: list[bytes], data: st.DataObject) -> None:
    frames = list(map(make_frame, payloads))
    blob = bytearray(b"".join(frames))
    start = data.draw(st.integers(0, len(blob)))
    junk = data.draw(st.binary(max_size=60))
    removed = data.draw(st.integers(0, 60))
    damaged = bytes(blob[:start]) + junk + bytes(blob[start + removed :])
    found = [frame.payload for frame in read_frames(damaged) if not frame.reason]
    offsets = [sum(map(len, frames[:index])) for index in range(len(frames) + 1)]
    before = [payload for payload, end in zip(payloads, offsets[1:], strict=True) if end <= start]
    after = [payload for payload, begin in zip(payloads, offsets, strict=False) if begin >= start + removed]
    assert found[: len(before)] == before
    assert not after or found[-len(after) :] == after


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_error_and_without_a_gap(data: bytes) -> None:
    at = 0
    for frame in read_frames(data):
        assert frame.start == at
        at = frame.end
    assert at <= len(data)


def test_damage_is_named_with_what_stood_there() -> None:
    broken = make_frame(b"two")[:-1] + b"!"
    frames = list(read_frames(make_frame(b"one") + broken + make_frame(b"three")))
    assert [(frame.payload, frame.reason) for frame in frames] == [(b"one", ""), (broken, "checksum"), (b"three", "")]


def test_a_length_that_is_a_lie_does_not_hide_what_follows() -> None:
    liar = MAGIC + (MAX_RECORD_BYTES).to_bytes(4, "big") + b"\0\0\0\0"
    assert [frame.payload for frame in read_frames(liar + make_frame(b"next"))][-1] == b"next"


def test_a_record_of_more_than_64_kib_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        make_frame(b"x" * (MAX_RECORD_BYTES + 1))


def test_records_of_many_threads_are_all_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=20_000)
    threads = [
        threading.Thread(target=lambda n=n: [journal.append(f"{n}-{i}".encode()) for i in range(50)]) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(tmp_path)
    assert len(found) == 800
    assert set(found) == {f"{n}-{i}".encode() for n in range(16) for i in range(50)}
    for n in range(16):  # one thread's records stand in the order in which they were acknowledged
        own = [record for record in found if record.startswith(f"{n}-".encode())]
        assert own == sorted(own, key=lambda record: int(record.split(b"-")[1]))


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=100)
    for number in range(10):
        journal.append(b"%d" % number * 40)
    assert len(list(tmp_path.glob("*.journal"))) > 3
    assert read(tmp_path) == [b"%d" % number * 40 for number in range(10)]
    journal.close()


def test_a_live_segment_is_locked_and_a_closed_one_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"one")
    (path,) = tmp_path.iterdir()
    with path.open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_killed_process_leaves_what_it_acknowledged_and_no_lock(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        journal = Journal(tmp_path)
        for number in range(1000):
            journal.append(b"%d" % number)
            os.write(writing, b"%d\n" % number)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as acknowledged:
        seen = [acknowledged.readline().strip() for _ in range(20)]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen += [line.strip() for line in acknowledged if line.endswith(b"\n")]
    assert read(tmp_path)[: len(seen)] == seen
    (path,) = tmp_path.glob("*.journal")
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_forked_child_writes_a_segment_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"parent")
    child = os.fork()
    if child == 0:
        journal.append(b"child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    journal.append(b"parent again")
    assert len(list(tmp_path.iterdir())) == 2
    assert sorted(read(tmp_path)) == [b"child", b"parent", b"parent again"]


def test_a_full_disk_is_said_and_leaves_no_torn_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(b"a" * 50)
    with files_end_at(100), pytest.raises(JournalFull):
        journal.append(b"b" * 50)
    journal.append(b"c" * 50)
    assert read(tmp_path) == [b"a" * 50, b"c" * 50]
    assert [path.stat().st_size for path in sorted(tmp_path.iterdir())] == [62, 62]


def test_a_failing_disk_does_not_fill_the_folder_with_empty_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with files_end_at(0):
        for _ in range(5):
            with pytest.raises(JournalFull):
                journal.append(b"lost")
    assert list(tmp_path.iterdir()) == []


def test_all_who_wait_for_a_failed_write_hear_of_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    outcomes: list[str] = []

    def append() -> None:
        try:
            journal.append(b"x" * 30)
            outcomes.append("kept")
        except JournalFull:
            outcomes.append("lost")

    threads = [threading.Thread(target=append) for _ in range(12)]
    with files_end_at(20):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == ["lost"] * 12
    assert read(tmp_path) == []
