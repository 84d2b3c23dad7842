"""What templates put into a mail that is being written, what fields are known, and signatures."""

import pytest
from sqlmodel import Session

from server.accounts.models import Member
from server.errors import Refused
from server.gmail.models import Mailbox
from server.library.fields import fields_of, list_known, split_name
from server.library.insertions import make_insertion
from server.library.signatures import (
    add_signature,
    edit_signature,
    find_signatures,
    get_signature,
    remove_signature,
    set_default,
)
from server.messages.queries import list_senders
from server.people.custom_fields import add_field
from server.people.people import add_person
from tests.library.conftest import make_template

FLYNN = "flynn@flynns.example"


@pytest.fixture
def mailbox(session: Session, alice: Member) -> Mailbox:
    return list_senders(session, alice.id)[0]


@pytest.fixture(autouse=True)
def flynn(session: Session, alice: Member) -> None:
    add_person(session, alice.workspace_id, alice.id, FLYNN, "Kevin Flynn")


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Kevin Flynn", ("Kevin", "Flynn")), ("Flynn, Kevin", ("Kevin", "Flynn")), ("Cher", ("Cher", "")), ("", ("", "")),
     ("  Anne  Marie  de la Tour ", ("Anne", "Marie de la Tour")), ("Flynn,", ("Flynn", ""))],
)  # fmt: skip
def test_first_and_last_name_are_told_from_the_name(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


def test_fields_are_those_of_person_workspace_and_sender(session: Session, alice: Member, mailbox: Mailbox) -> None:
    game = add_field(session, alice.workspace_id, "Favourite game")
    add_field(session, alice.workspace_id, "Sender name")  # the sender's own field stays what it is
    person = add_person(session, alice.workspace_id, alice.id, "sam@encom.example", "Sam Flynn",
                        custom={str(game.id): "Tron"}, phone="+1 555 0100")  # fmt: skip
    assert fields_of(session, person, alice, mailbox) == {
        "first_name": "Sam", "last_name": "Flynn", "name": "Sam Flynn", "email": "sam@encom.example",
        "phone": "+1 555 0100", "favourite_game": "Tron", "sender_name": "Alice", "sender_email": "alice@acme.example",
    }  # fmt: skip
    keys = [known.key for known in list_known(session, alice.workspace_id)]
    assert keys.count("sender_name") == 1
    assert "favourite_game" in keys


def test_one_known_recipient_fills_the_fields(session: Session, alice: Member, mailbox: Mailbox) -> None:
    template = make_template(session, alice, html="<p>{{first_name}} {{company}} {{job_title|you}}</p>")
    made = make_insertion(session, alice, mailbox, template, f"Kevin <{FLYNN}>")
    assert (made.html, made.subject, made.missing) == ("<p>Kevin {{company}} you</p>", "Hello Kevin", ["company"])


@pytest.mark.parametrize("to", ["", "flynn@", f"{FLYNN}, sam@encom.example"])
def test_for_nobody_or_several_the_fields_stay(session: Session, alice: Member, mailbox: Mailbox, to: str) -> None:
    template = make_template(session, alice)
    made = make_insertion(session, alice, mailbox, template, to)
    assert (made.html, made.subject) == (template.html, template.subject)
    assert made.missing == ["first_name"]


def test_a_strangers_address_is_known_and_nothing_else(session: Session, alice: Member, mailbox: Mailbox) -> None:
    template = make_template(session, alice, html="<p>{{email}} {{first_name|there}}</p>", kind="snippet")
    made = make_insertion(session, alice, mailbox, template, "ora@encom.example")
    assert (made.html, made.subject) == ("<p>ora@encom.example there</p>", None)


def test_a_colleagues_person_is_not_told(session: Session, alice: Member, bob: Member) -> None:
    template = make_template(session, bob)
    assert make_insertion(session, bob, None, template, FLYNN).subject == "Hello there"


def test_a_value_with_braces_is_filled_in_when_it_is_sent(session: Session, alice: Member, mailbox: Mailbox) -> None:
    add_person(session, alice.workspace_id, alice.id, "x@encom.example", "{{email}}")
    template = make_template(session, alice, html="<p>{{name}} \\{{</p>")
    assert make_insertion(session, alice, mailbox, template, "x@encom.example").html == "<p>{{name}} \\{{</p>"
    sent = make_insertion(session, alice, mailbox, template, "x@encom.example", is_language=False)
    assert sent.html == "<p>{{email}} {{</p>"


def test_the_first_signature_becomes_that_of_the_mailbox(session: Session, alice: Member, mailbox: Mailbox) -> None:
    first = add_signature(session, alice, "Work", "<p>Alice<script>x</script></p>")
    second = add_signature(session, alice, "Short", "<p>A.</p>")
    assert first.html == "<p>Alice</p>"
    assert find_signatures(session, [mailbox]) == {mailbox.id: first}
    set_default(session, mailbox, second)
    assert find_signatures(session, [mailbox]) == {mailbox.id: second}
    remove_signature(session, second)
    assert find_signatures(session, [mailbox]) == {}


def test_signatures_have_names_of_their_own_and_no_fields(session: Session, alice: Member, bob: Member) -> None:
    signature = add_signature(session, alice, "Work", "<p>Alice</p>")
    with pytest.raises(Refused, match="already"):
        add_signature(session, alice, "work", "<p>x</p>")
    with pytest.raises(Refused, match="no fields"):
        edit_signature(session, alice, signature, "Work", "<p>{{name}}</p>")
    with pytest.raises(Refused, match="no such signature"):
        get_signature(session, bob, signature.id)


def test_a_template_that_signs_says_so(session: Session, alice: Member, mailbox: Mailbox) -> None:
    add_signature(session, alice, "Work", "<p><b>Alice</b></p>")
    template = make_template(session, alice, html="<div>Bye {{sender_signature}}</div>")
    made = make_insertion(session, alice, mailbox, template, FLYNN)
    assert made.signs
    assert made.html == "<div>Bye <p><b>Alice</b></p></div>"
