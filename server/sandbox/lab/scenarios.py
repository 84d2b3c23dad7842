"""One scenario of the lab: what a person or a machine does with one mail, and what Warmline is to believe of it.

A scenario is a JSON file; docs/verdicts.md says what stands in it. The evaluation judges its evidence, and the lab
plays it through the real endpoints.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.events.models import EventKind, Verdict
from server.events.reading import ReadingState

SHIPPED = Path(__file__).with_name("scenarios")
ACTS = {
    "view": EventKind.VIEWED,
    "click": EventKind.CLICKED,
    "honeypot": EventKind.CLICKED,
    "reply": EventKind.REPLIED,
    "auto_reply": EventKind.AUTO_REPLIED,
    "bounce": EventKind.BOUNCED,
    "open_thread": None,  # the sender opens the conversation in Gmail: no event, but evidence
}
DEVICES = ("", "own", "colleague")


class BadScenario(ValueError):
    """The file is no scenario; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens `at_ms` after the send, and the verdict with the code of its last word, as wanted."""

    do: str
    at_ms: int
    verdict: str = ""
    reason: str = ""
    agent: str = ""
    ip: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    link: int = 1
    device: str = ""

    @property
    def kind(self) -> EventKind | None:
        """The event that it makes, None for none."""
        return ACTS[self.do]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to one mail; `is_person` where a person reads it, `reading` is the state it is to end in."""

    name: str
    title: str
    is_person: bool
    reading: ReadingState
    steps: list[Step]


def load_scenarios(folder: Path) -> list[Scenario]:
    """Return the scenarios in `folder`, by name; raises `BadScenario` for the first file that is none."""
    return [load_scenario(path) for path in sorted(folder.glob("*.json"))]


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in the file; raises `BadScenario`."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        steps = [_read_step(step) for step in data["steps"]]
        return Scenario(path.stem, data["title"], data["is_person"], ReadingState(data["reading"]), steps)
    except (ValueError, KeyError, TypeError) as error:
        raise BadScenario(f"{path.name}: {type(error).__name__}: {error}") from error


def _read_step(data: dict[str, Any]) -> Step:
    step = Step(**data)
    if step.do not in ACTS or step.device not in DEVICES:
        raise ValueError(f"“{step.do}” by the device “{step.device}” is nothing that happens")
    if step.kind is not None:
        Verdict(step.verdict)
    return step
