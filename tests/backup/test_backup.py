"""A backup holds everything, from a running installation, and becomes one again, on either kind of database."""

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, select, text
from sqlmodel import Session, col

from server.backup.restore import restore
from server.backup.save import save
from server.campaigns.models import Campaign, CampaignState
from server.clock import now
from server.config import Settings
from server.db import Database
from server.errors import Refused
from server.events.models import Event, EventKind
from server.gmail.models import Mailbox
from server.keys import get_keys
from server.messages.models import Copy, CopyState
from server.models import metadata
from server.people.people import ensure_person
from server.tracking.drain import drain_batch
from server.tracking.hits import make_record
from server.tracking.journal import Journal
from tests.factories import make_copy, make_mailbox, make_member

Elsewhere = Callable[[str], Settings]


@pytest.fixture
def installation(app: Flask, session: Session, settings: Settings) -> Copy:
    """An installation with people, mail, a running campaign, a document's file, and a hit that was not drained yet."""
    alice = make_member(session)
    mailbox = make_mailbox(session, alice, refresh_token_sealed=b"\x00sealed\xff")
    ensure_person(session, alice.workspace_id, alice.id, "zoë@flynn.example", "Zoë “Ÿ” Flynn\n🙂")
    sent = make_copy(session, mailbox)
    make_copy(session, mailbox, state=CopyState.QUEUED)
    for state in (CampaignState.RUNNING, CampaignState.CONFIRMED):
        session.add(Campaign(workspace_id=alice.workspace_id, member_id=alice.id, name="Spring", state=state))
    session.commit()
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "Mozilla/5.0 Firefox/140.0"}
    journal = Journal(settings.journal_dir)
    journal.append(make_record("pixel", sent.tracking_id, environ, proxies=0))
    journal.close()
    page = settings.warmline_home / "documents" / "1" / "page.webp"
    page.parent.mkdir(parents=True)
    page.write_bytes(b"a picture")
    return sent


