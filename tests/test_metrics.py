"""What operators see: health, readiness and figures."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlmodel import Session

from server.accounts.models import Role
from server.accounts.tokens import create_token
from server.clock import now
from server.config import Settings
from server.events.models import EventClock
from server.messages.models import CopyState
from tests.factories import make_copy, make_mailbox, make_member

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


def read_figures(client: FlaskClient) -> dict[str, float]:
    """Return every sample as `name{label,…}`: value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        sample.name + (f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def redis_away(app: Flask, settings: Settings) -> Flask:
    """An app whose Redis does not answer."""
    from server.queue import Wakeups

    app.extensions["warmline_wakeups"].redis.close()
    Wakeups(f"unix://{settings.warmline_home}/nothing.sock").init_app(app)
    return app


def test_an_unmigrated_database_is_not_ready(client: FlaskClient, session: Session) -> None:
    newest = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    session.commit()
    try:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json) == (503, {"status": "database not migrated"})
    finally:
        session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
        session.commit()


def test_without_redis_the_app_is_degraded_but_ready(redis_away: Flask) -> None:
    client = redis_away.test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "degraded", "redis": "away"})
    figures = read_figures(client)
    assert figures["warmline_redis_up"] == 0
    assert not [name for name in figures if name.startswith("warmline_queue_length")]


def test_figures_say_what_waits(app: Flask, client: FlaskClient, session: Session, settings: Settings) -> None:
    mailbox = make_mailbox(session, make_member(session), sync_wanted_at=now() - timedelta(seconds=90))
    make_copy(session, mailbox, state=CopyState.QUEUED)
    make_copy(session, mailbox, state=CopyState.QUEUED, due_at=now() + timedelta(hours=1))
    make_copy(session, mailbox, state=CopyState.FAILED)
    clock = session.get_one(EventClock, 1)
    clock.last_event_id = 41
    session.add(clock)
    session.commit()
    settings.journal_dir.mkdir(parents=True)
    (settings.journal_dir / "1.journal").write_bytes(b"x" * 70)
    app.extensions["warmline_wakeups"].wake("drain_hits")
    figures = read_figures(client)
    assert figures["warmline_copies{queued}"] == 2
    assert figures["warmline_copies{failed}"] == 1
    assert figures["warmline_copies_due"] == 1
    assert figures["warmline_mailboxes{linked}"] == 1
    assert 90 <= figures["warmline_oldest_wanted_sync_seconds"] < 150
    assert figures["warmline_last_event_id"] == 41
    assert figures["warmline_undrained_bytes"] == 70
    assert figures["warmline_queue_length{hits}"] == 1
    assert (figures["warmline_redis_up"], figures["warmline_database_up"]) == (1, 1)


def test_requests_are_counted_by_endpoint_never_by_path(client: FlaskClient) -> None:
    client.get("/healthz")
    client.get("/nothing/flynn@flynnsarcade.example")
    client.open("/healthz", method="FLYNN")
    figures = read_figures(client)
    assert figures["warmline_requests_total{healthz,GET,200}"] == 1
    assert figures["warmline_requests_total{none,GET,404}"] == 1
    assert not [name for name in figures if "flynn" in name.lower()]
    assert figures["warmline_request_seconds_count{healthz}"] == 1


def test_figures_hold_no_personal_data_and_no_secret(client: FlaskClient, session: Session, settings: Settings) -> None:
    make_copy(session, make_mailbox(session, make_member(session)), "flynn@flynnsarcade.example")
    session.commit()
    body = client.get("/metrics").text
    for secret in ("flynn", "alice", "Lunch", str(settings.warmline_home), settings.database_url):
        assert secret not in body


def test_figures_are_for_this_machine_or_an_admin(client: FlaskClient, session: Session) -> None:
    rep, admin = make_member(session), make_member(session, "Root", role=Role.ADMIN)
    tokens = [create_token(session, member, "Prometheus") for member in (rep, admin)]
    session.commit()
    answers = [
        client.get("/metrics", environ_overrides=ELSEWHERE, headers={"Authorization": f"Bearer {token}"}).status_code
        for token in ("", "wl_unknown", *tokens)
    ]
    assert answers == [403, 403, 403, 200]
    assert client.get("/metrics", environ_overrides=ELSEWHERE).status_code == 403
    assert client.get("/metrics").status_code == 200
