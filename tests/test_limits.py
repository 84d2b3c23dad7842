"""The limiter counts callers apart, for all processes together, and goes on counting while Redis is away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import Session

from server.app import create_app
from server.config import Settings
from server.limits import limiter
from tests.api.conftest import Program, make_program
from tests.factories import make_member

LIMIT = "2 per day"  # a window that ends during the test would begin to count anew


def ask(program: Program, times: int = 3) -> list[int]:
    """Return the statuses of some requests."""
    return [program.get("/me").status_code for _ in range(times)]


def test_each_token_has_its_own_count(app: Flask, session: Session) -> None:
    app.config["API_LIMIT"] = LIMIT
    alice = make_member(session)
    first, second = make_program(app, session, alice), make_program(app, session, alice)
    assert ask(first) == [200, 200, 429]
    assert ask(second) == [200, 200, 429]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Settings], Flask]]:
    """Make further apps, as other processes would; they are closed at the end of the test."""
    monkeypatch.setattr(limiter, "_storage_dead", False)  # what one test finds out, the next would believe for seconds
    started: list[Flask] = []

    def make(settings: Settings) -> Flask:
        app = create_app(settings)
        app.config["API_LIMIT"] = LIMIT
        started.append(app)
        return app

    yield make
    for app in started:
        app.extensions["warmline_db"].dispose()
        app.extensions["warmline_wakeups"].redis.close()


def test_processes_count_together(
    app: Flask, session: Session, settings: Settings, start: Callable[[Settings], Flask]
) -> None:
    program = make_program(app, session, make_member(session))
    app.config["API_LIMIT"] = LIMIT
    assert ask(program, 1) == [200]
    another = start(settings)
    assert ask(Program(another.test_client(), program.token)) == [200, 429, 429]


def test_what_is_refused_before_it_is_looked_at_costs_nobody(app: Flask, session: Session) -> None:
    app.config["API_LIMIT"] = LIMIT
    program = make_program(app, session, make_member(session))
    assert [program.client.get("/api/v1/me").status_code for _ in range(3)] == [401, 401, 401]
    assert ask(program) == [200, 200, 429]


@pytest.fixture
def settings_without_redis(settings: Settings, tmp_path: Path) -> Settings:
    """Settings that name a Redis that is not there."""
    return settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nothing.sock"})


def test_without_redis_requests_are_answered_and_still_counted(
    app: Flask, session: Session, settings_without_redis: Settings, start: Callable[[Settings], Flask]
) -> None:
    program = make_program(app, session, make_member(session))
    lonely = start(settings_without_redis)
    assert ask(Program(lonely.test_client(), program.token)) == [200, 200, 429]
