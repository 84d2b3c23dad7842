"""The pages of the library, what compose takes from it, and samples."""

import re

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, select

from server.accounts.models import Member
from server.accounts.tokens import create_token
from server.library.models import Signature, Template
from server.library.signatures import add_signature
from server.messages.models import Copy, Message
from server.people.models import Person
from server.people.people import add_person
from tests.library.conftest import make_template
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def signed_in(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)


def test_the_library_teaches_while_it_is_empty(client: FlaskClient) -> None:
    page = client.get("/library").text
    assert "Write it once" in page
    assert "/library/new?kind=snippet" in page


def test_a_template_is_written_edited_copied_shared_and_deleted(client: FlaskClient, session: Session) -> None:
    form = {"kind": "template", "name": "Hello", "subject": "Hi {{first_name|you}}", "html": "<p>x</p>"}
    location = client.post("/library/templates", data=form).headers["Location"]
    assert "Saved “Hello”" in client.get(location).text
    client.post(location, data=form | {"name": "Hello again"})
    assert session.exec(select(Template.name)).one() == "Hello again"
    session.commit()  # the next request writes
    copy = client.post(f"{location}/copies").headers["Location"]
    assert "Copy of Hello again" in client.get(copy).text
    assert "shared by you" in client.post(f"{location}/sharing", headers=HTMX).text
    gone = client.post(f"{location}/removal", headers=HTMX).text
    assert "Deleted “Hello again”" in gone
    assert f"{location}/restoration" in gone
    assert "is back" in client.post(f"{location}/restoration", headers=HTMX).text
    assert "You can take this back" in client.get(client.post(f"{location}/removal").headers["Location"]).text


def test_an_error_stands_at_its_field_and_nothing_is_lost(client: FlaskClient) -> None:
    form = {"name": "Hello", "subject": "Hi {{frist_name}}", "html": "<p>Kept</p>"}
    answer = client.post("/library/templates", data=form)
    assert answer.status_code == 422
    assert re.search(r'<input[^>]*id="subject"[^>]*aria-invalid="true"', answer.text)
    assert "Did you mean {{first_name}}" in answer.text
    assert "&lt;p&gt;Kept&lt;/p&gt;" in answer.text


def test_without_scripts_the_text_field_is_taken(client: FlaskClient, session: Session) -> None:
    client.post("/library/templates", data={"name": "a", "subject": "b", "html": "", "body": "Hi\r\n\r\n<b>you</b>"})
    assert session.exec(select(Template.html)).one() == "<p>Hi</p><p>&lt;b&gt;you&lt;/b&gt;</p>"


def test_a_colleagues_template_is_shown_without_an_editor(client: FlaskClient, session: Session, bob: Member) -> None:
    shared, own = make_template(session, bob, is_shared=True), make_template(session, bob, "Secret")
    session.commit()
    page = client.get(f"/library/templates/{shared.id}").text
    assert 'id="editor"' not in page
    assert "Make a copy" in page
    assert client.post(f"/library/templates/{shared.id}", data={"name": "x"}).status_code == 403
    assert client.post(f"/library/templates/{shared.id}/removal").status_code == 403
    assert client.get(f"/library/templates/{own.id}").status_code == 404


def test_a_preview_shows_the_mail_as_one_person_gets_it(client: FlaskClient, session: Session, alice: Member) -> None:
    flynn = add_person(session, alice.workspace_id, alice.id, "flynn@flynns.example", "Kevin <Flynn>")
    session.commit()
    form = {
        "kind": "template",
        "subject": "Hi {{name}}",
        "html": "<p>{{name}} of {{company}}</p>",
        "person_id": flynn.id,
    }
    preview = client.post("/library/preview", data=form, headers=HTMX).text
    assert "Hi Kevin &lt;Flynn&gt;" in preview
    assert "Kevin &lt;Flynn&gt; has no value for: Company" in preview
    mail = client.post("/library/preview/mail", data=form)
    assert "<p>Kevin &lt;Flynn&gt; of <mark>{{company}}</mark></p>" in mail.text
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert "script-src" not in mail.headers["Content-Security-Policy"]


def test_a_preview_says_what_is_wrong_with_a_text(client: FlaskClient) -> None:
    preview = client.post("/library/preview", data={"html": "<p>Hi {{first</p>"}, headers=HTMX).text
    assert "does not end with }}" in preview
    assert client.post("/library/preview/mail", data={"html": "<p>{{x}}</p>"}).status_code == 200


def test_a_colleagues_person_cannot_be_previewed(client: FlaskClient, session: Session, bob: Member) -> None:
    person = add_person(session, bob.workspace_id, bob.id, "ora@encom.example", "Ora")
    session.commit()
    form = {"subject": "Hi {{first_name}}", "html": "<p>x</p>", "person_id": person.id}
    assert "Ora" not in client.post("/library/preview", data=form, headers=HTMX).text


