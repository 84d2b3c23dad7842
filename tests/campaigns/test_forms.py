"""The forms of a draft: the audience there and back, what each kind of step reads, and what is no number."""

from typing import Any

import pytest
from sqlmodel import Session
from werkzeug.datastructures import MultiDict

from server.accounts.models import Member
from server.campaigns.audience import Asker, check_filter
from server.campaigns.audience_form import make_filter, read_form, show_filter
from server.campaigns.forms import read_plan, read_step, show_time, show_wait
from server.campaigns.models import Campaign
from server.campaigns.steps import StepPlan, Text

FILTERS = [
    {"all": [{"owner": "me"}]},
    {"any": [{"field": "company", "is": "contains", "value": "acme"}, {"score_at_least": "20"}]},
    {"all": [{"not": {"did": "clicked", "times": "2", "days": "30"}}, {"did": "viewed", "times": "1", "days": "90"}]},
    {"any": [{"all": [{"owner": "nobody"}]}, {"any": [{"list": "3"}, {"owner": "me"}]}]},
]


def fields_of(tree: dict[str, Any]) -> "MultiDict[str, str]":
    """Return what a browser sends of the form that shows `tree`."""
    form = show_filter(tree)
    sent = {"groups": str(len(form.groups)), "join": form.join}
    for index, group in enumerate(form.groups):
        sent |= {f"{index}.rows": str(len(group.rows)), f"{index}.join": group.join}
        for number, row in enumerate(group.rows):
            key = f"{index}.{number}"
            sent |= {f"{key}.about": row.about, f"{key}.was": row.about, f"{key}.name": row.name,
                     f"{key}.test": row.test, f"{key}.value": row.value, f"{key}.days": row.days}  # fmt: skip
    return MultiDict(sent)


@pytest.mark.parametrize("tree", FILTERS)
def test_a_filter_comes_back_from_its_form_as_it_was(tree: dict[str, Any]) -> None:
    assert make_filter(read_form(fields_of(tree))) == tree


@pytest.mark.parametrize(
    "tree", [{"not": {"owner": "me"}}, {"all": [{"any": [{"all": [{"owner": "me"}]}]}]}, {"shoe_size": 43}]
)
def test_a_filter_that_says_more_than_the_form_is_shown_as_text(tree: dict[str, Any]) -> None:
    assert show_filter(tree).raw


def test_rows_and_groups_come_and_go() -> None:
    form = fields_of({"all": [{"owner": "me"}]})
    for change, rows in (("add-row:0", [2]), ("drop-row:0.0", [1]), ("add-group", [1, 1]), ("drop-row:9.9", [1])):
        changed = read_form(MultiDict({**form.to_dict(), "change": change}))
        assert [len(group.rows) for group in changed.groups] == rows


def test_another_kind_of_condition_begins_with_values_of_its_own(session: Session, alice: Member) -> None:
    for about in ("owner", "did", "not_did", "score"):
        form = MultiDict({"groups": "1", "0.rows": "1", "0.0.about": about, "0.0.was": "field", "0.0.value": "acme"})
        check_filter(session, Asker(alice.workspace_id, alice.id), make_filter(read_form(form)))


@pytest.mark.parametrize("text", ["", "x", "-3", "1.5", "99999999", "٣"])
def test_what_is_no_number_is_refused_by_its_field(text: str) -> None:
    plan = read_plan(MultiDict({"name": "Spring", "per_minute": text}), Campaign(workspace_id=1, member_id=1, name=""))
    assert plan.per_minute in (-1, 3)


def test_each_kind_of_step_reads_its_own_fields() -> None:
    form = MultiDict({"amount": "3", "unit": "hours", "task_name": " Call ", "task_kind": "call", "due_days": "2",
                      "done": "clicked", "step": "1", "yes": "4", "no": ""})  # fmt: skip
    assert read_step(form, StepPlan("wait")).settings == {"minutes": 180}
    assert read_step(form, StepPlan("task")).settings == {"name": "Call", "kind": "call", "due_days": 2, "details": ""}
    assert read_step(form, StepPlan("condition")).settings == {"kind": "clicked", "step": 1, "yes": 4, "no": None}


def test_an_email_keeps_its_other_texts() -> None:
    plan = StepPlan("email", {}, [Text("A", "<p>a</p>"), Text("B", "<p>b</p>")])
    read = read_step(MultiDict({"text": "1", "subject": "C\nBcc: x", "html": "<p>c</p>"}), plan)
    assert list(read.texts) == [Text("A", "<p>a</p>"), Text("C Bcc: x", "<p>c</p>")]


def test_times_are_shown_in_the_largest_whole_unit() -> None:
    assert [show_wait({"minutes": minutes}) for minutes in (90, 120, 2880)] == [
        (90, "minutes"), (2, "hours"), (2, "days"),
    ]  # fmt: skip
    assert (show_time(540), show_time(1440)) == ("09:00", "23:59")
