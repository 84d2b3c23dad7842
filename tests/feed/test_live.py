"""What the live stream tells beside rows: what notifies, reminders; and rows as a search and a hint see them."""

from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlmodel import Session, col

from server.accounts.models import Member
from server.clock import now
from server.events.models import Event, EventKind, Verdict
from server.feed.preferences import add_mute, change_switches
from server.queue import announce
from tests.factories import make_member
from tests.feed.events import NOON
from tests.feed.listening import Heard, Listener
from tests.feed.test_stream import Listen, address, listen, record
from tests.sign_in import sign_in
from tests.stand_in import wait_until

__all__ = ["address", "listen"]  # fixtures


def happen(session: Session, member: Member, **fields: object) -> int:
    """Record something that happens now."""
    return record(session, member, minutes=(now() - NOON) / timedelta(minutes=1), **fields)


def tell(session: Session, topic: str, **ids: int | str) -> None:
    announce(session, topic, **ids)
    session.connection()
    session.commit()


def hear_until(listener: Listener, name: str) -> Heard:
    while (heard := listener.hear()).name != name:
        pass
    return heard


def test_a_row_that_notifies_is_told_in_words_also_where_no_feed_shows(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen(rows="")
    happen(session, alice, verdict=Verdict.MACHINE, is_shown=False)
    row = happen(session, alice, person_name="Kevin Flynn", copy_id=1, message_id=1, place_city="Lyon")
    happen(session, alice, copy_id=1, message_id=1)  # the second view of the same mail
    reply = happen(session, alice, kind=EventKind.REPLIED, copy_id=1, message_id=1)
    told = {"id": row, "title": "Kevin Flynn viewed", "text": "Lunch on Thursday? · Lyon"}
    assert hear_until(listener, "notification").data == told
    assert hear_until(listener, "notification").data["id"] == reply


def test_an_event_of_a_mail_tells_the_pages_that_show_its_counts(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen(rows="")
    happen(session, alice, copy_id=1, message_id=17)
    assert hear_until(listener, "message").data == {"id": 17}


def test_changed_switches_and_mutes_hold_at_once(client: FlaskClient, session: Session, listen: Listen) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen(rows="")
    change_switches(session, alice.id, {}, [EventKind.REPLIED, EventKind.CLICKED])
    add_mute(session, alice, "spam@home.example")
    session.commit()
    tell(session, "message", member_id=alice.id, id=1)
    assert listener.hear().name == "message"

    def notify() -> list[int]:
        """Let a view, a click by whom she muted and a reply happen, and return which of them notify."""
        view = happen(session, alice)
        happen(session, alice, kind=EventKind.CLICKED, person_address="spam@home.example")
        reply = happen(session, alice, kind=EventKind.REPLIED)
        heard = [hear_until(listener, "notification").data["id"]]
        while heard[-1] != reply:
            heard.append(hear_until(listener, "notification").data["id"])
        return [row - view for row in heard]

    # The switches are read in the background, so the first rows may still follow the old ones.
    wait_until(lambda: notify() == [2], "following the new switches")
    assert notify() == [2]


def test_a_reminder_says_whether_it_may_leave_the_page(client: FlaskClient, session: Session, listen: Listen) -> None:
    alice, bob = make_member(session), make_member(session, "Bob")
    change_switches(session, alice.id, {}, [])
    sign_in(client, alice)
    listener = listen(rows="")
    tell(session, "reminder", member_id=bob.id, id=1, name="Not yours")
    tell(session, "reminder", member_id=alice.id, id=2, name="Call Flynn")
    heard = listener.hear()
    assert (heard.name, heard.data) == ("reminder", {"id": 2, "name": "Call Flynn", "notify": False})


def test_a_search_hears_only_what_matches_live_and_in_replay(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    record(session, alice, kind=EventKind.VIEWED)
    missed = record(session, alice, kind=EventKind.REPLIED)
    listener = listen(after=0, q="is:replied from:alice")
    assert listener.hear_rows(1) == [missed]
    record(session, alice, kind=EventKind.CLICKED)
    live = record(session, alice, kind=EventKind.REPLIED)
    assert listener.hear_rows(1) == [live]


def test_the_view_that_makes_it_a_forward_says_so_live(
    app: Flask, client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen()
    for city in ("Lyon", "Lyon", "Paris"):
        record(session, alice, copy_id=1, message_id=1, place_city=city, place_country="FR")
    hints = ["may have been forwarded" in hear_until(listener, "row").data["html"] for _row in range(3)]
    assert hints[2]


def test_a_row_that_is_judged_otherwise_changes_or_leaves_open_feeds(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    plain, curious = listen(), listen(machine="shown")
    row = record(session, alice, kind=EventKind.CLICKED)
    assert plain.hear_rows(1) == curious.hear_rows(1) == [row]
    session.execute(update(Event).where(col(Event.id) == row).values(verdict=Verdict.MACHINE, is_shown=False))
    session.commit()
    tell(session, "verdict", ids=str(row))
    assert hear_until(plain, "change").data == {"id": row}
    changed = hear_until(curious, "change").data
    assert changed["id"] == row
    assert "verdict-machine" in changed["html"]


def test_what_came_right_after_the_send_notifies_only_if_it_still_counts_a_moment_later(
    client: FlaskClient, session: Session, listen: Listen
) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    listener = listen(rows="")
    doubtful = ["browser:Chrome", "soon_after_send:4"]
    scanner = happen(session, alice, kind=EventKind.CLICKED, copy_id=1, message_id=1, reasons=doubtful)
    hear_until(listener, "message")  # the stream has read it, and its moment begins
    session.execute(update(Event).where(col(Event.id) == scanner).values(verdict=Verdict.MACHINE, is_shown=False))
    session.commit()
    person = happen(session, alice, kind=EventKind.CLICKED, copy_id=2, message_id=2, reasons=doubtful)
    assert hear_until(listener, "notification").data["id"] == person
