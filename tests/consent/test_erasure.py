"""Erasing somebody leaves sums and a hash, in every table that knows people; and old addresses and programs go."""

import io
import json
import zipfile
from collections.abc import Callable
from contextvars import Context
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, SQLModel, col, select

from server.accounts.models import Member
from server.cli import main
from server.clock import now
from server.consent.erasure import erase
from server.consent.export import collect
from server.consent.ledger import note_answer
from server.consent.models import Answer, ConsentEntry, Erasure, Purpose, Suppression, Way, WorkspacePolicy
from server.errors import Refused
from server.events.models import Event, EventKind
from server.events.record import Fact, record
from server.feed.models import MutedPerson
from server.gmail.models import Mailbox
from server.jobs import erase_person, forget_evidence
from server.messages.compose import Draft, compose
from server.messages.models import Copy, InboundMail, Message
from server.messages.models import Recipient as Addressee
from server.people.models import Person, PersonImport, RefusedLine
from server.people.people import add_person
from server.scoring.models import ScoreAdjustment
from server.tasks.models import Task
from tests.consent.conftest import FLYNN, Recipient
from tests.factories import add

Send = Callable[..., Copy]
Open = Callable[[Copy], Recipient]
TakeIn = Callable[[], list[Event]]
Browse = Callable[[Member], FlaskClient]
KEVIN = "Kevin Flynn"

# What tables with such columns hold after an erasure: their rows go, or are cleared (server/consent/traces.py).
KNOWS_PEOPLE = {
    "person", "person_address", "person_term", "person_activity", "person_merge", "person_score", "external_score",
    "score_adjustment", "task", "recipient", "event", "inbound_mail", "muted_person", "suppression", "soft_bounces",
    "consent_entry", "tracking_choice", "erasure", "document_visit", "enrolment", "delivery", "listed_person",
}  # fmt: skip


def dump(session: Session) -> str:
    """Return everything that the database holds, as text."""
    session.commit()
    rows = [
        repr(tuple(row))
        for table in SQLModel.metadata.sorted_tables
        for row in session.execute(table.select().order_by(*table.primary_key.columns)).all()
    ]
    session.commit()
    return "\n".join(rows)


def make_everything(session: Session, riley: Member, mailbox: Mailbox, copy: Copy) -> Person:
    """Let the workspace know Flynn in every way there is."""
    person = session.exec(select(Person)).one()
    person_id = person.id or 0
    person.name, person.notes = KEVIN, "Likes arcade games"
    session.add(person)
    facts = [
        Fact(EventKind.REPLIED, now(), "r", copy_id=copy.id, person_name=KEVIN, person_address=FLYNN),
        Fact(EventKind.WEB_VISITED, now(), "w", workspace_id=riley.workspace_id, person_address=FLYNN, subject=KEVIN),
    ]
    record(session, facts)
    inbound: dict[str, Any] = {"gmail_id": "g", "kind": "reply", "sender_address": FLYNN.upper(), "sender_name": KEVIN}
    add(session, InboundMail(mailbox_id=mailbox.id, copy_id=copy.id, received_at=now(), **inbound))
    whose: dict[str, Any] = {"workspace_id": riley.workspace_id, "creator_id": riley.id, "assignee_id": riley.id}
    add(session, Task(person_id=person_id, name=f"Call {KEVIN}", due_at=now(), **whose))
    add(session, ScoreAdjustment(person_id=person_id, member_id=riley.id, points=5, reason=f"{KEVIN} called"))
    add(session, MutedPerson(member_id=riley.id, address=FLYNN))
    file: dict[str, Any] = {"file_name": "x.csv", "encoding": "utf-8", "separator": ",", "member_id": riley.id}
    uploaded = add(session, PersonImport(workspace_id=riley.workspace_id, **file))
    add(session, RefusedLine(import_id=uploaded.id or 0, line=2, reason="no", cells=[KEVIN, FLYNN.upper()]))
    add(session, RefusedLine(import_id=uploaded.id or 0, line=3, reason="no", cells=["Lora"]))
    note_answer(session, riley.workspace_id, FLYNN, Purpose.TRACKING, Answer.GIVEN, Way.API)
    session.commit()
    return person


