"""The panel that all shells show, the form, and what can be done from them, with and without htmx."""

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member
from server.tasks import tasks
from server.tasks.models import Task
from tests.tasks.conftest import HTMX, NOON, make_person, make_task, open_browser

pytestmark = pytest.mark.usefixtures("noon")

FORM = {"name": "Call Flynn", "kind": "call", "due_on": "2026-03-04", "due_time": "15:30", "priority": "high"}


def groups(page: str) -> dict[str, list[str]]:
    """Return the names of tasks under each heading of a panel."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"(?=<section )", page):
        heading = re.search(r"<h2[^>]*>(?:<svg.*?</svg>)?([^<]+)</h2>", part)
        names = re.findall(r'hx-swap="innerHTML show:#tasks:top">([^<]+)</a>', part)
        if heading:
            found[html.unescape(heading[1])] = names
    return found


def actions(page: str) -> set[str]:
    """Return where the forms of a page lead."""
    return {html.unescape(path) for path in re.findall(r'action="([^"]+)"', page)}


def test_overdue_tasks_stand_on_top_of_every_filter(browser: FlaskClient, session: Session, alice: Member) -> None:
    make_task(session, alice, "Two days late", NOON - timedelta(days=2))
    make_task(session, alice, "An hour late", NOON - timedelta(hours=1))
    make_task(session, alice, "In an hour", NOON + timedelta(hours=1))
    make_task(session, alice, "Tomorrow morning", NOON + timedelta(days=1))
    overdue = ["Two days late", "An hour late"]
    assert groups(browser.get("/tasks/panel?due=today").text) == {"Overdue": overdue, "Today": ["In an hour"]}
    assert groups(browser.get("/tasks/panel?due=tomorrow").text) == {
        "Overdue": overdue, "Tomorrow": ["Tomorrow morning"],
    }  # fmt: skip
    week = groups(browser.get("/tasks/panel?due=week").text)
    assert list(week)[:3] == ["Overdue", "Today", "Tomorrow"]
    assert len(week) == 8
    chosen = groups(browser.get("/tasks/panel?from=2026-03-05&to=2026-03-05").text)
    assert chosen == {"Overdue": overdue, "Tomorrow": ["Tomorrow morning"]}


def test_a_task_becomes_overdue_the_moment_it_was_due(
    browser: FlaskClient, session: Session, alice: Member, noon: time_machine.Traveller
) -> None:
    make_task(session, alice, "Call Flynn", NOON + timedelta(hours=1))
    noon.shift(3600)
    assert groups(browser.get("/tasks/panel").text) == {"Today": ["Call Flynn"]}
    noon.shift(1)
    assert groups(browser.get("/tasks/panel").text) == {"Overdue": ["Call Flynn"], "Today": []}


def test_page_and_panel_are_the_same_and_only_the_page_chooses_dates(browser: FlaskClient) -> None:
    page, panel = browser.get("/tasks").text, browser.get("/tasks/panel").text
    assert panel.strip() in page
    assert 'type="date" name="from"' in page and 'name="from"' not in panel
    assert "Nothing to do here" in panel


def test_completed_tasks_of_the_days_are_counted_and_shown_when_asked(
    browser: FlaskClient, session: Session, alice: Member
) -> None:
    for name, due in (("Done today", NOON), ("Done tomorrow", NOON + timedelta(days=1))):
        tasks.complete(session, make_task(session, alice, name, due))
    session.commit()
    panel = browser.get("/tasks/panel").text
    assert "Show completed (1)" in panel and "Done today" not in panel
    shown = browser.get("/tasks/panel?done=shown").text
    assert "Done today" in shown and "Done tomorrow" not in shown


def test_a_panel_refreshes_itself_with_its_own_filter(browser: FlaskClient) -> None:
    panel = html.unescape(browser.get("/tasks/panel?due=week&done=shown").text)
    assert re.search(r'id="task-groups"\s+hx-get="/tasks/panel\?due=week&done=shown"', panel)
    assert "warmline:task from:body" in panel


@pytest.mark.parametrize("query", ["due=nonsense", "from=x&to=9999-99-99", "person=0", "after=1.x", "after=-9e99.1"])
def test_what_a_filter_cannot_mean_is_today(browser: FlaskClient, query: str) -> None:
    assert list(groups(browser.get(f"/tasks/panel?{query}").text)) == ["Today"]


def test_chosen_days_may_stand_the_wrong_way_round(browser: FlaskClient, session: Session, alice: Member) -> None:
    make_task(session, alice, "In spring", date(2026, 4, 9))
    panel = groups(browser.get("/tasks/panel?from=2026-04-10&to=2026-04-08").text)
    assert panel == {"Wed, Apr 8": [], "Thu, Apr 9": ["In spring"], "Fri, Apr 10": []}


def test_a_task_is_added_in_place(browser: FlaskClient, session: Session, alice: Member) -> None:
    alice.time_zone = "Europe/Paris"
    person = make_person(session, alice, alice.workspace_id)
    session.commit()
    answer = browser.post("/tasks?due=week", data={**FORM, "person_id": str(person.id)}, headers=HTMX)
    task = session.exec(select(Task)).one()
    assert (task.kind, task.priority, task.person_id) == ("call", "high", person.id)
    assert task.due_at == datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
    assert answer.status_code == 200
    assert groups(answer.text)["Today"] == ["Call Flynn"]
    assert "Added “Call Flynn”" in answer.text


def test_without_scripts_the_same_form_leads_back_to_the_list(browser: FlaskClient) -> None:
    answer = browser.post("/tasks?due=week", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/tasks?due=week")
    assert "Added “Call Flynn”" in browser.get("/tasks").text


@pytest.mark.parametrize(
    ("field", "value", "note"),
    [
        ("name", " ", "name"), ("due_on", "soon", "due_on"), ("due_time", "noon", "due_on"), ("kind", "fax", "kind"),
        ("priority", "urgent", "priority"), ("assignee_id", "99", "assignee_id"), ("person_id", "99", "person_id"),
        ("person_query", "nobody", "person_id"), ("details", "x" * 5001, "details"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    browser: FlaskClient, session: Session, alice: Member, bob: Member, field: str, value: str, note: str
) -> None:
    session.commit()
    answer = browser.post("/tasks", data={**FORM, field: value}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') >= 1
    assert f'aria-describedby="task-{note}-note"' in answer.text
    assert f'id="task-{note}-note"' in answer.text
    assert 'value="15:30"' in answer.text or field == "due_time"
    assert session.exec(select(Task)).all() == []


def test_the_form_begins_with_the_person_and_the_day_of_the_address(
    browser: FlaskClient, session: Session, alice: Member
) -> None:
    person = make_person(session, alice, alice.workspace_id)
    session.commit()
    form = browser.get(f"/tasks/new?person={person.id}&due=2026-03-09").text
    assert re.search(rf'value="{person.id}" checked', form)
    assert 'value="2026-03-09"' in form
    assert 'value="2026-03-05"' in browser.get("/tasks/new?due=tomorrow").text


def test_people_are_found_by_the_beginning_of_a_name(
    browser: FlaskClient, session: Session, alice: Member, bob: Member
) -> None:
    from server.people.people import add_person

    for owner, name in ((alice, "Kevin Flynn"), (alice, "Alan Bradley"), (bob, "Kevin Bacon")):
        add_person(session, alice.workspace_id, owner.id, f"{name.replace(' ', '.')}@encom.example", name)
    session.commit()
    for search in ("kev", "fly", "KEVIN.FLYNN@"):
        found = browser.get("/tasks/people", query_string={"person_query": search}, headers=HTMX).text
        assert "Kevin Flynn" in found and "Alan" not in found and "Bacon" not in found
    assert "Nobody begins like this" in browser.get("/tasks/people?person_query=%25").text


def test_a_task_is_edited_in_place(browser: FlaskClient, session: Session, alice: Member) -> None:
    task = make_task(session, alice, due=date(2026, 3, 6), details="Ask about <b>arcades</b>")
    form = browser.get(f"/tasks/{task.id}/edit", headers=HTMX).text
    assert form.lstrip().startswith("<form") and "&lt;b&gt;" in form
    assert 'value="2026-03-06"' in form
    answer = browser.post(f"/tasks/{task.id}?due=week", data={**FORM, "name": "Write to Flynn"}, headers=HTMX)
    assert groups(answer.text)["Today"] == ["Write to Flynn"]
    wrong = browser.post(f"/tasks/{task.id}", data={**FORM, "name": ""}, headers=HTMX)
    assert wrong.status_code == 422 and "Edit task" in wrong.text


@pytest.mark.parametrize(("act", "undo"), [("completion", "reopening"), ("removal", "restoration")])
def test_an_act_answers_the_list_and_how_to_undo_it(
    browser: FlaskClient, session: Session, alice: Member, act: str, undo: str
) -> None:
    task = make_task(session, alice)
    answer = browser.post(f"/tasks/{task.id}/{act}?due=week", headers=HTMX).text
    assert answer.lstrip().startswith('<div id="task-list"')
    assert groups(answer)["Today"] == []
    assert f"/tasks/{task.id}/{undo}?due=week" in actions(answer)
    assert groups(browser.post(f"/tasks/{task.id}/{undo}?due=week", headers=HTMX).text)["Today"] == ["Call Flynn"]


def test_without_scripts_an_act_can_be_undone_too(browser: FlaskClient, session: Session, alice: Member) -> None:
    task = make_task(session, alice)
    page = browser.post(f"/tasks/{task.id}/removal", follow_redirects=True).text
    assert "Deleted “Call Flynn”" in page
    assert f"/tasks/{task.id}/restoration?due=today" in actions(page)


@pytest.mark.parametrize(
    ("on", "due"),
    [("tomorrow", date(2026, 3, 5)), ("next-week", date(2026, 3, 9)), ("2026-03-07", date(2026, 3, 7))],
)
def test_a_task_is_moved_by_name_of_day_or_date(
    browser: FlaskClient, session: Session, alice: Member, on: str, due: date
) -> None:
    task = make_task(session, alice, due=NOON + timedelta(hours=2))
    assert browser.post(f"/tasks/{task.id}/due?due=week", data={"on": on}, headers=HTMX).status_code == 200
    session.refresh(task)
    session.commit()
    assert task.due_at == datetime(due.year, due.month, due.day, 14, 0, tzinfo=UTC)
    assert browser.post(f"/tasks/{task.id}/due", data={"on": "whenever"}, headers=HTMX).status_code == 422


def test_what_is_missing_for_an_act_is_said(browser: FlaskClient, session: Session, alice: Member) -> None:
    person = make_person(session, alice, alice.workspace_id, phone="+1 (555) 0100", linkedin_url="")
    make_task(session, alice, kind="call", person=person)
    make_task(session, alice, kind="email", person=person)
    make_task(session, alice, kind="inmail", person=person)
    make_task(session, alice, kind="call")
    panel = browser.get("/tasks/panel").text
    assert 'href="tel:+15550100"' in panel
    assert "/compose?to=flynn@encom.example" in panel.replace("%40", "@")
    assert "Flynn has no LinkedIn profile." in panel
    assert "Nobody to call: choose a person." in panel


def test_a_persons_tasks_are_all_of_theirs_that_the_member_may_see(
    app: Flask, browser: FlaskClient, session: Session, alice: Member, bob: Member
) -> None:
    person = make_person(session, alice, alice.workspace_id)
    make_task(session, alice, "Next month", date(2026, 4, 4), person=person)
    make_task(session, alice, "Given to Bob", date(2026, 3, 5), person=person, assignee=bob)
    make_task(session, bob, "Bob's own", date(2026, 3, 5), person=person)
    make_task(session, alice, "About somebody else", date(2026, 3, 5))
    found = groups(browser.get(f"/tasks/panel?person={person.id}").text)
    assert [name for names in found.values() for name in names] == ["Given to Bob", "Next month"]
    assert "for Bob" in browser.get(f"/tasks/panel?person={person.id}").text
    bobs = open_browser(app, bob).get("/tasks/panel?due=tomorrow").text
    assert groups(bobs)["Tomorrow"] == ["Given to Bob", "Bob&#39;s own"]
    assert "from Alice" in bobs


def test_later_tasks_follow_by_page(browser: FlaskClient, session: Session, alice: Member) -> None:
    for number in range(60):
        tasks.add_task(session, alice, tasks.Draft(f"Task {number:02}", NOON + timedelta(minutes=number // 3)))
    session.commit()
    first = browser.get("/tasks/panel").text
    later = re.search(r'hx-get="(/tasks/panel\?[^"]*after=[^"]+)"', first)
    assert later is not None
    second = browser.get(html.unescape(later[1])).text
    assert groups(first)["Today"] + groups(second)["Today"] == [f"Task {number:02}" for number in range(60)]


def test_another_members_task_is_as_if_there_were_none(
    app: Flask, session: Session, alice: Member, bob: Member, mallory: Member
) -> None:
    task = make_task(session, alice)
    for member in (bob, mallory):
        client = open_browser(app, member)
        for act in ("completion", "reopening", "removal", "restoration", "due", "snooze"):
            assert client.post(f"/tasks/{task.id}/{act}", data={"on": "tomorrow"}).status_code == 404
        assert client.post(f"/tasks/{task.id}", data=FORM).status_code == 404
        for page in ("edit", "reminder"):
            assert client.get(f"/tasks/{task.id}/{page}").status_code == 404
        assert "Call Flynn" not in client.get("/tasks").text


def test_a_reminder_shows_what_can_be_done_and_what_was(browser: FlaskClient, session: Session, alice: Member) -> None:
    task = make_task(session, alice, due=NOON)
    toast = browser.get(f"/tasks/{task.id}/reminder").text
    assert actions(toast) == {f"/tasks/{task.id}/completion", f"/tasks/{task.id}/snooze"}
    snoozed = browser.post(f"/tasks/{task.id}/snooze?in=reminder", headers=HTMX).text
    assert "You will be reminded at 12:15" in snoozed
    done = browser.post(f"/tasks/{task.id}/completion?in=reminder", headers=HTMX).text
    assert actions(done) == {f"/tasks/{task.id}/reopening"}
    browser.post(f"/tasks/{task.id}/removal")
    assert "This task is deleted" in browser.get(f"/tasks/{task.id}/reminder").text
