"""Steps: what may be written, how positions stay whole, and what each kind does when its turn comes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import plans
from server.campaigns.campaigns import Plan, add_campaign, confirm
from server.campaigns.models import Campaign, Enrolment
from server.campaigns.steps import MOST_STEPS, MOST_WAIT_MINUTES, StepPlan, Text, read_steps, write_steps
from server.clock import now
from server.errors import Invalid, Refused
from server.events.models import EventKind
from server.events.record import Fact, record
from server.gmail.models import Mailbox
from server.messages.models import Copy
from server.tasks.models import Task
from tests.campaigns.conftest import START, add_people, make_campaign, send_all, states, ways, work

TEXT = Text("Hello {{first_name|there}}", "<p>Hello</p>")
EMAIL = StepPlan("email", texts=[TEXT])
WAIT = StepPlan("wait", {"minutes": 60})
TASK = StepPlan("task", {"name": "Call them", "kind": "call", "due_days": 2, "details": "Ask about lunch"})
FIREFOX = {"agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "ip": "81.2.69.142"}
SCANNER = {"agent": "Mozilla/5.0", "ip": "40.94.1.2"}


@pytest.fixture
def draft(session: Session, alice: Member) -> Campaign:
    """A draft without steps."""
    return add_campaign(session, alice, Plan("Spring"))


WRONG: list[tuple[StepPlan, str]] = [
    (StepPlan("fax"), "not a kind of step"),
    (StepPlan("email"), "1 to 4 texts"),
    (StepPlan("email", texts=[TEXT] * 5), "1 to 4 texts"),
    (StepPlan("email", texts=[Text(" ", "<p>x</p>")]), "the subject is missing"),
    (StepPlan("email", texts=[Text("x", " ")]), "the text is missing"),
    (StepPlan("email", texts=[Text("{{nonsense}}", "<p>x</p>")]), "nonsense"),
    (StepPlan("email", texts=[Text("x", "<p>{{nonsense}}</p>")]), "nonsense"),
    (StepPlan("email", texts=[TEXT, Text("x", "<p>{{ 7 * 7 }}</p>")]), "7"),
    (StepPlan("wait"), "how long to wait"),
    (StepPlan("wait", {"minutes": 0}), "how long to wait"),
    (StepPlan("wait", {"minutes": MOST_WAIT_MINUTES + 1}), "how long to wait"),
    (StepPlan("wait", {"minutes": "60"}), "how long to wait"),
    (StepPlan("task"), "give the task a name"),
    (StepPlan("task", {"name": "x" * 201}), "give the task a name"),
    (StepPlan("task", {"name": "x", "kind": "fax"}), "email, call, InMail or custom"),
    (StepPlan("task", {"name": "x", "due_days": 366}), "within 365 days"),
    (StepPlan("condition", {"kind": "bounced"}), "what the person must have done"),
    (StepPlan("condition", {"kind": "clicked", "yes": 1}), "further down"),
    (StepPlan("condition", {"kind": "clicked", "no": 3}), "further down"),
    (StepPlan("condition", {"kind": "clicked", "no": "2"}), "further down"),
]


@pytest.mark.parametrize(("plan", "words"), WRONG, ids=range(len(WRONG)))
def test_a_step_that_cannot_be_is_refused_by_its_position(
    session: Session, draft: Campaign, plan: StepPlan, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        write_steps(session, draft, [plan])
    [(field, problem)] = refused.value.errors
    assert field == "steps.1"
    assert words in problem


def test_a_campaign_has_so_many_steps_at_most(session: Session, draft: Campaign) -> None:
    assert len(write_steps(session, draft, [WAIT] * MOST_STEPS)) == MOST_STEPS
    with pytest.raises(Invalid):
        write_steps(session, draft, [WAIT] * (MOST_STEPS + 1))


def test_scripts_and_pictures_of_others_are_not_kept_in_a_text(session: Session, draft: Campaign) -> None:
    write_steps(session, draft, [StepPlan("email", texts=[Text("x", "<p onclick=a()>x</p><script>b()</script>")])])
    [(_step, [variant])] = read_steps(session, draft.id)
    assert "script" not in variant.html and "onclick" not in variant.html


def test_steps_are_added_moved_and_removed_and_positions_stay_whole(session: Session, draft: Campaign) -> None:
    for position, kind in enumerate(("email", "wait", "task", "condition", "end"), 1):
        assert plans.add_step(session, draft, kind) == position
    plans.change_step(session, draft, 4, StepPlan("condition", {"kind": "clicked", "yes": 5, "no": 6}))
    plans.move_step(session, draft, 3, 1)
    plans.remove_step(session, draft, 3)
    found = [(step.position, step.kind) for step, _texts in read_steps(session, draft.id)]
    assert found == [(1, "task"), (2, "email"), (3, "condition"), (4, "end")]
    settings = read_steps(session, draft.id)[2][0].settings
    assert (settings["kind"], settings["yes"], settings["no"]) == ("clicked", 4, 5)
    for act in (plans.remove_step, lambda *given: plans.move_step(*given, 1), lambda *given: plans.add_text(*given)):
        with pytest.raises(Refused):
            act(session, draft, 9)


def test_a_condition_goes_on_leading_to_the_same_steps(session: Session, draft: Campaign) -> None:
    def leads() -> list[dict[str, int | None]]:
        found = [plan for plan in plans.read_plans(session, draft.id) if plan.kind == "condition"]
        return [{name: plan.settings.get(name) for name in ("step", "yes", "no")} for plan in found]

    mail, wait = StepPlan("email", texts=[Text("Hello", "<p>Hello</p>")]), StepPlan("wait", {"minutes": 5})
    condition = StepPlan("condition", {"kind": "clicked", "step": 1, "yes": 4, "no": 5})
    write_steps(session, draft, [mail, condition, wait, mail])
    plans.add_step(session, draft, "wait")
    assert leads() == [{"step": 1, "yes": 4, "no": 6}]  # the end is still the end
    plans.move_step(session, draft, 5, 3)
    assert leads() == [{"step": 1, "yes": 5, "no": 6}]
    plans.move_step(session, draft, 1, 2)
    assert leads() == [{"step": None, "yes": 5, "no": 6}]  # an email further down is none that somebody got
    plans.move_step(session, draft, 5, 1)
    assert leads() == [{"step": None, "yes": None, "no": 6}]
    plans.remove_step(session, draft, 4)
    assert leads() == [{"step": None, "yes": None, "no": 5}]


def test_texts_to_compare_are_added_and_taken_out(session: Session, draft: Campaign) -> None:
    write_steps(session, draft, [EMAIL, WAIT])
    assert [plans.add_text(session, draft, 1) for _more in range(3)] == [1, 2, 3]
    for position in (1, 2):  # it has four; a wait has none
        with pytest.raises(Refused):
            plans.add_text(session, draft, position)
    for _less in range(3):
        plans.remove_text(session, draft, 1, 0)
    with pytest.raises(Refused):
        plans.remove_text(session, draft, 1, 0)
    assert [variant.label for variant in read_steps(session, draft.id)[0][1]] == ["A"]


def test_what_was_confirmed_keeps_its_steps(session: Session, alice: Member, mailbox: Mailbox) -> None:
    campaign = make_campaign(session, alice, mailbox)
    with pytest.raises(Refused):
        write_steps(session, campaign, [EMAIL])
    with pytest.raises(Refused):
        plans.add_step(session, campaign, "wait")


def test_a_campaign_without_an_email_does_not_start(session: Session, draft: Campaign, mailbox: Mailbox) -> None:
    draft.mailbox_id, draft.audience = mailbox.id, {"owner": "me"}
    write_steps(session, draft, [WAIT, TASK])
    with pytest.raises(Invalid) as refused:
        confirm(session, draft)
    assert [field for field, _problem in refused.value.errors] == ["steps"]


def play(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller, *steps: StepPlan
) -> Campaign:
    """Run a campaign with these steps for one person, until their first mail is sent."""
    add_people(session, alice, 1)
    campaign = make_campaign(session, alice, mailbox, steps)
    clock.move_to(START + timedelta(seconds=10))
    go_on(session, campaign)
    return campaign


def go_on(session: Session, campaign: Campaign) -> None:
    for _round in range(2):
        work(session, campaign)
        send_all(session)
    work(session, campaign)


def test_a_wait_ends_at_its_minute(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    campaign = play(session, alice, mailbox, clock, EMAIL, WAIT, EMAIL)
    clock.shift(timedelta(minutes=59))
    go_on(session, campaign)
    assert len(states(session)) == 1
    clock.shift(timedelta(minutes=1))
    go_on(session, campaign)
    assert states(session) == [("sent", "")] * 2


def test_a_task_is_given_once_to_whoever_sends_and_the_way_goes_on(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    campaign = play(session, alice, mailbox, clock, EMAIL, TASK, WAIT)
    go_on(session, campaign)
    task = session.exec(select(Task)).one()
    assert (task.name, task.kind, task.assignee_id, task.details) == ("Call them", "call", alice.id, "Ask about lunch")
    assert task.person_id == session.exec(select(Enrolment.person_id)).one()
    assert (task.due_at.date() - START.date()).days in (2, 3)  # the end of that day by her clock
    assert ways(session) == [("active", "", 4)]


@pytest.mark.parametrize(
    ("evidence", "kind", "step", "sent"),
    [
        (FIREFOX, EventKind.CLICKED, None, 2),
        (FIREFOX, EventKind.CLICKED, 1, 2),
        (None, EventKind.CLICKED, None, 1),
        (FIREFOX, EventKind.VIEWED, None, 1),
        (SCANNER, EventKind.CLICKED, None, 1),
    ],
)
def test_a_condition_leads_on_by_what_a_person_did_and_never_by_a_machine(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller,
    evidence: dict[str, Any] | None, kind: EventKind, step: int | None, sent: int,
) -> None:  # fmt: skip
    branch = StepPlan("condition", {"kind": "clicked", "step": step, "yes": 4, "no": 5})
    campaign = play(session, alice, mailbox, clock, EMAIL, WAIT, branch, EMAIL, StepPlan("end"))
    if evidence is not None:
        copy_id = session.exec(select(Copy.id).order_by(col(Copy.id))).one()
        head = {"method": "HEAD"} if evidence is SCANNER else {}
        record(session, [Fact(kind, now() + timedelta(minutes=5), "1" * 32, copy_id, link_target="https://a.example",
                              evidence={**evidence, **head})])  # fmt: skip
        session.commit()
    clock.shift(timedelta(hours=1))
    go_on(session, campaign)
    assert states(session) == [("sent", "")] * sent
    assert ways(session) == [("ended", "finished", 5)]


def test_nothing_is_done_after_an_end(
    session: Session, alice: Member, mailbox: Mailbox, clock: time_machine.Traveller
) -> None:
    campaign = play(session, alice, mailbox, clock, EMAIL, StepPlan("end"), EMAIL)
    go_on(session, campaign)
    assert (states(session), ways(session)) == ([("sent", "")], [("ended", "finished", 2)])
