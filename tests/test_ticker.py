"""The ticker calls each look when it is due, and no failure of one stops the others."""

from types import SimpleNamespace

import pytest
import structlog

from server.recurring import RECURRING
from server.ticker import Recurring, run_ticker


class EnoughSeen(BaseException):
    """Ends the ticker, which otherwise runs for ever."""


def test_each_look_is_called_at_its_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(at=1000.0)

    def sleep(seconds: float) -> None:
        clock.at += seconds

    monkeypatch.setattr("server.ticker.time", SimpleNamespace(monotonic=lambda: clock.at, sleep=sleep))
    fast: list[float] = []
    slow: list[float] = []

    def look_fast() -> None:
        fast.append(clock.at - 1000)
        if len(fast) == 6:
            raise EnoughSeen

    with pytest.raises(EnoughSeen):
        run_ticker((Recurring(2, look_fast), Recurring(7, lambda: slow.append(clock.at - 1000))))
    assert (fast, slow) == ([0, 2, 4, 6, 8, 10], [0, 7])


def test_a_look_that_fails_is_logged_and_called_again() -> None:
    calls: list[str] = []

    def look_and_fail() -> None:
        calls.append("failing")
        raise RuntimeError("the database is away")

    def look_after_it() -> None:
        calls.append("after")
        if calls.count("after") == 3:
            raise EnoughSeen

    with structlog.testing.capture_logs() as logs, pytest.raises(EnoughSeen):
        run_ticker((Recurring(0.01, look_and_fail), Recurring(0.01, look_after_it)))
    assert calls == ["failing", "after"] * 3
    assert {entry["look"] for entry in logs} == {"look_and_fail"}
    assert logs[0]["log_level"] == "error"


def test_all_recurring_work_stands_on_one_page_under_different_names() -> None:
    names = [entry.look.__name__ for entry in RECURRING]
    assert len(names) > 0
    assert len(set(names)) == len(names)
    assert all(entry.seconds > 0 for entry in RECURRING)
