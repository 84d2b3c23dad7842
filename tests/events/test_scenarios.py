"""The labelled scenarios: each judged as labelled, and no person taken for a machine by name or network alone."""

import json
from itertools import product
from pathlib import Path

import pytest

from server.events.models import Verdict
from server.events.verdict import judge
from server.sandbox.lab.evaluation import evaluate_agents, evaluate_scenarios, judge_scenario, read_agents
from server.sandbox.lab.scenarios import SHIPPED, BadScenario, Scenario, load_scenario, load_scenarios

SCENARIOS = load_scenarios(SHIPPED)
MAIL_SERVICES = ["40.92.0.9", "40.107.1.1", "52.97.133.2", "2603:1026::1", "66.249.84.1", "2a00:1450:4001::1"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_is_judged_as_labelled(scenario: Scenario) -> None:
    assert evaluate_scenarios([scenario]).mistakes == []


def test_no_person_is_a_machine_whatever_else_is_known() -> None:
    people = [scenario for scenario in SCENARIOS if scenario.is_person]
    assert len(people) > 25
    for scenario in people:
        steps, judgements = judge_scenario(scenario)
        theirs = [(s, j) for s, j in zip(steps, judgements, strict=True) if s.verdict not in ("machine", "self")]
        assert theirs, f"{scenario.name} has nothing that a person did"
        assert all(judgement.verdict != Verdict.MACHINE for _step, judgement in theirs), scenario.name


@pytest.mark.parametrize("ip", ["", "81.2.69.142", *MAIL_SERVICES])
def test_no_peoples_program_is_a_machine_by_its_agent_and_network_alone(ip: str) -> None:
    for agent, soon in product(read_agents(), (None, 1500, 90_000)):
        evidence = {"kind": "viewed", "agent": agent, "ip": ip}
        judgement = judge(evidence if soon is None else {**evidence, "after_send_ms": soon})
        assert judgement.verdict in (Verdict.HUMAN, Verdict.PROXY), (agent, judgement)


def test_no_peoples_program_clicks_as_a_machine_from_googles_or_microsofts_networks_of_readers() -> None:
    for agent, ip in product(read_agents(), ["52.97.133.2", "2603:1026::1", "66.249.84.1", "74.125.1.1"]):
        assert judge({"kind": "clicked", "agent": agent, "ip": ip}).verdict != Verdict.MACHINE


def test_crawlers_are_never_people() -> None:
    assert evaluate_agents().mistakes == []


def test_a_table_says_precision_and_recall(tmp_path: Path) -> None:
    data = json.loads((SHIPPED / "self-view.json").read_text())
    data["steps"][0]["verdict"] = "human"
    (tmp_path / "wrong.json").write_text(json.dumps(data))
    table = evaluate_scenarios(load_scenarios(tmp_path))
    assert (table.precision("self"), table.recall("self"), table.recall("human")) == (0.5, 1.0, 0.0)
    assert table.precision("proxy") is None
    assert "self instead of human" in table.render()


@pytest.mark.parametrize(
    "change",
    [
        {"reading": "perhaps"},
        {"steps": [{"do": "dance", "at_ms": 1}]},
        {"steps": [{"do": "view", "at_ms": 1}]},
        {"steps": 3},
    ],
)
def test_a_file_that_is_no_scenario_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    data = json.loads((SHIPPED / "self-view.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps({**data, **change}))
    with pytest.raises(BadScenario, match=r"mine\.json"):
        load_scenario(tmp_path / "mine.json")
