"""What becomes of a restored installation: nothing leaves unasked, old schemas come along, later hits can be added."""

import json
import shutil
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from alembic import command
from flask import Flask
from sqlalchemy import select, text
from sqlmodel import Session, col

from server.accounts.models import Workspace
from server.backup import save as saving
from server.backup.restore import restore
from server.backup.save import save
from server.campaigns.campaigns import confirm, resume
from server.campaigns.models import Campaign, CampaignState
from server.clock import now
from server.config import Settings
from server.db import Database
from server.events.models import Event
from server.keys import get_keys
from server.messages.models import Copy, CopyState
from server.migrate import is_newest, make_config
from server.tracking.drain import drain_batch
from server.tracking.frames import make_frame
from server.tracking.hits import make_record
from server.tracking.journal import Journal
from server.tracking.shipping.chunk import Chunk
from server.tracking.shipping.receive import receive
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, work
from tests.factories import make_copy, make_mailbox, make_member

ENVIRON = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "Mozilla/5.0 Firefox/140.0"}


@pytest.fixture
def target(tmp_path: Path) -> Settings:
    """Settings of a fresh installation elsewhere."""
    home = tmp_path / "elsewhere"
    return Settings(_env_file=None, warmline_home=home, database_url=f"sqlite:///{home / 'warmline.sqlite'}")  # type: ignore[call-arg]


@pytest.fixture
def restored(target: Settings) -> Iterator[Database]:
    """The database of that installation."""
    database = Database(target.database_url)
    yield database
    database.dispose()


def count_queued(session: Session) -> int:
    return len(session.scalars(select(Copy.id).where(col(Copy.state) == CopyState.QUEUED)).all())


def drain(session: Session, settings: Settings) -> int:
    """Drain a journal and return how many events there are."""
    while drain_batch(session, settings.journal_dir, get_keys()):
        session.commit()
    session.rollback()
    return len(session.scalars(select(Event.id)).all())


def test_restored_campaigns_send_nothing_until_somebody_confirms_them(
    session: Session, settings: Settings, target: Settings, restored: Database, tmp_path: Path
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        alice = make_member(session)
        mailbox = make_mailbox(session, alice)
        add_people(session, alice, 2)
        running = make_campaign(session, alice, mailbox)
        work(session, running)
        clock.shift(timedelta(minutes=5))
        work(session, running)
        assert send_all(session)
        waiting = make_campaign(session, alice, mailbox, name="Summer")
        save(settings, tmp_path / "backup.tar.gz")
        restore(target, tmp_path / "backup.tar.gz")
        clock.shift(timedelta(days=7))
        with restored.session() as elsewhere:
            for campaign in elsewhere.scalars(select(Campaign)).all():
                work(elsewhere, campaign)
            assert count_queued(elsewhere) == 0
            first, second = elsewhere.get_one(Campaign, running.id), elsewhere.get_one(Campaign, waiting.id)
            assert (first.state, second.state) == (CampaignState.PAUSED, CampaignState.DRAFT)
            resume(elsewhere, first)
            elsewhere.commit()
            work(elsewhere, first)
            assert count_queued(elsewhere) > 0
            confirm(elsewhere, second)
            elsewhere.commit()
            assert second.state == CampaignState.CONFIRMED


def test_hits_that_came_after_the_backup_are_added_from_the_old_journal(
    session: Session, settings: Settings, target: Settings, restored: Database, tmp_path: Path
) -> None:
    copy = make_copy(session, make_mailbox(session, make_member(session)))
    session.commit()
    journal = Journal(settings.journal_dir)
    journal.append(make_record("pixel", copy.tracking_id, ENVIRON, proxies=0))
    save(settings, tmp_path / "backup.tar.gz")
    journal.append(make_record("pixel", copy.tracking_id, ENVIRON, proxies=0))
    journal.close()
    restore(target, tmp_path / "backup.tar.gz")
    with restored.session() as elsewhere:
        assert drain(elsewhere, target) == 1
        for path in settings.journal_dir.glob("*.*"):
            shutil.copy(path, target.journal_dir)
        assert drain(elsewhere, target) == 2


def test_what_another_machine_shipped_is_in_the_backup_and_goes_on_behind_it(
    session: Session, settings: Settings, target: Settings, restored: Database, tmp_path: Path
) -> None:
    copy = make_copy(session, make_mailbox(session, make_member(session)))
    session.commit()
    name = "00000000000000000001-7-0123456789abcdef.journal"
    frames = [make_frame(make_record("pixel", copy.tracking_id, ENVIRON, proxies=0)) for _ in range(2)]
    receive(settings.journal_dir, Chunk(name, 0, False, frames[0]))
    save(settings, tmp_path / "backup.tar.gz")
    restore(target, tmp_path / "backup.tar.gz")
    with restored.session() as elsewhere:
        assert drain(elsewhere, target) == 1
        receive(target.journal_dir, Chunk(name, len(frames[0]), True, frames[1]))
        assert drain(elsewhere, target) == 2
    assert list(target.journal_dir.glob("*.journal")) == []


def test_a_backup_of_the_first_schema_is_restored_and_brought_along(
    settings: Settings, target: Settings, restored: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a backup is made by the tables and columns of that schema, as the first version made it."""
    settings.warmline_home.mkdir()
    old = Settings(
        _env_file=None, warmline_home=settings.warmline_home, database_url=f"sqlite:///{tmp_path}/old.sqlite"
    )  # type: ignore[call-arg]
    database = Database(old.database_url)
    with database.engine.begin() as connection:
        config = make_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO workspace (id, name, time_zone, is_demo, managers_see_team, created_at)"
                " VALUES (7, 'Acme', 'UTC', false, true, '2026-01-02 03:04:05')"
            )
        )
        tables = saving.metadata.__class__()
        tables.reflect(connection)
    database.dispose()
    tables.remove(tables.tables["alembic_version"])
    for table in tables.tables.values():
        for column in table.columns:
            column.type = saving.metadata.tables[table.name].columns[column.name].type
    monkeypatch.setattr(saving, "metadata", tables)
    save(old, tmp_path / "old.tar.gz")
    with tarfile.open(tmp_path / "old.tar.gz") as archive:
        manifest = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
    assert (manifest["revision"], "campaign" in manifest["tables"]) == ("0001", False)
    restore(target, tmp_path / "old.tar.gz")
    with restored.engine.connect() as connection:
        assert is_newest(connection)
    with restored.session() as elsewhere:
        (workspace,) = elsewhere.scalars(select(Workspace)).all()
    assert (workspace.name, workspace.sets_honeypots, workspace.created_at < now()) == ("Acme", True, True)


def test_the_archive_holds_the_journal_and_never_half_a_file(app: Flask, settings: Settings, tmp_path: Path) -> None:
    settings.warmline_home.mkdir(exist_ok=True)
    save(settings, tmp_path / "backup.tar.gz")
    before = (tmp_path / "backup.tar.gz").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "_add_database", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save(settings, tmp_path / "backup.tar.gz")
    assert (tmp_path / "backup.tar.gz").read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []
