"""The pages and partials: the list, the sum, adjustments, and the rules."""

import re

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member, Role, Workspace
from server.events.models import EventKind, Verdict
from server.scoring.explain import explain
from server.scoring.forms import make_form
from server.scoring.models import ModelState, ScoreAdjustment, ScoreModel
from server.scoring.ranking import read_top
from server.scoring.score_models import default_rules
from tests.factories import make_member
from tests.scoring.conftest import DAY, START, do, make_fact, make_person
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(client: FlaskClient, alice: Member) -> FlaskClient:
    """Alice's browser."""
    sign_in(client, alice)
    return client


@pytest.fixture
def mona(app: Flask, session: Session, alice: Member) -> FlaskClient:
    """The browser of Alice's manager."""
    client = app.test_client()
    sign_in(client, make_member(session, "Mona", session.get_one(Workspace, alice.workspace_id), role=Role.MANAGER))
    return client


def names(html: str) -> list[str]:
    """Return the names in a Target list, in their order."""
    return re.findall(r'href="/people/\d+">([^<]+)<', html)


def test_page_and_panel_show_the_same_list(
    clock: time_machine.Traveller, browser: FlaskClient, session: Session, alice: Member
) -> None:
    for name, kind in (("Warm", EventKind.CLICKED), ("Hot", EventKind.REPLIED)):
        do(session, make_person(session, alice, name, company="Encom"), kind)
    page, panel = browser.get("/target").text, browser.get("/target/panel").text
    assert names(page) == names(panel) == ["Hot", "Warm"]
    assert panel.lstrip().startswith("<section") and panel.strip() in page
    assert "Encom" in panel


def test_an_empty_list_says_what_fills_it(browser: FlaskClient) -> None:
    assert "Nobody has warmed up yet" in browser.get("/target").text


def test_a_persons_name_is_text(browser: FlaskClient, session: Session, alice: Member) -> None:
    person = make_person(session, alice, "<script>alert(1)</script>")
    do(session, person, EventKind.VIEWED, subject="<img src=x>")
    for path in ("/target", f"/people/{person.id}/score"):
        assert "<script>alert" not in browser.get(path).text
        assert "<img src=x>" not in browser.get(path).text


def test_the_sum_equals_the_score(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    person = make_person(session, alice)
    kinds = [kind for kind in EventKind if kind not in (EventKind.COMPLAINED, EventKind.UNSUBSCRIBED)]
    for number in range(130):
        at = START - number * DAY / 7
        verdict = Verdict.MACHINE if number % 10 == 0 else Verdict.HUMAN
        do(session, person, kinds[number % len(kinds)], at=at, evidence={"reported": verdict}, subject=f"{number % 3}")
    found = explain(session, person)
    total, counted, pages = 0.0, 0, 1
    while True:
        total += sum(line.total for line in found.lines)
        counted += sum(line.count for line in found.lines)
        assert total + found.older == pytest.approx(found.score, rel=1e-9)
        for line in found.lines:
            assert line.total == pytest.approx(line.count * line.weight * line.left)
        if found.next is None:
            break
        found, pages = explain(session, person, found.next), pages + 1
    assert (counted, pages) == (130, 3)
    assert total == pytest.approx(read_top(session, alice)[0].score, rel=1e-9)


def test_machine_events_visibly_count_nothing(browser: FlaskClient, session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    for verdict in (Verdict.MACHINE, Verdict.HUMAN):
        do(session, person, EventKind.VIEWED, evidence={"reported": verdict})
    assert "a machine: counts 0" in browser.get(f"/people/{person.id}/score", headers=HTMX).text


def test_alike_events_of_a_day_stand_in_one_line(session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    with time_machine.travel(START + DAY, tick=False):
        for at in (START, START + DAY / 24, START + DAY):
            do(session, person, EventKind.VIEWED, at=at)
        assert [line.count for line in explain(session, person).lines] == [1, 2]


@pytest.mark.parametrize("cursor", ["x", "%C3%A9", "MS4y.", "Li4", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjE"])
def test_an_odd_cursor_is_refused(browser: FlaskClient, session: Session, alice: Member, cursor: str) -> None:
    person = make_person(session, alice)
    session.commit()
    assert browser.get(f"/people/{person.id}/score?before={cursor}").status_code == 400


def test_points_given_by_hand_count_and_fade_and_can_be_removed_and_brought_back(
    browser: FlaskClient, session: Session, alice: Member
) -> None:
    person = make_person(session, alice)
    session.commit()
    path = f"/people/{person.id}/adjustments"
    answer = browser.post(path, data={"points": "12,5", "reason": "Met at <the> fair"}, headers=HTMX)
    assert answer.status_code == 200 and "Met at &lt;the&gt; fair" in answer.text
    row = session.exec(select(ScoreAdjustment)).one()
    path = f"{path}/{row.id}"
    assert read_top(session, alice)[0].score == pytest.approx(12.5, abs=1e-3)
    with time_machine.travel(row.at + 14 * DAY, tick=False):
        assert explain(session, person).score == pytest.approx(6.25)
        assert explain(session, person).adjustments[0].total == pytest.approx(6.25)
    session.rollback()
    removed = browser.post(f"{path}/removal", headers=HTMX).text
    assert "Undo" in removed and f"{path}/restoration" in removed
    assert read_top(session, alice) == []
    session.rollback()
    browser.post(f"{path}/restoration", headers=HTMX)
    assert read_top(session, alice)[0].score == pytest.approx(12.5, abs=1e-3)


def test_adjusting_works_without_scripts(browser: FlaskClient, session: Session, alice: Member) -> None:
    person = make_person(session, alice)
    session.commit()
    path = f"/people/{person.id}/adjustments"
    assert browser.post(path, data={"points": "3", "reason": "Fair"}).location == f"/people/{person.id}/score"
    gone = browser.post(f"{path}/1/removal")
    assert f"{path}/1/restoration" in browser.get(gone.location).text
    assert browser.post(f"{path}/1/restoration").status_code == 303


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("", "x"),
        ("nan", "x"),
        ("inf", "x"),
        ("0", "x"),
        ("1e9", "x"),
        ("ten", "x"),
        ("5", " "),
        ("5", "x" * 201),
        ("5", "a\0b"),
    ],
)
def test_an_odd_adjustment_is_refused_where_it_was_made(
    browser: FlaskClient, session: Session, alice: Member, points: str, reason: str
) -> None:
    person = make_person(session, alice)
    session.commit()
    answer = browser.post(f"/people/{person.id}/adjustments", data={"points": points, "reason": reason}, headers=HTMX)
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert session.exec(select(ScoreAdjustment)).all() == []


def test_a_colleagues_person_is_not_mine_and_is_my_managers(
    browser: FlaskClient, mona: FlaskClient, session: Session, alice: Member
) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    person = make_person(session, make_member(session, "Bob", workspace))
    foreign = make_person(session, make_member(session, "Mallory"))
    session.commit()
    asked = [(browser, person, 404), (mona, person, 200), (browser, foreign, 404), (mona, foreign, 404)]
    for client, whom, status in asked:
        assert client.get(f"/people/{whom.id}/score").status_code == status
        assert client.get(f"/people/{whom.id}/score/figures").status_code == status
        data = {"points": "5", "reason": "Fair"}
        answer = client.post(f"/people/{whom.id}/adjustments", data=data)
        assert answer.status_code == (303 if status == 200 else status)


def test_another_persons_adjustment_is_not_found(browser: FlaskClient, session: Session, alice: Member) -> None:
    one, other = make_person(session, alice, "One").id, make_person(session, alice, "Other").id
    session.commit()
    browser.post(f"/people/{one}/adjustments", data={"points": "5", "reason": "Fair"})
    given = session.exec(select(ScoreAdjustment)).one().id
    session.rollback()
    assert browser.post(f"/people/{other}/adjustments/{given}/removal").status_code == 404


def rules(**fields: str) -> dict[str, str]:
    """Return the form of the default rules with other values in some fields."""
    return make_form(default_rules()) | {name.replace("__", "-"): value for name, value in fields.items()}


def test_reps_may_not_change_the_rules(browser: FlaskClient) -> None:
    assert browser.get("/settings/scoring").status_code == 403
    assert browser.post("/settings/scoring", data=rules(points__viewed="9")).status_code == 403
    assert browser.post("/settings/scoring/preview", data=rules()).status_code == 403
    assert "/settings/scoring" not in browser.get("/settings/profile").text


def test_a_manager_saves_rules_and_sees_how_far_they_are(mona: FlaskClient, session: Session) -> None:
    assert mona.post("/settings/scoring", data=rules(points__viewed="9", half_life_days="7")).status_code == 303
    building = session.exec(select(ScoreModel).where(ScoreModel.state == ModelState.BUILDING)).one()
    assert (building.points["viewed"], building.half_life_hours) == (9, 7 * 24)
    session.rollback()
    page = mona.get("/settings/scoring").text
    assert "<progress" in page and 'hx-trigger="every 1s"' in page
    assert re.search(r'name="points-viewed"[^>]*value="9"', page)


def test_progress_stops_asking_when_it_is_done(mona: FlaskClient) -> None:
    assert "hx-trigger" not in mona.get("/settings/scoring/progress").text


@pytest.mark.parametrize(
    "fields",
    [
        {"half_life_days": "0"},
        {"half_life_days": "nan"},
        {"points__viewed": "1e4"},
        {"points__viewed": ""},
        {"source": "x"},
    ],
)
def test_odd_rules_are_refused_at_their_field(mona: FlaskClient, session: Session, fields: dict[str, str]) -> None:
    answer = mona.post("/settings/scoring", data=rules(**fields))
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert mona.post("/settings/scoring/preview", data=rules(**fields), headers=HTMX).status_code == 422
    assert session.exec(select(ScoreModel)).all() == []


def test_a_preview_reorders_and_saves_nothing(mona: FlaskClient, session: Session, alice: Member) -> None:
    viewer, replier = make_person(session, alice, "Viewer"), make_person(session, alice, "Replier")
    do(session, replier, EventKind.REPLIED)
    for _ in range(2):
        do(session, viewer, EventKind.VIEWED)
    data = rules(points__viewed="20", points__replied="0") | {"member": str(alice.id)}
    preview = mona.post("/settings/scoring/preview", data=data, headers=HTMX).text
    assert re.findall(r'scope="row" title="(\w+)"', preview) == ["Viewer", "Replier"]
    assert "up from" in preview and "out" in preview
    assert [target.name for target in read_top(session, alice)] == ["Replier", "Viewer"]
    assert session.exec(select(ScoreModel)).one().state == ModelState.ACTIVE
    assert "up from" in mona.post("/settings/scoring/preview", data=data).text


def test_a_preview_equals_what_saving_brings(session: Session, alice: Member, clock: time_machine.Traveller) -> None:
    from server.scoring.preview import preview
    from server.scoring.recompute import build_batch
    from server.scoring.score_models import change_rules
    from tests.scoring.test_recompute import LOUD

    for number in range(70):
        person = make_person(session, alice, f"Person {number:02}")
        facts = [
            make_fact(session, person, kind, START - DAY * ((number * 7) % 40 + index))
            for index, kind in enumerate([EventKind.VIEWED, EventKind.CLICKED, EventKind.REPLIED][: number % 3 + 1])
        ]
        from server.events.record import record

        record(session, facts)
    session.commit()
    seen = preview(session, alice, LOUD)
    session.rollback()
    change_rules(session, alice.workspace_id, LOUD)
    while build_batch(session, alice.workspace_id):
        session.commit()
    session.commit()
    saved = [(target.rank, target.name) for target in read_top(session, alice)]
    assert [(move.new_rank, move.name) for move in seen.moves] == saved
    assert (seen.looked_at, seen.scored) == (70, 70)


def test_a_rep_previews_no_colleague(mona: FlaskClient, session: Session, alice: Member) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    workspace.managers_see_team = False
    session.add(workspace)
    do(session, make_person(session, alice, "Viewer"), EventKind.VIEWED)
    data = rules() | {"member": str(alice.id)}
    assert "Viewer" not in mona.post("/settings/scoring/preview", data=data, headers=HTMX).text
