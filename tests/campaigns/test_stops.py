"""What ends or holds back a person's way: through Gmail, also while the next mail is queued or a worker has it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update
from sqlmodel import Session, col, select

from server import jobs, recurring
from server.accounts.models import Member
from server.campaigns import campaigns, stops
from server.campaigns.models import Campaign, Delivery, Enrolment
from server.campaigns.steps import StepPlan, Text
from server.clock import now
from server.consent.suppression import find_suppressed
from server.gmail.client import Gmail
from server.gmail.models import Mailbox
from server.messages.models import Copy, CopyState
from server.messages.outbox import find_due, find_overlooked
from server.messages.render import COPY_HEADER
from server.messages.send import send
from server.people.people import ensure_person
from tests.campaigns.conftest import make_campaign, work
from tests.messages.conftest import google, linked, member, stand_in, stand_in_server  # noqa: F401
from tests.stand_in import ALAN, DEMO, FLYNN, KEVIN, StandIn

NOBODY = "nobody@flynnsarcade.com"
ALWAYS = {"days": [1, 2, 3, 4, 5, 6, 7], "window_start_minutes": 0, "window_end_minutes": 24 * 60}
TWO = (
    StepPlan("email", texts=[Text("Lunch?", "<p>Hello</p>")]),
    StepPlan("wait", {"minutes": 60}),
    StepPlan("email", {"in_thread": True}, texts=[Text("Still lunch?", "<p>Once more</p>")]),
)


class Way:
    """Flynn's way through a campaign, played step by step."""

    def __init__(self, session: Session, google: StandIn, mailbox: Mailbox, campaign: Campaign) -> None:  # noqa: F811
        self.session, self.google, self.mailbox_id, self.campaign = session, google, mailbox.id, campaign

    def row(self) -> Enrolment:
        """Return the enrolment as it is now."""
        row = self.session.exec(select(Enrolment).order_by(col(Enrolment.id)).limit(1)).one()
        self.session.refresh(row)
        self.session.commit()
        return row

    def advance(self) -> None:
        """Let the time of the next step have come, and do it up to the outbox."""
        for _look in range(4):  # the wait, the slot, and the slot's time
            if "queued" in [state for state, _reason in self.deliveries()]:
                return
            self.session.execute(update(Enrolment).values(due_at=now()))
            self.session.commit()
            work(self.session, self.campaign)

    def copies(self, state: str | None = None) -> list[Copy]:
        """Return the copies in this state, or all, in order."""
        self.session.expire_all()
        chosen = select(Copy).order_by(col(Copy.id))
        found = list(self.session.exec(chosen if state is None else chosen.where(Copy.state == state)))
        self.session.commit()
        return found

    def send(self) -> None:
        """Let the mail workers do all they can do now."""
        self.session.execute(update(Copy).values(due_at=now() - timedelta(seconds=1)))
        self.session.commit()
        for _round in range(2):
            for copy in self.copies():
                jobs.send_copy(copy.id)
        work(self.session, self.campaign)

    def sync(self) -> None:
        """Read the mailbox, as after a push, and follow the events."""
        self.session.execute(update(Mailbox).values(sync_wanted_at=now()))
        self.session.commit()
        jobs.sync_mailbox(self.mailbox_id)
        jobs.follow_events()
        work(self.session, self.campaign)

    def answer(self, sender: str, **headers: str) -> None:
        """Answer the first mail."""
        headers.setdefault("References", self.copies()[0].rfc822_message_id or "")
        self.google.send(sender, DEMO, headers.pop("subject", "Re: Lunch?"), **headers)

    def accepted(self) -> int:
        """Return how many mails Gmail has accepted of us."""
        return sum(self.google.steer("GET", f"accepted?header={COPY_HEADER}")["counts"].values())

    def drafts(self) -> int:
        """Return how many drafts lie in the mailbox."""
        return len(self.google.gmail(DEMO).drafts().list(userId="me").execute().get("drafts", []))

    def deliveries(self) -> list[tuple[str, str]]:
        """Return state and reason of each delivery."""
        self.session.expire_all()
        rows = [(one.state, one.reason) for one in self.session.exec(select(Delivery).order_by(col(Delivery.id)))]
        self.session.commit()
        return rows