def test_every_table_that_knows_people_is_thought_of_in_erasing() -> None:
    names = {"person_id", "address", "person_address", "sender_address", "person_name", "address_hash", "kept_id"}
    known = {table.name for table in SQLModel.metadata.sorted_tables if names & set(table.columns.keys())}
    assert known - KNOWS_PEOPLE == set(), "say in server/consent/traces.py what erasing does there, then add it here"


def test_nothing_of_an_erased_person_is_left_and_counts_stay_true(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    copy = send()
    make_everything(session, riley, mailbox, copy)
    shared = send(f"{KEVIN} <{FLYNN}>", "lora@encom.example")
    for one in (copy, shared):
        recipient(one).open()
        recipient(one).click()
    take_in()
    assert FLYNN in dump(session) and KEVIN in dump(session)
    assert erase(session, riley.workspace_id, FLYNN)
    left = dump(session).lower()
    for trace in ("flynn", "arcade", "kevin"):
        assert trace not in left, trace
    session.expire_all()
    counted = session.get_one(Copy, copy.id)
    assert (counted.views, counted.clicks, counted.replies) == (1, 1, 1)
    assert len(session.exec(select(Event)).all()) == 6
    assert [row.cells for row in session.exec(select(RefusedLine))] == [["Lora"]]
    assert session.get_one(Message, shared.message_id).subject == "The quote"  # Lora got it, too
    theirs = session.exec(select(Addressee.address).where(Addressee.copy_id == shared.id)).all()
    assert sorted(theirs) == ["", "lora@encom.example"]
    [row] = session.exec(select(Suppression)).all()
    assert (row.reason, row.address) == ("erased", None)
    erase(session, riley.workspace_id, FLYNN)  # again, it changes nothing
    assert dump(session).lower() == left


def test_a_person_who_is_imported_again_stays_silent_and_unmailed(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    copy = send()
    erase(session, riley.workspace_id, FLYNN)
    add_person(session, riley.workspace_id, riley.id, FLYNN, KEVIN)
    session.commit()
    recipient(copy).open()
    assert take_in() == []
    with pytest.raises(Refused, match="asked to be erased"):
        compose(session, riley, mailbox, Draft(to=[FLYNN], subject="Hello", html="<p>Hello</p>"))


def test_who_asks_on_their_page_is_erased_by_a_worker(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    flynn.open()
    take_in()
    flynn.say("erasure", sure="yes")
    take_in()
    [row] = session.exec(select(Erasure)).all()
    flynn.open()  # silent at once, before anything is erased
    assert len(take_in()) == 1
    erase_person(row.id)
    erase_person(row.id)  # the row is gone
    assert "flynn" not in dump(session).lower()
    page = flynn.client.get(flynn.path("y"))
    assert page.status_code == 200
    assert "The mail was opened" not in page.text


def test_in_a_shared_mail_the_sender_is_asked_first(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    recipient(send(FLYNN, "lora@encom.example")).say("erasure", sure="yes", address=FLYNN)
    take_in()
    [task] = session.exec(select(Task)).all()
    assert FLYNN in task.name and task.assignee_id == riley.id
    assert session.exec(select(Erasure)).all() == []


def test_all_that_is_known_is_handed_out(
    session: Session, riley: Member, mailbox: Mailbox, send: Send, browse: Browse, recipient: Open, take_in: TakeIn
) -> None:
    copy = send()
    recipient(copy).open()
    take_in()
    person = make_everything(session, riley, mailbox, copy)
    answer = browse(riley).get(f"/people/{person.id}/data.zip")
    assert 'filename="flynn@flynnsarcade.example.zip"' in answer.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    data = json.loads(archive.read("person.json"))
    assert data["person"]["notes"] == "Likes arcade games"
    assert {event["kind"] for event in data["events"]} == {"viewed", "replied", "web_visited"}
    assert "81.2.69.142" in json.dumps(data["events"])
    assert data["mail"][0]["subject"] == "The quote" and data["tasks"] and data["answers"] and data["consent"]
    page = archive.read("person.html").decode()
    assert KEVIN in page and "<script" not in page
    assert collect(session, riley.workspace_id, "nobody@x.example") is None


def test_erasing_from_the_profile_asks_and_is_for_admins(
    session: Session, riley: Member, send: Send, browse: Browse
) -> None:
    send()
    person = session.exec(select(Person)).one()
    session.commit()
    browser, path = browse(riley), f"/people/{person.id}/erasure"
    assert "cannot be undone" in browser.get(path).text
    assert browser.post(path).status_code == 422
    assert browser.post(path, data={"sure": "yes"}).status_code == 303
    assert browser.get(f"/people/{person.id}").status_code == 404
    riley.role = "rep"
    session.add(riley)
    session.commit()
    assert browse(riley).post(path, data={"sure": "yes"}).status_code == 403


def test_an_operator_exports_and_erases_from_a_shell(
    session: Session, riley: Member, send: Send, app: Flask, tmp_path: Path
) -> None:
    send()
    session.commit()

    def run(*arguments: str, **options: Any) -> Result:
        return Context().run(app.test_cli_runner().invoke, main, ["person", *arguments], **options)

    found = json.loads(run("export", FLYNN).stdout)
    assert found["Riley's team"]["addresses"] == [FLYNN]
    path = str(tmp_path / "flynn.zip")
    assert run("export", FLYNN, "--output", path).exit_code == 0
    assert zipfile.is_zipfile(path)
    assert run("erase", FLYNN, input="n\n").exit_code == 1
    assert FLYNN in dump(session)
    answer = run("erase", FLYNN, "--yes")
    assert (answer.exit_code, answer.stdout) == (0, "Riley's team: erased\n")
    assert FLYNN not in dump(session)
    assert run("export", "nobody@x.example").exit_code == 1


def test_addresses_and_programs_are_forgotten_after_the_days_of_the_workspace(
    session: Session, riley: Member, send: Send, recipient: Open, take_in: TakeIn
) -> None:
    flynn = recipient(send())
    flynn.open()
    flynn.click()
    [old, young] = take_in()
    old = session.get_one(Event, (old.id, old.at))
    old.recorded_at = now() - timedelta(days=91)
    before = (old.verdict, old.reasons, old.place_city, old.place_country)
    session.add(old)
    session.commit()
    forget_evidence(riley.workspace_id)
    forget_evidence(riley.workspace_id)
    [old, young] = take_in()
    assert not {"ip", "agent", "headers", "device"} & set(old.evidence) and old.evidence["forgotten"]
    assert (old.verdict, old.reasons, old.place_city, old.place_country) == before
    assert young.evidence["ip"] == "81.2.69.142"
    policy = session.get_one(WorkspacePolicy, riley.workspace_id)
    assert policy.forgotten_event_id == old.id
    policy.retention_days = 1
    young.recorded_at = now() - timedelta(days=2)
    session.add(young)
    session.add(policy)
    session.commit()
    forget_evidence(riley.workspace_id)
    assert "ip" not in take_in()[1].evidence


def test_the_ledger_is_never_changed_but_by_erasing(session: Session, riley: Member) -> None:
    for answer in (Answer.GIVEN, Answer.WITHDRAWN, Answer.GIVEN):
        note_answer(session, riley.workspace_id, FLYNN, Purpose.TRACKING, answer, Way.FORM)
    assert [entry.answer for entry in session.exec(select(ConsentEntry).order_by(col(ConsentEntry.id)))] == [
        "given", "withdrawn", "given",
    ]  # fmt: skip
