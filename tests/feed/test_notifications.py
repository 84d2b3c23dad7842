"""The notification settings and the muting of people, as pages and as what the stream reads."""

from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member
from server.events.models import EventKind
from server.feed.preferences import add_mute, list_muted, read_switches
from server.feed.switches import NOTIFYING_KINDS, Switches
from server.people.models import Person, PersonAddress
from tests.factories import add, make_member
from tests.sign_in import sign_in

PATH = "/settings/notifications"


def switches_of(session: Session, member: Member) -> Switches:
    session.rollback()  # the browser's own transaction came between, and comes next
    switches = read_switches(session, member.id)
    session.rollback()
    assert switches is not None
    return switches


def test_without_a_choice_everything_but_later_views_notifies(session: Session) -> None:
    alice = make_member(session, time_zone="Europe/Paris")
    assert read_switches(session, alice.id) == Switches(alice.id, "Europe/Paris", frozenset(NOTIFYING_KINDS))
    assert read_switches(session, 999) is None


def test_switches_are_saved_and_shown(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    form = {"kinds": ["replied", "clicked"], "reminders": "on", "quiet_from": "22:15", "quiet_until": "07:00"}
    assert client.post(PATH, data=form).status_code == 303
    switches = switches_of(session, alice)
    assert switches.kinds == {EventKind.REPLIED, EventKind.CLICKED}
    assert (switches.first_view_only, switches.reminders) == (False, True)
    assert (switches.quiet_from, switches.quiet_until) == (22 * 60 + 15, 7 * 60)
    page = client.get(PATH).text
    assert 'value="22:15"' in page
    assert 'value="07:00"' in page
    client.post(PATH, data={"first_view_only": "on"})
    switches = switches_of(session, alice)
    assert (switches.kinds, switches.first_view_only, switches.quiet_from) == (frozenset(), True, None)


def test_hours_and_kinds_that_are_none_are_refused_where_they_stand(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    for form, says in (
        ({"quiet_from": "22:00"}, "need a beginning and an end"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "cannot end when they begin"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "is not a time of the day"),
        ({"kinds": ["bounced"]}, "is no kind of event that notifies"),
    ):
        answer = client.post(PATH, data=form)
        assert answer.status_code == 422
        assert says in answer.text
    assert switches_of(session, alice).quiet_from is None


def test_a_person_is_muted_by_all_their_addresses_and_unmuted_again(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    person = add(session, Person(workspace_id=alice.workspace_id, name="Kevin"))
    for email in ("kevin@flynnsarcade.example", "kf@home.example"):
        add(session, PersonAddress(workspace_id=alice.workspace_id, person_id=person.id or 0, email=email))
    sign_in(client, alice)
    partial = client.post("/feed/mutes", data={"address": "KF@home.example"}, headers={"HX-Request": "true"})
    assert "Notify me of them again" in partial.text
    assert switches_of(session, alice).muted == {"kevin@flynnsarcade.example", "kf@home.example"}
    assert "kf@home.example" in client.get(PATH).text
    assert client.post("/feed/mutes", data={"address": "kf@home.example"}).status_code == 303
    partial = client.post("/feed/mutes/removal", data={"address": "kf@home.example"}, headers={"HX-Request": "true"})
    assert "Do not notify me of them" in partial.text
    assert switches_of(session, alice).muted == frozenset()


def test_an_address_that_nobody_holds_is_muted_too(client: FlaskClient, session: Session) -> None:
    alice = make_member(session)
    sign_in(client, alice)
    client.post("/feed/mutes", data={"address": "stranger@home.example"})
    assert switches_of(session, alice).muted == {"stranger@home.example"}
    assert client.post("/feed/mutes", data={"address": "nobody"}).status_code == 422


def test_muting_is_each_members_own(client: FlaskClient, session: Session) -> None:
    alice, bob = make_member(session), make_member(session, "Bob")
    add_mute(session, alice, "kevin@flynnsarcade.example")
    sign_in(client, bob)
    client.post("/feed/mutes/removal", data={"address": "kevin@flynnsarcade.example"})
    assert len(list_muted(session, alice.id)) == 1
    assert list_muted(session, bob.id) == []
