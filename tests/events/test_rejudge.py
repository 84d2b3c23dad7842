"""Later evidence changes earlier verdicts, and all that is computed from them; a replay ends where recording did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from server.accounts.devices import ensure_device
from server.events import replay
from server.events.models import Event, EventKind, VerdictReplay
from server.events.numbering import hold_clock
from server.events.reading import ReadingState, read_recipient_states, read_states
from server.events.record import Fact, record
from server.events.rejudge import judge_opened, rejudge
from server.messages.models import Copy, Recipient
from server.people.models import Person
from server.scoring.models import PersonScore
from server.sidebar.models import ThreadOpening
from tests.factories import add, make_copy, make_mailbox, make_member

SENT_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
HOME, OFFICE, CLOUD = "81.2.69.142", "91.198.174.3", "3.120.5.6"


@pytest.fixture
def copy(session: Session) -> Copy:
    mailbox = make_mailbox(session, make_member(session))
    copy = make_copy(session, mailbox, sent_at=SENT_AT, gmail_thread_id="t1")
    member_id = mailbox.member_id
    person = add(session, Person(workspace_id=mailbox.workspace_id, owner_id=member_id, name="Flynn"))
    session.execute(update(Recipient).where(col(Recipient.copy_id) == copy.id).values(person_id=person.id))
    session.commit()
    return copy


def happen(copy: Copy, kind: str, seconds: float, ip: str = HOME, agent: str = CHROME, **evidence: Any) -> Fact:
    target = f"https://example.com/{evidence.pop('link', 1)}" if kind == EventKind.CLICKED else None
    found = {"agent": agent, "ip": ip, "method": "GET", "headers": {"accept-language": "en"}, **evidence}
    hit_id = f"{kind}-{seconds}-{ip}-{target}"
    at = SENT_AT + timedelta(seconds=seconds)
    if kind == EventKind.REPLIED:
        return Fact(EventKind.REPLIED, at, hit_id, copy.id, person_address="flynn@flynnsarcade.example")
    return Fact(EventKind(kind), at, hit_id, copy.id, link_target=target, evidence=found)


def look(session: Session) -> list[tuple[str, str, str, bool]]:
    session.expire_all()
    events = session.exec(select(Event).order_by(col(Event.at), col(Event.id)))
    return [(event.kind, event.verdict, event.reasons[-1].partition(":")[0], event.is_shown) for event in events]


def score(session: Session) -> float:
    session.expire_all()
    return sum(session.exec(select(PersonScore.value)))


def test_a_burst_condemns_its_first_click_and_its_first_view(session: Session, copy: Copy) -> None:
    record(session, [happen(copy, "viewed", 100, CLOUD)])
    record(session, [happen(copy, "clicked", 101, CLOUD, link=1)])
    session.refresh(copy)
    assert (copy.views, copy.clicks, score(session) > 0) == (1, 1, True)
    record(session, [happen(copy, "clicked", 101.5, CLOUD, link=2), happen(copy, "clicked", 102, CLOUD, link=3)])
    session.refresh(copy)
    assert [told[1:] for told in look(session)] == [("machine", "link_burst", False)] * 4
    assert (copy.views, copy.clicks, copy.last_event_at, score(session)) == (0, 0, None, 0)
    assert read_states(session, [copy.id]) == {copy.id: ReadingState.MACHINE}


def test_the_hidden_link_condemns_what_came_with_it_and_spares_the_person_after(session: Session, copy: Copy) -> None:
    record(session, [happen(copy, "viewed", 3, CLOUD), happen(copy, "viewed", 40, HOME)])
    record(session, [happen(copy, "clicked", 4, CLOUD, link=0, honeypot=True)])
    assert [told[1:3] for told in look(session)] == [
        ("machine", "honeypot_near"), ("machine", "honeypot"), ("human", "browser"),
    ]  # fmt: skip


def test_a_click_by_a_person_confirms_the_views(session: Session, copy: Copy) -> None:
    record(session, [happen(copy, "viewed", 60, "66.249.84.1", GMAIL)])
    assert read_states(session, [copy.id]) == {copy.id: ReadingState.PROBABLE}
    record(session, [happen(copy, "clicked", 90)])
    record(session, [happen(copy, "viewed", 500, "66.249.84.1", GMAIL)])
    assert [told[1:3] for told in look(session)] == [
        ("proxy", "confirmed"), ("human", "browser"), ("proxy", "confirmed"),
    ]  # fmt: skip
    assert read_states(session, [copy.id]) == {copy.id: ReadingState.CONFIRMED}


def test_a_scanner_that_plays_a_browser_is_told_by_the_person_who_comes_from_elsewhere(
    session: Session, copy: Copy
) -> None:
    record(session, [happen(copy, "clicked", 4, CLOUD)])
    assert look(session) == [("clicked", "human", "soon_after_send", True)]
    record(session, [happen(copy, "viewed", 3000, OFFICE)])
    assert [told[1] for told in look(session)] == ["machine", "human"]
    session.refresh(copy)
    assert (copy.clicks, copy.views, copy.reading) == (0, 1, ReadingState.PROBABLE.level)


def test_a_colleague_is_ourselves_and_counts_apart(session: Session, copy: Copy) -> None:
    event_owner = session.exec(select(Event)).first()
    assert event_owner is None
    alice = make_member(session, "Anna")
    recorded = session.get_one(Copy, copy.id)
    member = session.exec(select(Person)).one()
    alice.workspace_id = member.workspace_id
    session.add(alice)
    session.flush()
    theirs = ensure_device(session, alice.id, None)
    own = ensure_device(session, member.owner_id or 0, None)
    record(session, [happen(recorded, "viewed", 60, device=theirs), happen(recorded, "viewed", 70, device=own)])
    assert [told[1:3] for told in look(session)] == [("self", "colleague"), ("self", "own_device")]
    assert read_states(session, [copy.id]) == {copy.id: ReadingState.NONE}


@pytest.mark.parametrize("is_word_late", [False, True])
def test_opening_ones_own_thread_in_gmail_is_no_view(session: Session, copy: Copy, is_word_late: bool) -> None:
    owner = session.exec(select(Person)).one().owner_id or 0
    view = happen(copy, "viewed", 60.5, "66.249.84.1", GMAIL)
    if is_word_late:
        record(session, [view])
    add(session, ThreadOpening(member_id=owner, gmail_thread_id="t1", at=SENT_AT + timedelta(seconds=60)))
    if is_word_late:
        hold_clock(session)
        rejudge(session, [copy.id])
    else:
        record(session, [view])
    assert look(session) == [("viewed", "self", "opened_thread", False)]
    session.refresh(copy)
    assert copy.views == 0


def test_the_word_of_an_opening_without_mail_of_ours_changes_nothing(session: Session, copy: Copy) -> None:
    judge_opened(session, 1, "no-such-thread")
    judge_opened(session, 1, "t1")
    assert look(session) == []


def test_whoever_seemed_elsewhere_is_acquitted_by_a_later_view_from_there(session: Session, copy: Copy) -> None:
    record(session, [happen(copy, "viewed", 1, OFFICE, headers={})])
    record(session, [happen(copy, "viewed", 20, HOME)])
    assert look(session)[0] == ("viewed", "machine", "soon_after_send", False)
    record(session, [happen(copy, "viewed", 21, OFFICE)])
    assert [told[1] for told in look(session)] == ["human"] * 3


def test_recipients_of_a_shared_copy_are_not_guessed(session: Session) -> None:
    mailbox = make_mailbox(session, make_member(session))
    shared = make_copy(session, mailbox, "a@x.example", "b@x.example", sent_at=SENT_AT)
    first, second = session.exec(select(Recipient).where(Recipient.copy_id == shared.id).order_by(col(Recipient.id)))
    record(session, [happen(shared, "viewed", 60)])
    reply = Fact(EventKind.REPLIED, SENT_AT + timedelta(hours=1), "r", shared.id, recipient_id=second.id)
    record(session, [reply])
    states = read_recipient_states(session, [shared.message_id])
    assert states[first.id].state == ReadingState.NONE
    assert states[second.id].state == ReadingState.CONFIRMED
    assert {state.copy_state for state in states.values()} == {ReadingState.CONFIRMED}


KINDS = st.sampled_from(["viewed", "clicked", "replied", "document_opened"])
FACTS = st.tuples(
    KINDS, st.sampled_from([1, 3, 5, 8, 9, 20, 21, 22, 40, 300]), st.sampled_from([HOME, OFFICE, CLOUD, "66.249.84.1"]),
    st.sampled_from([CHROME, GMAIL, "curl/8"]), st.integers(0, 4), st.booleans(),
)  # fmt: skip


def look_closely(session: Session) -> list[Any]:
    session.expire_all()
    copy = session.exec(select(Copy)).one()
    counts = (copy.views, copy.clicks, copy.replies, copy.reading, copy.has_doubt, copy.last_event_at)
    events = session.exec(select(Event).order_by(col(Event.id)))
    # Of several reasons that condemn, the first known one stands until a replay.
    return [counts, [(e.id, e.verdict, e.is_shown, e.verdict == "machine" or e.reasons) for e in events]]


@how(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, max_size=12), st.integers(1, 4))
def test_recording_in_any_batches_ends_where_a_replay_does(
    session: Session, copy: Copy, drawn: list[tuple[Any, ...]], size: int
) -> None:
    session.execute(delete(Event))
    session.execute(delete(PersonScore))
    session.execute(update(Copy).values(views=0, clicks=0, replies=0, reading=0, has_doubt=False, last_event_at=None))
    facts = [
        happen(
            copy, kind, seconds + link / 10, ip, agent, link=link,
            headers={"accept-language": "en"} if has_language else {}, **({"honeypot": True} if not link else {}),
        ) if kind == "clicked" else happen(
            copy, kind, seconds + link / 10, ip, agent, headers={"accept-language": "en"} if has_language else {},
        )
        for kind, seconds, ip, agent, link, has_language in drawn
    ]  # fmt: skip
    for start in range(0, len(facts), size):
        record(session, facts[start : start + size])
    recorded, points = look_closely(session), score(session)
    run = replay.start(session, None, None, is_dry=False)
    while replay.advance(session, run.id):
        pass
    assert look_closely(session) == recorded
    assert score(session) == pytest.approx(points)
    assert run.moved == 0
    session.execute(delete(VerdictReplay))