def test_people_are_found_for_a_preview(client: FlaskClient, session: Session, alice: Member) -> None:
    add_person(session, alice.workspace_id, alice.id, "flynn@flynns.example", "Kevin Flynn")
    session.commit()
    assert "Kevin Flynn" in client.get("/library/people?person_query=fly").text
    assert "Nobody begins like this" in client.get("/library/people?person_query=zz").text


SAMPLE = {"kind": "template", "subject": "Hi {{first_name|there}}", "sample_to": "boss@acme.example", "sample_key": "k",
          "html": '<p>See <a href="https://acme.example/a">this</a></p>'}  # fmt: skip


def test_a_sample_is_marked_tracks_nothing_and_adds_nobody(
    client: FlaskClient, session: Session, alice: Member
) -> None:
    assert "On its way to boss@acme.example" in client.post("/library/samples", data=SAMPLE, headers=HTMX).text
    assert client.post("/library/samples", data=SAMPLE, headers=HTMX).status_code == 200  # a double click
    message = session.exec(select(Message)).one()
    assert (message.subject, message.source, message.is_trackable) == ("[Sample] Hi there", "sample", False)
    assert session.exec(select(Person)).all() == []
    assert 'href="https://acme.example/a"' in message.html


@pytest.mark.parametrize("to", ["", "nobody", "a@acme.example, b@acme.example"])
def test_a_sample_goes_to_one_address(client: FlaskClient, session: Session, to: str) -> None:
    answer = client.post("/library/samples", data=SAMPLE | {"sample_to": to}, headers=HTMX)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert session.exec(select(Message)).all() == []


def test_the_picker_lists_by_kind_and_search(client: FlaskClient, session: Session, alice: Member) -> None:
    template = make_template(session, alice, "First hello")
    make_template(session, alice, "Directions", kind="snippet")
    session.commit()
    picker = client.get("/library/picker?kind=template&q=first").text
    assert f'data-insertion="/library/insertions/{template.id}"' in picker
    assert "Directions" not in picker
    assert "Write the first one" not in picker


def test_gmail_gets_the_same_by_its_device_token(client: FlaskClient, session: Session, alice: Member) -> None:
    add_person(session, alice.workspace_id, alice.id, "flynn@flynns.example", "Kevin Flynn")
    template = make_template(session, alice)
    token = create_token(session, alice, "Laptop", "device")
    session.commit()
    program, headers = client.application.test_client(), {"Authorization": f"Bearer {token}"}
    listed = program.get("/library/insertions?kind=template", headers=headers).get_json()
    assert listed == {"items": [{"kind": "template", "id": template.id, "title": "Hello", "note": template.subject}]}
    address = f"/library/insertions/{template.id}"
    given = program.get(address, query_string={"to": "flynn@flynns.example"}, headers=headers).get_json()
    assert given == {"subject": "Hello Kevin", "html": "<p>Hi Kevin</p>", "missing": [], "signs": False}
    gone = program.get("/library/insertions/999", headers=headers)
    assert (gone.status_code, gone.get_json()["error"]) == (404, "not_found")


def test_compose_begins_with_a_template_and_the_signature(client: FlaskClient, session: Session, alice: Member) -> None:
    template = make_template(session, alice)
    add_signature(session, alice, "Work", "<p><b>Alice</b></p>")
    session.commit()
    page = client.get(f"/compose?template={template.id}&to=ora@encom.example").text
    assert 'value="Hello there"' in page
    assert '<template id="mail-start"><p>Hi there</p></template>' in page
    assert "<p><b>Alice</b></p></template>" in page
    assert client.get("/compose?template=999").status_code == 404


def test_a_mail_to_several_with_fields_is_refused_at_the_switch(client: FlaskClient, session: Session) -> None:
    form = {"key": "k1", "to": "a@encom.example, b@encom.example", "subject": "Hi", "html": "<p>{{email}}</p>"}
    answer = client.post("/messages", data=form)
    assert answer.status_code == 422
    assert "Send individually" in answer.text
    assert client.post("/messages", data=form | {"individually": "yes"}).status_code == 303
    assert len(session.exec(select(Copy)).all()) == 2


def test_signatures_are_written_chosen_and_deleted(client: FlaskClient, session: Session) -> None:
    client.post("/library/signatures", data={"name": "Work", "html": "<p>Alice</p>"})
    signature = session.exec(select(Signature)).one()
    session.commit()  # the next request writes
    page = client.get("/library/signatures").text
    assert re.search(rf'<option value="{signature.id}" selected', page)
    client.post("/library/signatures/defaults", data={"mailbox_id": "1", "signature_id": ""})
    assert "selected" not in client.get("/library/signatures").text
    assert client.post("/library/signatures", data={"name": "Work", "html": "<p>x</p>"}).status_code == 409
    client.post(f"/library/signatures/{signature.id}/removal")
    assert "You have no signature yet" in client.get("/library/signatures").text
