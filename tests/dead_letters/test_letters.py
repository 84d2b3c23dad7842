"""What fails again and again is set aside with its reason, shown to admins, tried again or let go."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from server import jobs
from server.accounts.models import Role
from server.config import Settings
from server.dead_letters.letters import list_letters
from server.dead_letters.models import DeadLetter
from server.dead_letters.records import list_records
from server.dead_letters.tries import MOST_TRIES, count_start
from server.messages.models import CopyState
from server.queue import get_wakeups, wake_key
from server.tracking.drain import list_segments
from server.tracking.hits import make_record
from tests.factories import make_copy, make_mailbox, make_member
from tests.sign_in import sign_in

ENVIRON = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "Mozilla/5.0"}


@pytest.fixture
def admin(client: FlaskClient, session: Session) -> FlaskClient:
    """An admin's browser."""
    member = make_member(session, role=Role.ADMIN)
    sign_in(client, member)
    return client


@pytest.fixture
def failures() -> list[Exception]:
    """What the failing job raises, the last first; nothing left, and it comes to its end."""
    return []


@pytest.fixture
def failing(failures: list[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of the page of all jobs, which fails as `failures` say."""

    def read_back(_copy_id: int) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(jobs, "read_back", jobs.job(read_back))


def _run(times: int) -> None:
    for _ in range(times):
        try:
            jobs.read_back(7)
        except (ValueError, OperationalError):
            continue


def _list(session: Session) -> list[tuple[str, str, str]]:
    found = [(one.job, one.ids, one.reason) for one in list_letters(session)]
    session.rollback()
    return found


@pytest.mark.usefixtures("failing")
def test_a_job_that_fails_five_times_in_a_row_is_held(session: Session, failures: list[Exception]) -> None:
    failures += [ValueError("of a mail that nobody may read here")] * 9
    _run(MOST_TRIES - 1)
    assert _list(session) == []
    _run(3)
    assert _list(session) == [("read_back", "7", "ValueError in read_back")]
    assert len(failures) == 9 - MOST_TRIES, "it was started although it is held"


@pytest.mark.usefixtures("failing")
def test_failures_with_an_end_between_them_set_nothing_aside(session: Session, failures: list[Exception]) -> None:
    for _ in range(3):
        failures += [ValueError()] * (MOST_TRIES - 1)
        _run(MOST_TRIES)
    assert _list(session) == []


@pytest.mark.usefixtures("failing")
def test_a_database_that_is_away_sets_no_job_aside(session: Session, failures: list[Exception]) -> None:
    failures += [OperationalError("SELECT 1", {}, Exception("locked"))] * 20
    _run(20)
    assert _list(session) == []


def test_a_job_that_ends_its_worker_again_and_again_is_held(session: Session) -> None:
    for _ in range(MOST_TRIES):
        count_start("read_back", (7,))  # and its process is gone
    jobs.read_back(7)
    [(job, ids, reason)] = _list(session)
    assert (job, ids) == ("read_back", "7")
    assert "worker" in reason


def test_a_mail_that_ends_its_workers_is_given_up_and_goes_out_once_tried_again(
    admin: FlaskClient, session: Session
) -> None:
    copy = make_copy(session, make_mailbox(session, make_member(session, name="Bob")), "flynn@arcade.example")
    copy.state = CopyState.QUEUED
    session.commit()
    for _ in range(MOST_TRIES):
        count_start("send_copy", (copy.id,))
    jobs.send_copy(copy.id)
    session.refresh(copy)
    assert copy.state == CopyState.FAILED
    assert "again and again" in copy.failure
    [letter_id] = [letter.id for letter in list_letters(session)]
    session.rollback()
    admin.post(f"/settings/set-aside/jobs/{letter_id}/trial")
    assert get_wakeups().redis.exists(wake_key("send_copy", copy.id))  # for a few seconds
    session.refresh(copy)
    assert copy.state == CopyState.QUEUED
    assert list_letters(session) == []


def test_a_job_of_the_whole_installation_is_listed_and_goes_on(session: Session) -> None:
    for _ in range(MOST_TRIES):
        count_start("settle_deliveries", ())
    jobs.settle_deliveries()
    assert [job for job, _ids, _reason in _list(session)] == ["settle_deliveries"]
    jobs.settle_deliveries()
    assert count_start("settle_deliveries", ()) == 1, "it did not come to its end"


def test_an_admin_tries_a_job_again_or_lets_it_go(admin: FlaskClient, session: Session) -> None:
    session.add_all(
        [DeadLetter(job="read_back", ids="7", reason="x"), DeadLetter(job="send_copy", ids="8", reason="y")]
    )
    first, second = session.exec(select(DeadLetter).order_by(DeadLetter.job)).all()
    session.commit()
    page = admin.get("/settings/set-aside").text
    assert "read_back 7" in page
    assert "send_copy 8" in page
    admin.post(f"/settings/set-aside/jobs/{first.id}/trial")
    assert get_wakeups().redis.exists(wake_key("read_back", 7))  # for a few seconds
    admin.post(f"/settings/set-aside/jobs/{second.id}/removal")
    page = admin.get("/settings/set-aside").text
    assert "read_back 7" not in page
    assert "send_copy 8" not in page
    assert [one.job for one in session.exec(select(DeadLetter))] == ["send_copy"], "what was let go stays held"


def test_a_record_is_put_back_into_the_journal_where_it_holds_a_hit(admin: FlaskClient, settings: Settings) -> None:
    good = _keep(settings, "0001-1-aa.journal-000000000", make_record("pixel", "ab" * 16, ENVIRON, 0), "DataError")
    bad = _keep(settings, "0001-1-aa.journal-000000300", b"\x00", "checksum")
    page = admin.get("/settings/set-aside").text
    assert "DataError" in page
    assert "checksum" in page
    assert admin.post(f"/settings/set-aside/records/{good}/trial").status_code == 303
    assert admin.post(f"/settings/set-aside/records/{bad}/trial").status_code == 409
    assert [one.name for one in list_records(settings.journal_dir)] == [bad]
    assert len(list_segments(settings.journal_dir)) == 1
    admin.post(f"/settings/set-aside/records/{bad}/removal")
    assert list((settings.journal_dir / "bad").iterdir()) == []


def test_no_other_file_can_be_named(admin: FlaskClient, settings: Settings) -> None:
    keys = Path(settings.warmline_home / "keys.json")
    for name in ("..%2F..%2Fkeys", "keys", "....journal-1"):
        assert admin.post(f"/settings/set-aside/records/{name}/removal").status_code == 404
    assert keys.exists()


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER])
def test_only_admins_see_it(app: Flask, session: Session, role: Role) -> None:
    browser = app.test_client()
    member = make_member(session, role=role)
    sign_in(browser, member)
    assert browser.get("/settings/set-aside").status_code == 403


def _keep(settings: Settings, name: str, payload: bytes, reason: str) -> str:
    folder = settings.journal_dir / "bad"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.bin").write_bytes(payload)
    (folder / f"{name}.reason").write_text(reason)
    return name
