"""Who is not written to: at once after a hard bounce or complaint, after five soft ones; and queued mail stays here."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from server.accounts.models import Member
from server.clock import now
from server.consent.models import Reason, SoftBounces, Suppression
from server.consent.suppression import (
    find_suppressed,
    find_suppression,
    lift,
    note_bounce,
    note_delivered,
    suppress,
)
from server.errors import Refused
from server.events.models import Event, EventKind
from server.events.record import Fact, record
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages import outbox
from server.messages.compose import Draft, compose
from server.messages.models import Copy, CopyState
from server.messages.send import send as send_copy
from tests.consent.conftest import FLYNN, Recipient
from tests.factories import make_member

Send = Callable[..., Copy]
Open = Callable[[Copy], Recipient]
TakeIn = Callable[[], list[Event]]


def reason_of(session: Session, member: Member, address: str = FLYNN) -> str | None:
    return find_suppressed(session, member.workspace_id, [address]).get(address.lower())


def test_a_hard_bounce_suppresses_at_once_and_an_ignored_one_never(session: Session, riley: Member) -> None:
    for _time in range(9):
        note_bounce(session, riley.workspace_id, FLYNN, "ignored")
    assert reason_of(session, riley) is None
    note_bounce(session, riley.workspace_id, FLYNN.upper(), "hard")
    assert reason_of(session, riley) == Reason.HARD_BOUNCE


def test_five_soft_bounces_in_a_row_suppress_and_a_success_resets(session: Session, riley: Member) -> None:
    for _time in range(4):
        note_bounce(session, riley.workspace_id, FLYNN, "soft")
    note_delivered(session, riley.workspace_id, [FLYNN])
    for _time in range(4):
        note_bounce(session, riley.workspace_id, FLYNN, "soft")
    assert reason_of(session, riley) is None
    note_bounce(session, riley.workspace_id, FLYNN, "soft")
    assert reason_of(session, riley) == Reason.SOFT_BOUNCES
    assert lift(session, riley.workspace_id, FLYNN)
    assert session.exec(select(SoftBounces)).all() == []


@pytest.mark.parametrize(
    ("kind", "details", "reason"),
    [
        (EventKind.BOUNCED, {"category": "hard"}, Reason.HARD_BOUNCE),
        (EventKind.BOUNCED, {"category": "ignored"}, None),
        (EventKind.BOUNCED, {}, None),
        (EventKind.COMPLAINED, {}, Reason.COMPLAINED),
        (EventKind.UNSUBSCRIBED, {}, Reason.UNSUBSCRIBED),
    ],
)
def test_events_suppress_whoever_they_name(
    session: Session, riley: Member, kind: EventKind, details: dict[str, str], reason: Reason | None
) -> None:
    fact = Fact(kind, now(), "x", workspace_id=riley.workspace_id, person_address=FLYNN, details=details)
    record(session, [fact])
    record(session, [fact])  # told twice, it counts once
    assert reason_of(session, riley) == reason


def test_an_answer_forgives_soft_bounces(session: Session, riley: Member) -> None:
    note_bounce(session, riley.workspace_id, FLYNN, "soft")
    record(session, [Fact(EventKind.REPLIED, now(), "x", workspace_id=riley.workspace_id, person_address=FLYNN)])
    assert session.exec(select(SoftBounces)).all() == []


def test_a_weightier_reason_takes_the_place_of_a_lighter_one(session: Session, riley: Member) -> None:
    for reason in (Reason.SOFT_BOUNCES, Reason.UNSUBSCRIBED, Reason.HARD_BOUNCE):
        suppress(session, riley.workspace_id, FLYNN, reason)
    assert reason_of(session, riley) == Reason.UNSUBSCRIBED
    row = suppress(session, riley.workspace_id, FLYNN, Reason.ERASED)
    assert row.address is None
    assert len(session.exec(select(Suppression)).all()) == 1


def test_workspaces_do_not_share_their_lists(session: Session, riley: Member) -> None:
    other = make_member(session, "Mallory", email="mallory@evil.example")
    suppress(session, other.workspace_id, FLYNN, Reason.COMPLAINED)
    assert reason_of(session, riley) is None


def test_an_address_is_found_again_under_a_new_key(session: Session, riley: Member, app: object) -> None:
    suppress(session, riley.workspace_id, FLYNN, Reason.UNSUBSCRIBED)
    keys: Keyring = app.extensions["warmline_keys"]  # type: ignore[attr-defined]
    app.extensions["warmline_keys"] = Keyring({**keys._roots, 2: b"n" * 32})  # type: ignore[attr-defined]
    assert reason_of(session, riley) == Reason.UNSUBSCRIBED
    suppress(session, riley.workspace_id, FLYNN, Reason.COMPLAINED)
    assert len(session.exec(select(Suppression)).all()) == 1


def test_mail_to_who_is_suppressed_is_refused_with_name_and_reason(
    session: Session, riley: Member, mailbox: Mailbox
) -> None:
    suppress(session, riley.workspace_id, FLYNN, Reason.UNSUBSCRIBED)
    draft = Draft(to=["Lora <lora@encom.example>", FLYNN.upper()], subject="Hello", html="<p>Hello</p>")
    with pytest.raises(Refused, match=f"{FLYNN} .has unsubscribed") as refusal:
        compose(session, riley, mailbox, draft)
    assert refusal.value.field == "to"


def test_queued_mail_is_not_sent_after_unsubscribing(
    session: Session, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    sent, queued = send(), send(is_sent=False)
    recipient(sent).unsubscribe()
    take_in()
    for _ in send_copy(session, queued.id):
        session.commit()  # it never comes to Gmail, which nobody plays here
    copy = session.get_one(Copy, queued.id, populate_existing=True)
    assert (copy.state, copy.exclusion, copy.gmail_id, copy.gmail_draft_id) == ("excluded", "unsubscribed", None, None)


def test_kept_back_mail_can_be_sent_once_that_is_lifted(session: Session, riley: Member, send: Send) -> None:
    copy = send(is_sent=False)
    suppress(session, riley.workspace_id, FLYNN, Reason.BY_MEMBER)
    for _ in send_copy(session, copy.id):
        session.commit()
    lift(session, riley.workspace_id, FLYNN)
    session.refresh(copy)
    outbox.retry(session, copy)
    assert (copy.state, copy.exclusion) == (CopyState.QUEUED, "")


def test_the_admins_list_finds_adds_and_lifts(session: Session, riley: Member, browse: Callable[..., object]) -> None:
    erased = suppress(session, riley.workspace_id, "gone@x.example", Reason.ERASED)
    browser = browse(riley)
    assert "FLYNN" not in browser.post("/settings/suppression", data={"email": FLYNN}, follow_redirects=True).text  # type: ignore[attr-defined]
    row = find_suppression(session, riley.workspace_id, FLYNN)
    assert row is not None
    session.commit()
    page = browser.get("/settings/suppression").text  # type: ignore[attr-defined]
    assert FLYNN in page and "an erased person" in page and "gone@x" not in page
    assert "asked to be erased" in browser.get("/settings/suppression?q=GONE@x.example").text  # type: ignore[attr-defined]
    path = f"/settings/suppression/{erased.id}/removal"
    assert browser.post(path, data={"email": "other@x.example", "note": "x"}).status_code == 422  # type: ignore[attr-defined]
    assert browser.post(path, data={"email": "gone@x.example", "note": "They called"}).status_code == 303  # type: ignore[attr-defined]
    assert browser.post(f"/settings/suppression/{row.id}/removal", data={"note": "They called"}).status_code == 303  # type: ignore[attr-defined]
    assert find_suppressed(session, riley.workspace_id, [FLYNN, "gone@x.example"]) == {}