@pytest.fixture
def elsewhere(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    """Makes settings of a fresh installation on a database of a kind."""
    made: list[str] = []

    def make(kind: str) -> Settings:
        home = tmp_path / "elsewhere"
        url = f"sqlite:///{home / 'warmline.sqlite'}"
        if kind == "postgresql":
            name = f"restored_{os.getpid()}_{tmp_path.name}".replace("-", "_").lower()[:60]
            url = request.getfixturevalue("postgres_url")
            _administrate(url, f'CREATE DATABASE "{name}"')
            made.append(name)
            url = f"{url.rpartition('/')[0]}/{name}" if "?" not in url else url.replace("/postgres?", f"/{name}?")
        return Settings(_env_file=None, warmline_home=home, database_url=url)  # type: ignore[call-arg]

    yield make
    for name in made:
        _administrate(request.getfixturevalue("postgres_url"), f'DROP DATABASE "{name}" WITH (FORCE)')


def _administrate(url: str, statement: str) -> None:
    database = Database(url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    database.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[Session]:
    """A session in the database of another installation."""
    database = Database(settings.database_url)
    with database.open() as session:
        yield session
    database.dispose()


def read_all(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, in order."""
    with opened(settings) as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_everything_comes_back_on_either_kind_of_database(
    app: Flask, installation: Copy, settings: Settings, elsewhere: Elsewhere, kind: str, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar.gz"
    save(settings, archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    target = elsewhere(kind)
    restore(target, archive)
    before, after = read_all(settings), read_all(target)
    assert before.keys() == after.keys()
    held = {"campaign", "copy"}
    assert {name: rows for name, rows in after.items() if name not in held} == {
        name: rows for name, rows in before.items() if name not in held
    }
    assert (target.warmline_home / "documents" / "1" / "page.webp").read_bytes() == b"a picture"
    assert (target.warmline_home / "keys.json").read_bytes() == (settings.warmline_home / "keys.json").read_bytes()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_hit_acknowledged_before_the_start_is_counted_once(
    app: Flask,
    installation: Copy,
    session: Session,
    settings: Settings,
    elsewhere: Elsewhere,
    kind: str,
    tmp_path: Path,
) -> None:
    save(settings, tmp_path / "waiting.tar.gz")
    while drain_batch(session, settings.journal_dir, get_keys()):
        session.commit()
    save(settings, tmp_path / "drained.tar.gz")
    target = elsewhere(kind)
    for name in ("waiting", "drained"):
        restore(target, tmp_path / f"{name}.tar.gz", replaces=True)
        with opened(target) as restored:
            while drain_batch(restored, target.journal_dir, get_keys()):
                restored.commit()
            kinds = restored.execute(select(col(Event.kind))).scalars().all()
            new = ensure_person(restored, 1, None, "new@flynn.example", "New")
            restored.commit()
            assert new.id is not None
        assert kinds == [EventKind.VIEWED]


def test_nothing_leaves_that_may_have_left_already(
    installation: Copy, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    save(settings, tmp_path / "backup.tar.gz")
    target = elsewhere("sqlite")
    restore(target, tmp_path / "backup.tar.gz")
    with opened(target) as session:
        campaigns = session.execute(select(col(Campaign.state)).order_by(col(Campaign.id))).scalars().all()
        copies = session.execute(select(col(Copy.state)).order_by(col(Copy.id))).scalars().all()
        sealed = session.execute(select(col(Mailbox.refresh_token_sealed))).scalar()
    assert campaigns == [CampaignState.PAUSED, CampaignState.DRAFT]
    assert copies == [CopyState.SENT, CopyState.FAILED]
    assert sealed == b"\x00sealed\xff"


def test_what_stands_there_is_refused_then_kept_aside(
    installation: Copy, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar.gz"
    save(settings, archive)
    target = elsewhere("sqlite")
    restore(target, archive)
    with pytest.raises(Refused, match="--replace"):
        restore(target, archive)
    restore(target, archive, replaces=True)
    aside = next(target.warmline_home.glob("before-restore-*"))
    assert {path.name for path in aside.iterdir()} >= {"keys.json", "documents", "journal", "warmline.sqlite"}


@pytest.mark.parametrize("harm", ["cut", "overwritten", "changed", "foreign"])
def test_a_damaged_archive_changes_nothing(
    installation: Copy, settings: Settings, elsewhere: Elsewhere, tmp_path: Path, harm: str
) -> None:
    archive, target = tmp_path / "backup.tar.gz", elsewhere("sqlite")
    save(settings, archive)
    content = archive.read_bytes()
    if harm == "cut":
        archive.write_bytes(content[: len(content) // 2])
    elif harm == "overwritten":
        archive.write_bytes(content[: len(content) // 2].ljust(len(content), b"\xff"))
    elif harm == "changed":
        # In what is packed: a bit of the packing itself may change nothing that is kept.
        archive.write_bytes(gzip.compress(gzip.decompress(content).replace(b"a picture", b"a picturf")))
    else:
        (tmp_path / "passwd").write_text("root")
        with tarfile.open(archive, "w:gz") as foreign:
            foreign.add(tmp_path / "passwd", "../../etc/passwd")
    with pytest.raises(Refused):
        restore(target, archive)
    assert not target.warmline_home.exists()


def test_a_backup_of_a_newer_warmline_is_refused(
    app: Flask, installation: Copy, session: Session, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    session.commit()
    try:
        save(settings, tmp_path / "backup.tar.gz")
    finally:
        session.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        session.commit()
    target = elsewhere("sqlite")
    with pytest.raises(Refused, match="newer"):
        restore(target, tmp_path / "backup.tar.gz")
    assert not target.warmline_home.exists()


def test_rows_written_during_a_backup_are_in_it_whole_or_not_at_all(
    app: Flask, installation: Copy, session: Session, settings: Settings, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """What is committed between two tables would tear a backup that read them one by one."""
    from server.backup import save as saving

    seen: list[str] = []
    real = saving.write_rows

    def write_beside(connection, table):  # type: ignore[no-untyped-def]
        if not seen:
            alice = make_member(session, "Carol")
            make_mailbox(session, alice)
            session.commit()
            session.execute(insert(Campaign).values(workspace_id=alice.workspace_id, member_id=alice.id, name="Late",
                                                    audience={}, trigger={}, days=[], created_at=now()))  # fmt: skip
            session.commit()
        seen.append(table.name)
        return real(connection, table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "write_rows", write_beside)
        save(settings, tmp_path / "backup.tar.gz")
    target = elsewhere("sqlite")
    restore(target, tmp_path / "backup.tar.gz")
    rows = read_all(target)
    assert not any("Late" in row for row in rows["campaign"])
    assert len(rows["campaign"]) == 2
