"""What members decide and note: the policy, the ledger of a person, the API, the legal page."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from server.accounts.models import Invitation, Member, Workspace
from server.accounts.setup import find_or_make_setup_link
from server.config import Settings
from server.consent.models import ConsentEntry, LegalText, MailboxPolicy, WorkspacePolicy
from server.consent.suppression import find_suppressed
from server.gmail.models import Mailbox
from server.jobs import import_people
from server.people.models import Person, RefusedLine
from server.people.people import add_person
from tests.accounts.test_joining import FORM
from tests.api.conftest import make_program
from tests.consent.conftest import FLYNN
from tests.factories import make_mailbox, make_member

Browse = Callable[[Member], FlaskClient]
POLICY = {"mode": "aggregate", "unsubscribing": "always", "retention_days": "30", "pixels_need_consent": "on"}


@pytest.fixture
def person(session: Session, riley: Member) -> Person:
    person = add_person(session, riley.workspace_id, riley.id, FLYNN, "Kevin Flynn")
    session.commit()
    return person


def test_an_admin_sets_the_policy(session: Session, riley: Member, browse: Browse) -> None:
    browser = browse(riley)
    assert 'name="has_notice" checked' in browser.get("/settings/privacy").text
    assert browser.post("/settings/privacy", data=POLICY).status_code == 303
    policy = session.get_one(WorkspacePolicy, riley.workspace_id)
    assert (policy.mode, policy.unsubscribing, policy.retention_days) == ("aggregate", "always", 30)
    assert (policy.pixels_need_consent, policy.has_notice) == (True, False)
    session.commit()
    for wrong in (
        {"mode": "x"},
        {"retention_days": "0"},
        {"retention_days": "9999"},
        {"retention_days": "-1"},
        {"unsubscribing": ""},
    ):
        assert browser.post("/settings/privacy", data=POLICY | wrong).status_code == 422


def test_only_admins_decide(session: Session, riley: Member, browse: Browse) -> None:
    rep = make_member(session, "Bob", session.get(Workspace, riley.workspace_id))
    browser = browse(rep)
    for path in ("/settings/privacy", "/settings/suppression", "/settings/legal"):
        assert browser.get(path).status_code == 403


def test_a_mailbox_gets_a_mode_of_its_own_and_loses_it_again(
    session: Session, riley: Member, mailbox: Mailbox, browse: Browse
) -> None:
    browser, path = browse(riley), f"/settings/privacy/mailboxes/{mailbox.id}"
    assert browser.post(path, data={"mode": "off"}).status_code == 303
    assert session.get_one(MailboxPolicy, mailbox.id).mode == "off"
    session.commit()
    assert browser.post(path, data={"mode": "nonsense"}).status_code == 422
    browser.post(path, data={"mode": ""})
    session.expire_all()
    assert session.get(MailboxPolicy, mailbox.id) is None
    session.commit()
    other = make_mailbox(session, make_member(session, "Mallory", email="mallory@evil.example"))
    session.commit()
    assert browser.post(f"/settings/privacy/mailboxes/{other.id}", data={"mode": "off"}).status_code == 404


@pytest.mark.parametrize(("readers", "needed"), [("europe", True), ("elsewhere", False), ("", True)])
def test_a_new_workspace_has_the_policy_that_fits_its_readers(
    session: Session, settings: Settings, client: FlaskClient, readers: str, needed: bool
) -> None:
    link = find_or_make_setup_link(session, settings)
    session.commit()
    path = (link or "").removeprefix(settings.base_url)
    assert "Whom will you write to?" in client.get(path).text
    assert client.post(path, data=FORM | {"readers": readers}).status_code == 303
    [policy] = session.exec(select(WorkspacePolicy)).all()
    assert (policy.mode, policy.pixels_need_consent, policy.has_notice) == ("individual", needed, True)
    assert session.exec(select(Invitation).where(col(Invitation.used_at).is_(None))).all() == []


def test_a_member_notes_what_a_person_said(session: Session, riley: Member, person: Person, browse: Browse) -> None:
    browser, path = browse(riley), f"/people/{person.id}/consent"
    form = {"purpose": "tracking", "answer": "given", "said_on": "2026-01-02"}
    refused = browser.post(path, data=form, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert "how you know" in refused.text.lower()
    for wrong in ({"purpose": "x"}, {"answer": ""}, {"said_on": "2999-01-01"}, {"said_on": "yesterday"}):
        assert browser.post(path, data=form | {"note": "Phone"} | wrong).status_code == 422
    answer = browser.post(path, data=form | {"note": "On the <b>phone</b>"}, headers={"HX-Request": "true"})
    assert "Agreed to be noticed" in answer.text and "On the &lt;b&gt;phone" in answer.text and "Riley" in answer.text
    [entry] = session.exec(select(ConsentEntry)).all()
    assert (entry.way, entry.member_id, entry.said_at.date().isoformat()) == ("member", riley.id, "2026-01-02")


def test_noting_that_somebody_wants_no_mail_suppresses_and_agreeing_lifts(
    session: Session, riley: Member, person: Person, browse: Browse
) -> None:
    browser, path = browse(riley), f"/people/{person.id}/consent"
    browser.post(path, data={"purpose": "mail", "answer": "withdrawn"})
    assert find_suppressed(session, riley.workspace_id, [FLYNN]) == {FLYNN: "unsubscribed"}
    session.commit()
    assert "Gets no mail" in browser.get(path).text
    browser.post(path, data={"purpose": "mail", "answer": "given", "note": "She called"})
    assert find_suppressed(session, riley.workspace_id, [FLYNN]) == {}


def test_a_colleagues_person_is_nobody(session: Session, riley: Member, person: Person, browse: Browse) -> None:
    bob = make_member(session, "Bob", session.get(Workspace, riley.workspace_id))
    browser, path = browse(bob), f"/people/{person.id}/consent"
    assert browser.get(path).status_code == 404
    assert browser.post(path, data={"purpose": "mail", "answer": "withdrawn"}).status_code == 404


def test_programs_read_and_add_consent(app: Flask, session: Session, riley: Member, person: Person) -> None:
    program, path = make_program(app, session, riley), f"/people/{person.id}/consent"
    assert program.get(path).get_json() == {"suppressed": {}, "tracking": None, "entries": []}
    body = {"purpose": "tracking", "answer": "given", "way": "form", "text_shown": "Yes", "ip": "81.2.69.142"}
    answer = program.post(path, body | {"said_at": "2026-01-02T10:00:00+01:00"})
    assert answer.status_code == 201
    record = answer.get_json()
    assert record["tracking"] == "given"
    assert record["entries"][0]["said_at"].startswith("2026-01-02T09:00:00")
    assert "81.2" not in answer.text
    assert program.post(path, {"purpose": "mail", "answer": "withdrawn"}).get_json()["suppressed"] == {
        FLYNN: "unsubscribed"
    }
    for wrong in (
        {"purpose": "x"},
        {"answer": None},
        {"said_at": "2999-01-01T00:00:00Z"},
        {"way": "page"},
        {"note": "\0"},
    ):
        assert program.post(path, body | wrong).status_code == 422


def test_the_legal_texts_are_edited_and_brought_back(session: Session, riley: Member, browse: Browse) -> None:
    browser = browse(riley)
    assert "# Who we are" in browser.get("/settings/legal").text
    assert browser.post("/settings/legal", data={"en": "Ours <b>", "fr": ""}).status_code == 303
    assert "Ours &lt;b&gt;" in browser.get("/settings/legal").text
    assert session.get_one(LegalText, (riley.workspace_id, "en")).text == "Ours <b>"
    session.commit()
    assert browser.post("/settings/legal", data={"en": "x" * 40_001}).status_code == 422
    browser.post("/settings/legal", data={"en": " ", "fr": ""})
    assert session.exec(select(LegalText)).all() == []


def test_an_import_brings_what_people_said(session: Session, riley: Member, browse: Browse) -> None:
    lines = "email,consent,opt out\nyes@x.example,oui,\nno@x.example,No,no\ngone@x.example,,x\nodd@x.example,perhaps,\n"
    browser = browse(riley)
    answer = browser.post("/people/imports", data={"file": (BytesIO(lines.encode()), "fair.csv")})
    path = answer.headers["Location"]
    columns = ["email", "agreed", "unsubscribed"]
    browser.post(f"{path}/run", data={"columns": columns, "owner": "me", "existing": "update"})
    import_people(int(path.rpartition("/")[2]))
    entries = session.exec(select(ConsentEntry).order_by(col(ConsentEntry.id))).all()
    assert [(entry.address, entry.purpose, entry.answer, entry.way) for entry in entries] == [
        ("yes@x.example", "tracking", "given", "import"),
        ("no@x.example", "tracking", "withdrawn", "import"),
        ("gone@x.example", "mail", "withdrawn", "import"),
    ]
    assert find_suppressed(session, riley.workspace_id, ["gone@x.example", "no@x.example"]) == {
        "gone@x.example": "unsubscribed"
    }
    [refused] = session.exec(select(RefusedLine)).all()
    assert "neither yes nor no" in refused.reason
    assert entries[0].note == "fair.csv, 2"
