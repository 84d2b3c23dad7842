"""A campaign of three steps for Alice's people: a mail, two days, another mail."""

from datetime import UTC, datetime

import pytest
import time_machine
from sqlmodel import Session, col, select

from server.accounts.models import Member
from server.campaigns import advance, deliveries, runs
from server.campaigns.campaigns import Plan, add_campaign, confirm, start_due
from server.campaigns.models import Campaign, Delivery, Enrolment
from server.campaigns.steps import StepPlan, Text, write_steps
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState
from server.people.models import Person
from server.people.people import ensure_person
from tests.factories import make_mailbox, make_member

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # a Monday
TWO_DAYS = 2 * 24 * 60
STEPS = (
    StepPlan("email", texts=[Text("Hello {{first_name|there}}", "<p>Hello {{name|you}}, <a href='https://a.example/x'>look</a></p>")]),
    StepPlan("wait", {"minutes": TWO_DAYS}),
    StepPlan("email", texts=[Text("Again", "<p>Once more</p>")]),
)  # fmt: skip


@pytest.fixture
def clock() -> "time_machine.Traveller":
    """A clock that stands on a Monday morning until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice(session: Session, clock: time_machine.Traveller) -> Member:
    """Alice, committed."""
    member = make_member(session)
    session.commit()
    return member


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    """Her mailbox."""
    mailbox = make_mailbox(session, alice)
    session.commit()
    return mailbox


def add_people(session: Session, member: Member, count: int) -> list[Person]:
    """Add so many people of the member's, named Person 1 and so on."""
    people = [
        ensure_person(session, member.workspace_id, member.id, f"person{number}@prospect.example", f"Person {number}")
        for number in range(1, count + 1)
    ]
    session.commit()
    return people


def make_campaign(session: Session, member: Member, mailbox: Mailbox, steps=STEPS, **plan: object) -> Campaign:
    """Add a confirmed campaign to all of the member's people."""
    given = {"name": "Spring", "mailbox_id": mailbox.id, "audience": {"owner": "me"}, "per_minute": 60, "per_day": 2000}
    campaign = add_campaign(session, member, Plan(**(given | plan)))
    write_steps(session, campaign, steps)
    confirm(session, campaign)
    session.commit()
    return campaign


def work(session: Session, campaign: Campaign) -> None:
    """Do whatever is to be done now, as jobs and ticker would."""
    start_due(session)
    session.commit()
    for run_id in runs.find_preparing(session):
        while runs.prepare_batch(session, run_id):
            session.commit()
        session.commit()
    for campaign_id in advance.find_due(session):
        while advance.advance_batch(session, campaign_id):
            session.commit()
        session.commit()
    while deliveries.settle_batch(session):
        session.commit()
    runs.finish_runs(session)
    session.commit()


def send_all(session: Session) -> list[Copy]:
    """Play the outbox: mark each queued copy as sent, and return them."""
    copies = list(session.exec(select(Copy).where(Copy.state == CopyState.QUEUED)).all())
    for copy in copies:
        copy.state, copy.sent_at = CopyState.SENT, datetime.now(UTC)
        copy.gmail_thread_id = copy.gmail_thread_id or f"thread-{copy.id}"
        copy.rfc822_message_id = f"<{copy.id}@acme.example>"
        session.add(copy)
    session.commit()
    return copies


def states(session: Session) -> list[tuple[str, str]]:
    """Return the state and reason of each delivery, in order."""
    session.expire_all()
    return [(row.state, row.reason) for row in session.exec(select(Delivery).order_by(col(Delivery.id)))]


def ways(session: Session) -> list[tuple[str, str, int]]:
    """Return the state, the reason of the end and the position of each enrolment, in order."""
    session.expire_all()
    rows = session.exec(select(Enrolment).order_by(col(Enrolment.person_id)))
    return [(row.state, row.end_reason, row.position) for row in rows]
