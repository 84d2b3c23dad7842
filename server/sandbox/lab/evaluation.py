"""How well the rules tell people from machines: confusion, precision and recall on labelled data. Knows no database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import crawleruseragents

from server.events.history import Happening, judge_history
from server.events.models import EventKind, Verdict
from server.events.networks import shipped_networks
from server.events.reading import ReadingState, combine, level_of, state_of
from server.events.verdict import Judgement, judge
from server.sandbox.lab.scenarios import Scenario, Step

PEOPLES_AGENTS = Path(__file__).with_name("agents.txt")
SENT_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
OPENED_MS = 15_000


@dataclass
class Table:
    """Labels against verdicts; `mistakes` are told one by one."""

    title: str
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        """Whether anything was judged otherwise than labelled."""
        return bool(self.mistakes)

    def note(self, wanted: str, given: str, what: str) -> None:
        """Count one judgement."""
        self.confusion[wanted, given] += 1
        if wanted != given:
            self.mistakes.append(f"{what}: {given} instead of {wanted}")

    def precision(self, verdict: str) -> float | None:
        """Return how many of those judged so are so, None where none is."""
        given = sum(count for (_wanted, judged), count in self.confusion.items() if judged == verdict)
        return self.confusion[verdict, verdict] / given if given else None

    def recall(self, verdict: str) -> float | None:
        """Return how many of those that are so were judged so, None where none is."""
        wanted = sum(count for (label, _judged), count in self.confusion.items() if label == verdict)
        return self.confusion[verdict, verdict] / wanted if wanted else None

    def render(self) -> str:
        """Return the table as text."""
        verdicts = [v.value for v in Verdict if any(v.value in pair for pair in self.confusion)]
        lines = [self.title, f"{'labelled as':>14} | " + " ".join(f"{v:>8}" for v in verdicts) + " | precision  recall"]
        for label in verdicts:
            counts = " ".join(f"{self.confusion[label, v]:>8}" for v in verdicts)
            lines.append(f"{label:>14} | {counts} | {_share(self.precision(label)):>9} {_share(self.recall(label)):>7}")
        return "\n".join([*lines, *(f"  ! {mistake}" for mistake in self.mistakes[:50]), ""])


def evaluate_scenarios(scenarios: Iterable[Scenario]) -> Table:
    """Return how the events of these scenarios are judged against their labels, the reading states with them."""
    table = Table("Scenarios")
    for scenario in scenarios:
        steps, judgements = judge_scenario(scenario)
        for step, judgement in zip(steps, judgements, strict=True):
            what = f"{scenario.name}, {step.do} at {step.at_ms / 1000} s ({', '.join(judgement.reasons)})"
            table.note(step.verdict, judgement.verdict, what)
            if step.reason and step.reason not in {reason.partition(":")[0] for reason in judgement.reasons}:
                table.mistakes.append(f"{what}: the reason {step.reason} is missing")
        if (state := read_state(steps, judgements)) != scenario.reading:
            table.mistakes.append(f"{scenario.name}: read “{state}” instead of “{scenario.reading}”")
    return table


def judge_scenario(scenario: Scenario) -> tuple[list[Step], list[Judgement]]:
    """Return the scenario's steps that make an event, each with its judgement."""
    opened = [step.at_ms for step in scenario.steps if step.do == "open_thread"]
    steps = [step for step in scenario.steps if step.kind is not None]
    return steps, judge_history([_make_happening(step, opened) for step in steps], shipped_networks())


def read_state(steps: Sequence[Step], judgements: Sequence[Judgement]) -> ReadingState:
    """Return the state in which these judgements leave the mail."""
    return combine(
        state_of(level_of({"kind": step.kind, "verdict": told.verdict, "confidence": told.confidence}))
        for step, told in zip(steps, judgements, strict=True)
    )


def evaluate_agents() -> Table:
    """Return how a view is judged by its agent alone: those of the crawler list, and those of people's programs."""
    table = Table("Agents (crawler-user-agents: machine, or unknown for HTTP libraries; people's programs: human)")
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        for agent in entry.get("instances", []):
            verdict = _judge_agent(agent)
            is_told = verdict in (Verdict.MACHINE, Verdict.UNKNOWN, Verdict.PROXY)
            table.note(verdict if is_told else Verdict.MACHINE, verdict, agent[:90])
    for agent in read_agents():
        table.note(Verdict.HUMAN, _judge_agent(agent), agent[:90])
    return table


def read_agents() -> list[str]:
    """Return the agents of programs with which people read mail and open links."""
    lines = PEOPLES_AGENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _judge_agent(agent: str) -> str:
    return judge({"kind": EventKind.VIEWED, "agent": agent, "ip": "81.2.69.142"}).verdict.value


def _make_happening(step: Step, opened: Sequence[int]) -> Happening:
    evidence: dict[str, Any] = {"kind": step.kind, "after_send_ms": step.at_ms}
    if step.kind in (EventKind.VIEWED, EventKind.CLICKED):
        evidence |= {"agent": step.agent, "ip": step.ip, "method": step.method, "headers": step.headers}
        evidence |= {"honeypot": True} if step.do == "honeypot" else {}
    if step.device:
        evidence |= {"device": step.device, "device_of": step.device}
    since = [step.at_ms - at for at in opened if -2000 <= step.at_ms - at <= OPENED_MS]
    if since and step.do == "view" and "GoogleImageProxy" in step.agent:
        evidence["opened_thread_ms"] = max(0, min(since))
    target = "honeypot" if step.do == "honeypot" else f"https://example.com/{step.link}"
    return Happening(SENT_AT + timedelta(milliseconds=step.at_ms), str(step.kind), evidence, target)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
