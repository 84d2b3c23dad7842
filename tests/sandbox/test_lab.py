"""The lab as acceptance suite: each scenario end to end, from a composed mail over the real edge to its verdicts."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, func, select
from werkzeug.test import Client

from server.accounts.models import Member, Role, Workspace
from server.config import Settings
from server.edge import create_edge
from server.events.models import Event
from server.gmail import schedule
from server.sandbox.lab import runs
from server.sandbox.lab.laboratory import SENDER, ensure_laboratory
from server.sandbox.lab.play import play_next
from server.sandbox.lab.scenarios import SHIPPED, Scenario, load_scenarios
from server.sandbox.lab.visits import Fetch, Visit
from server.sandbox.models import LabRun, LabState
from tests.factories import make_member
from tests.sign_in import sign_in

SCENARIOS = load_scenarios(SHIPPED)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A plain installation: the lab needs no Gmail, not even one that is played."""
    return settings


@pytest.fixture
def fetch(app: object, settings: Settings) -> Iterator[Fetch]:
    """The real edge, in this process."""
    edge = create_edge(settings)
    client = Client(edge, use_cookies=False)

    def visit(visit: Visit) -> int:
        parts = urlsplit(visit.url)
        headers = {name: value for name, value in visit.headers.items() if not value.startswith("@@@")}
        return client.open(parts.path, method=visit.method, headers=headers).status_code

    yield visit
    edge.journal.close()


def play(session: Session, fetch: Fetch) -> None:
    """Play whatever waits, committing wherever the player says so."""
    while runs.has_due(session):
        for _ in play_next(session, fetch):
            session.commit()
    session.expire_all()


def want(session: Session, *names: str) -> None:
    runs.want(session, names)
    session.commit()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_ends_as_its_file_says(session: Session, fetch: Fetch, scenario: Scenario) -> None:
    want(session, scenario.name)
    play(session, fetch)
    run = session.get_one(LabRun, scenario.name)
    assert (run.state, run.failure, [one for one in run.results if not one["matches"]]) == (LabState.DONE, "", [])
    assert (run.reading, run.matches) == (scenario.reading, True)
    wanted = len([step for step in scenario.steps if step.kind])
    assert session.exec(select(func.count()).select_from(Event).where(Event.copy_id == run.copy_id)).one() == wanted


def test_nothing_of_the_lab_reaches_another_workspace(session: Session, fetch: Fetch, client: FlaskClient) -> None:
    admin = make_member(session, role=Role.ADMIN)
    want(session, "person-in-a-browser", "self-view-on-a-phone")
    play(session, fetch)
    owners = set(session.exec(select(Event.workspace_id)))
    lab = ensure_laboratory(session)
    assert owners == {lab.sender.workspace_id} and admin.workspace_id not in owners
    assert session.get_one(Workspace, lab.sender.workspace_id).is_demo
    assert schedule.find_due_polls(session) == schedule.find_due_watches(session) == []
    assert [member.email for member in session.exec(select(Member).where(col(Member.password_hash).is_not(None)))] == []
    sign_in(client, admin)
    assert 'id="event-' not in client.get("/").text and 'id="event-' not in client.get("/?of=team").text


def test_the_page_shows_runs_progress_and_what_is_not_as_it_should_be(
    session: Session, fetch: Fetch, client: FlaskClient, settings: Settings
) -> None:
    sign_in(client, make_member(session, role=Role.ADMIN))
    assert "None has run yet" in client.get("/sandbox/lab").text
    assert client.post("/sandbox/lab/person-in-a-browser/run").status_code == 303
    assert "1 is still to be run." in client.get("/sandbox/lab").text
    data = json.loads((SHIPPED / "self-view.json").read_text())
    data["steps"][0]["verdict"], data["title"] = "human", "My own <scenario>"
    (settings.warmline_home / "lab").mkdir()
    (settings.warmline_home / "lab" / "mine.json").write_text(json.dumps(data))
    assert client.post("/sandbox/lab/mine/run").status_code == 303
    session.expire_all()
    play(session, fetch)
    page = client.get("/sandbox/lab").text
    assert "My own &lt;scenario&gt;" in page and "wanted: human" in page
    assert "1 is not as it should be." in page and "As it should be" in page
    (settings.warmline_home / "lab" / "mine.json").write_text("{")
    assert "mine.json" in client.get("/sandbox/lab").text


def test_all_are_wanted_at_once_and_a_run_under_way_is_left_alone(session: Session, client: FlaskClient) -> None:
    session.add(LabRun(scenario=SCENARIOS[0].name, state=LabState.RUNNING))
    sign_in(client, make_member(session, role=Role.ADMIN))
    assert client.post("/sandbox/lab/runs").status_code == 303
    session.expire_all()
    states = dict(session.exec(select(LabRun.scenario, LabRun.state)).all())
    assert len(states) == len(SCENARIOS) and states.pop(SCENARIOS[0].name) == LabState.RUNNING
    assert set(states.values()) == {LabState.QUEUED}


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER])
def test_the_lab_is_for_admins(session: Session, client: FlaskClient, role: str) -> None:
    sign_in(client, make_member(session, role=role))
    assert client.get("/sandbox/lab").status_code == 403
    assert client.post("/sandbox/lab/runs").status_code == 403
    assert client.post("/sandbox/lab/bounce/run").status_code == 403


def test_an_edge_that_refuses_is_named_and_the_next_run_goes_on(session: Session, fetch: Fetch) -> None:
    want(session, "person-in-a-browser")
    play(session, lambda _visit: 503)
    run = session.get_one(LabRun, "person-in-a-browser")
    assert run.state == LabState.FAILED and "refused" in run.failure
    want(session, "person-in-a-browser")
    play(session, fetch)
    assert session.get_one(LabRun, "person-in-a-browser").matches


def test_a_run_whose_player_is_gone_is_played_again(session: Session, fetch: Fetch) -> None:
    want(session, "bounce")
    steps = play_next(session, fetch)
    next(steps)
    session.commit()
    steps.close()
    assert not runs.has_due(session)
    session.get_one(LabRun, "bounce").began_at -= runs.ABANDONED * 2  # type: ignore[operator]
    session.commit()
    assert runs.has_due(session)
    play(session, fetch)
    assert session.get_one(LabRun, "bounce").matches


def test_nobody_can_be_the_labs_sender(session: Session) -> None:
    lab = ensure_laboratory(session)
    assert (lab.sender.email, lab.sender.password_hash, lab.mailbox.refresh_token_sealed) == (SENDER, None, None)
    assert ensure_laboratory(session).mailbox.id == lab.mailbox.id
