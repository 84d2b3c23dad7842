"""Two persons become one: everything of both comes together, once, and nothing points to nobody."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlmodel import Session, SQLModel, select

from server.accounts.models import Member
from server.clock import now
from server.events.models import Event
from server.messages.models import Recipient
from server.people.addresses import list_addresses
from server.people.merge import FOLLOWERS, merge, suggest
from server.people.models import Person, PersonAddress, PersonMerge, PersonTerm
from server.people.people import find_kept
from server.scoring.models import ExternalScore, PersonScore, ScoreAdjustment
from server.scoring.score import recount
from server.tasks.models import Task
from tests.factories import add, make_copy, make_mailbox
from tests.feed.events import make_event
from tests.people.conftest import Team, forget, make_person

Browse = Callable[[Member], FlaskClient]


def give_a_past(session: Session, member: Member, person: Person) -> None:
    """Let somebody have one of everything."""
    make_event(session, member, person_id=person.id)
    copy = make_copy(session, make_mailbox(session, member, email=f"{person.id}@acme.example"), "x@y.example")
    recipient = session.exec(select(Recipient).where(Recipient.copy_id == copy.id)).one()
    recipient.person_id = person.id
    session.add(recipient)
    task = Task(
        workspace_id=member.workspace_id, creator_id=member.id, assignee_id=member.id, person_id=person.id, name="Call",
        due_at=now(),
    )  # fmt: skip
    add(session, task)
    add(session, ScoreAdjustment(person_id=person.id, member_id=member.id, points=5, reason="Fair"))
    recount(session, member.workspace_id, [person.id or 0])
    session.commit()


def test_everything_of_both_comes_together(session: Session, team: Team, browse: Browse) -> None:
    keep = make_person(session, team.alice, "Kevin Flynn", company="Encom", notes="one")
    gone = make_person(
        session, team.alice, "K. Flynn", "kf@arcade.example", phone="+1 555", company="Arcade", notes="two"
    )
    give_a_past(session, team.alice, keep)
    give_a_past(session, team.alice, gone)
    add(session, ExternalScore(person_id=gone.id, score=7))
    before = session.exec(select(PersonScore.value).where(PersonScore.person_id == keep.id)).one()
    session.commit()
    client = browse(team.alice)
    page = client.get(f"/people/{keep.id}/merge", query_string={"with": gone.id}).text
    assert "<s>Arcade</s>" in page and "+1 555" in page and "This cannot be undone" in page
    for _ in range(2):
        assert client.post(f"/people/{keep.id}/merge", data={"gone": gone.id}).status_code == 303
    forget(session)
    keep = session.exec(select(Person)).one()
    assert (keep.name, keep.company, keep.phone, keep.notes) == ("Kevin Flynn", "Encom", "+1 555", "one\n\ntwo")
    emails = [row.email for row in list_addresses(session, keep.id or 0)]
    assert emails == ["kevin.flynn@encom.example", "kf@arcade.example"]
    for table in (Event, Recipient, Task, ScoreAdjustment, ExternalScore, PersonTerm, PersonAddress):
        assert set(session.exec(select(table.person_id)).all()) == {keep.id}, table  # type: ignore[attr-defined]
    score = session.exec(select(PersonScore)).one()
    assert score.value > 1.9 * before
    session.commit()
    assert client.get(f"/people/{gone.id}").headers["Location"] == f"/people/{keep.id}"


def test_nothing_that_points_to_a_person_is_forgotten_by_a_merge() -> None:
    handled = {follower.__tablename__ for follower in FOLLOWERS}
    handled |= {"external_score", "person_score", "person_term", "person_activity", "person_merge", "person_address"}
    handled |= {"enrolment", "delivery", "listed_person"}  # campaigns.merges
    pointing = {
        table.name for table in SQLModel.metadata.tables.values()
        for key in table.foreign_keys if key.column.table.name == "person"
    }  # fmt: skip
    assert pointing - handled == set()


def test_a_chain_of_merges_leads_to_the_last(session: Session, team: Team) -> None:
    one, two, three = (make_person(session, team.alice, name) for name in ("One", "Two", "Three"))
    first_id, second_id = one.id or 0, two.id or 0
    merge(session, two, one)
    merge(session, three, two)
    session.commit()
    assert find_kept(session, team.alice.workspace_id, first_id) == three.id
    assert find_kept(session, team.alice.workspace_id, second_id) == three.id
    assert find_kept(session, team.mallory.workspace_id, first_id) is None
    assert len(session.exec(select(PersonMerge)).all()) == 2


def test_twins_are_suggested_with_their_reason(session: Session, team: Team) -> None:
    kevin = make_person(
        session, team.alice, "Kévin Flynn", "1@a.example", company="Encom", phone="+1 (555) 0100",
        linkedin_url="https://www.linkedin.com/in/kevin",
    )  # fmt: skip
    make_person(session, team.alice, "kevin  flynn", "2@a.example", company="ENCOM")
    make_person(session, team.alice, "Clu", "3@a.example", phone="+15550100")
    make_person(session, team.alice, "Rinzler", "4@a.example", linkedin_url="https://www.linkedin.com/in/Kevin")
    make_person(session, team.alice, "Kevin Flynn", "5@a.example", company="Other")
    make_person(session, team.bob, "Kevin Flynn", "6@a.example", company="Encom")
    make_person(session, team.mallory, "Kevin Flynn", "7@a.example", company="Encom")
    found = {one.address: one.reasons for one in suggest(session, kevin, [None, team.alice.id])}
    assert found == {
        "2@a.example": ["same name and company"], "3@a.example": ["same phone number"],
        "4@a.example": ["same LinkedIn profile"],
    }  # fmt: skip


def test_nobody_merges_whom_they_may_not_see(session: Session, team: Team, browse: Browse) -> None:
    mine, theirs = make_person(session, team.alice), make_person(session, team.bob, "Ben")
    elsewhere = make_person(session, team.mallory, "Max")
    client = browse(team.alice)
    for gone in (theirs, elsewhere):
        assert client.get(f"/people/{mine.id}/merge", query_string={"with": gone.id}).status_code == 404
        assert client.post(f"/people/{mine.id}/merge", data={"gone": gone.id}).status_code == 404
    assert client.post(f"/people/{mine.id}/merge", data={"gone": mine.id}).status_code == 409
    for wrong in ("", "x", "0", "99999999999"):
        assert client.post(f"/people/{mine.id}/merge", data={"gone": wrong}).status_code == 422
    assert len(session.exec(select(Person)).all()) == 3


def test_the_other_one_can_be_searched_for(session: Session, team: Team, browse: Browse) -> None:
    mine, other = make_person(session, team.alice), make_person(session, team.alice, "Kevin Other")
    page = browse(team.alice).get(f"/people/{mine.id}/merge?q=kev").text
    assert f"with={other.id}" in page and f"with={mine.id}" not in page
