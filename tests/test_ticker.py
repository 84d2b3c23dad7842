"""The ticker calls each look when it is due, and no failure of one stops the others."""

import time

import pytest
import structlog

from server.recurring import RECURRING
from server.ticker import Recurring, run_ticker


class EnoughSeen(BaseException):
    """Ends the ticker, which otherwise runs for ever."""


def test_each_look_is_called_at_its_own_pace() -> None:
    fast: list[float] = []
    slow: list[float] = []

    def look_fast() -> None:
        fast.append(time.monotonic())
        if len(fast) == 6:
            raise EnoughSeen

    with pytest.raises(EnoughSeen):
        run_ticker((Recurring(0.02, look_fast), Recurring(60, lambda: slow.append(1))))
    assert len(slow) == 1
    assert fast[-1] - fast[0] >= 5 * 0.02 * 0.9


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