@pytest.fixture
def clock(linked: Mailbox) -> Iterator[None]:  # noqa: F811
    """A clock that stands still at Gmail's time: a mail leaves only seconds after its mailbox was read."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.fixture
def way(session: Session, google: StandIn, member: Member, linked: Mailbox, clock: None) -> Iterator[Way]:  # noqa: F811
    """Flynn has the first of two mails."""
    with Gmail.open(linked) as gmail:
        linked.history_id = gmail.get_profile().history_id
    yield start(session, google, member, linked, FLYNN)


def start(session: Session, google: StandIn, member: Member, linked: Mailbox, address: str) -> Way:  # noqa: F811
    ensure_person(session, member.workspace_id, member.id, address, "Flynn")
    campaign = make_campaign(session, member, linked, TWO, **ALWAYS)
    campaign.starts_at = now()
    session.add(campaign)
    session.commit()
    jobs.follow_events()
    way = Way(session, google, linked, campaign)
    work(session, campaign)
    way.send()
    assert (way.accepted(), way.row().position) == (1, 2)
    return way


def steps(session: Session, copy: Copy, count: int) -> Iterator[None]:
    """Be a worker that is at its `count`th commit."""
    worker = send(session, copy.id)
    for _ in range(count):
        next(worker)
        session.commit()
    return worker


@pytest.mark.parametrize("sender", [FLYNN, KEVIN, ALAN])
def test_a_reply_by_anyone_on_the_thread_ends_the_way_and_says_with_which_mail(way: Way, sender: str) -> None:
    way.answer(sender)
    way.sync()
    row = way.row()
    assert (row.state, row.end_reason, row.end_detail) == ("ended", "replied", sender)
    assert row.ended_by_id is not None
    way.advance()
    way.send()
    assert way.accepted() == 1


def test_a_reply_takes_the_queued_next_mail_back(way: Way) -> None:
    way.advance()
    assert [copy.waits_for_sync for copy in way.copies()] == [False, True]
    way.answer(KEVIN)
    way.sync()
    way.send()
    assert way.accepted() == 1
    assert way.deliveries() == [("sent", ""), ("cancelled", "replied")]


def test_the_next_mail_leaves_only_while_the_mailbox_was_read_to_within_seconds(session: Session, way: Way) -> None:
    way.advance()
    session.execute(update(Mailbox).values(seen_until_at=now() - timedelta(seconds=5)))
    session.commit()
    way.send()
    assert (way.accepted(), find_due(session), find_overlooked(session)) == (1, [], [way.mailbox_id])
    session.commit()
    recurring.want_overlooked_syncs()
    jobs.sync_mailbox(way.mailbox_id)
    way.send()
    assert way.accepted() == 2


def test_a_copy_whose_worker_died_waits_for_the_mailbox_too(session: Session, way: Way) -> None:
    way.advance()
    way.sync()
    steps(session, way.copies()[1], 2)  # its draft is made, and stored
    past = now() - timedelta(seconds=30)
    session.execute(update(Copy).where(col(Copy.state) == CopyState.SENDING).values(lease_until=past))
    session.execute(update(Mailbox).values(seen_until_at=past))
    session.commit()
    assert (find_due(session), find_overlooked(session)) == ([], [way.mailbox_id])
    session.commit()
    way.answer(KEVIN)
    way.sync()
    way.send()
    assert (way.accepted(), way.drafts()) == (1, 0)


@pytest.mark.parametrize("commits", [1, 2, 3, 4])
def test_a_reply_stops_a_worker_that_holds_the_next_mail(session: Session, way: Way, commits: int) -> None:
    way.advance()
    way.sync()
    worker = steps(session, way.copies()[1], commits)
    way.answer(KEVIN)
    way.sync()
    for _ in worker:
        session.commit()
    way.send()
    was_sent = commits == 4  # it had looked for the last time
    assert (way.accepted(), way.drafts()) == (2 if was_sent else 1, 0)
    assert way.deliveries()[1] == (("sent", "") if was_sent else ("cancelled", "replied"))
    assert way.row().end_reason == "replied"


def test_a_worker_looks_again_before_it_sends(session: Session, way: Way) -> None:
    way.advance()
    way.sync()
    worker = steps(session, way.copies()[1], 2)
    session.execute(update(Mailbox).values(seen_until_at=now() - timedelta(seconds=5)))
    session.commit()
    for _ in worker:
        session.commit()
    [copy] = way.copies(CopyState.QUEUED)
    assert (way.accepted(), way.drafts(), copy.attempts) == (1, 1, 0)
    way.sync()
    way.send()
    assert (way.accepted(), way.drafts()) == (2, 0)


def test_what_a_killed_worker_had_sent_counts_as_sent_although_the_way_was_ended(session: Session, way: Way) -> None:
    way.advance()
    way.sync()
    worker = steps(session, way.copies()[1], 4)
    next(worker)  # Gmail has it, and the worker dies before it says so
    session.rollback()
    stops.stop(session, [way.row()], stops.EndReason.BY_HAND)
    session.commit()
    way.send()
    assert (way.accepted(), way.deliveries()[1]) == (2, ("sent", ""))


def test_an_absence_holds_the_way_until_the_date_it_names(session: Session, way: Way) -> None:
    way.advance()
    back_on = (datetime.now(UTC) + timedelta(days=9)).date()
    text = f"I am out of the office until {back_on:%d %B %Y}."
    way.answer(FLYNN, text=text, subject="Out of office", Auto_Submitted="auto-replied")
    way.sync()
    way.send()
    row = way.row()
    assert (row.state, row.paused_reason[:12], way.accepted()) == ("paused", "absent_until", 1)
    assert row.paused_until is not None
    assert abs((row.paused_until.date() - back_on).days) <= 1
    session.execute(update(Enrolment).values(paused_until=now()))
    session.commit()
    recurring.start_due_campaigns()
    way.advance()
    way.sync()
    way.send()
    assert (way.row().state, way.accepted()) == ("active", 2)


def test_an_automatic_reply_without_a_date_stops_nothing(way: Way) -> None:
    way.answer(FLYNN, subject="Thank you for your mail", Auto_Submitted="auto-replied")
    way.sync()
    assert (way.row().state, way.row().paused_until) == ("active", None)


def test_a_hard_bounce_ends_the_way_and_suppresses_the_address(
    session: Session, google: StandIn, member: Member, linked: Mailbox, clock: None  # noqa: F811
) -> None:  # fmt: skip
    with Gmail.open(linked) as gmail:
        linked.history_id = gmail.get_profile().history_id
    way = start(session, google, member, linked, NOBODY)
    way.sync()
    assert (way.row().state, way.row().end_reason) == ("ended", "bounced")
    assert way.deliveries()[0][0] == "bounced"
    assert find_suppressed(session, member.workspace_id, [NOBODY]) == {NOBODY: "hard_bounce"}


def test_the_second_mail_answers_the_first_in_its_thread(way: Way) -> None:
    way.advance()
    way.sync()
    way.send()
    first, second = way.copies()
    [again, lunch] = way.google.list_inbox(FLYNN)
    assert again["headers"]["subject"] == "Re: Lunch?" == second.subject
    assert again["headers"]["in-reply-to"] == lunch["headers"]["message-id"] == first.rfc822_message_id
    assert again["headers"]["references"] == first.rfc822_message_id
    assert first.gmail_thread_id == second.gmail_thread_id
    assert again["threadId"] == lunch["threadId"]


def test_pausing_takes_back_also_what_gmail_has_refused_once(session: Session, way: Way) -> None:
    way.google.script({"match": "drafts.send", "fault": "503", "count": 1})
    way.advance()
    way.sync()
    jobs.send_copy(way.copies()[1].id)
    assert way.drafts() == 1
    campaigns.pause(session, way.campaign)
    session.commit()
    way.send()
    assert (way.accepted(), way.drafts(), way.deliveries()[1]) == (1, 0, ("waiting", ""))
    campaigns.resume(session, way.campaign)
    session.commit()
    way.advance()
    way.sync()
    way.send()
    assert (way.accepted(), way.deliveries()[1]) == (2, ("sent", ""))


def test_skipping_a_queued_mail_keeps_it_in_and_ends_nothing(session: Session, way: Way) -> None:
    way.advance()
    stops.skip(session, way.row())
    session.commit()
    way.sync()
    way.send()
    assert (way.accepted(), way.deliveries()[1], way.row().position) == (1, ("cancelled", "skipped"), 4)
