"""The clockwork behind `recurring.RECURRING`: calls each entry when it is due. Two tickers double nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger()


@dataclass(frozen=True)
class Recurring:
    """One look at the database, `seconds` apart, that wakes whatever is due."""

    seconds: float
    look: Callable[[], None]


def run_ticker(schedule: tuple[Recurring, ...]) -> None:
    """Call each entry of `schedule` when due, for ever; one that fails is logged and called again at its next turn."""
    due = [0.0] * len(schedule)
    while True:
        for index, entry in enumerate(schedule):
            if time.monotonic() >= due[index]:
                due[index] = time.monotonic() + entry.seconds
                try:
                    entry.look()
                except Exception:
                    log.exception("a recurring look failed", look=entry.look.__name__)
        time.sleep(max(0.0, min(due) - time.monotonic()))
