"""Commands about members and tokens, as an operator calls them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from server.accounts.models import Member
from server.accounts.passwords import is_password
from server.cli import main
from server.clock import now
from tests.factories import make_member
from tests.sign_in import sign_in


@pytest.fixture
def alice(session: Session) -> Member:
    alice = make_member(session, "Alice")
    make_member(session, "Bob", deactivated_at=now())
    session.commit()
    return alice


def test_token_create_prints_a_working_token_and_nothing_else(app: Flask, client: FlaskClient, alice: Member) -> None:
    result = app.test_cli_runner().invoke(
        main, args=["token", "create", "--member", "Alice@acme.example", "--name", "Script"]
    )
    assert result.exit_code == 0 and result.stderr == ""
    (secret,) = result.stdout.splitlines()
    assert client.get("/api/v1/mailboxes", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


@pytest.mark.parametrize("email", ["nobody@acme.example", "bob@acme.example"])
def test_token_is_not_made_for_nobody_or_the_deactivated(app: Flask, alice: Member, email: str) -> None:
    result = app.test_cli_runner().invoke(main, args=["token", "create", "--member", email, "--name", "Script"])
    assert result.exit_code == 1 and result.stdout == "" and email in result.stderr


def test_member_list_names_everybody(app: Flask, alice: Member) -> None:
    result = app.test_cli_runner().invoke(main, args=["member", "list"])
    assert result.stdout.splitlines() == [
        "alice@acme.example\trep\tAlice's team\tactive",
        "bob@acme.example\trep\tBob's team\tdeactivated",
    ]


def test_member_password_asks_twice_and_signs_out_everywhere(
    app: Flask, client: FlaskClient, session: Session, alice: Member
) -> None:
    sign_in(client, alice)
    answers = "a quite new password\na quite new password\n"
    result = app.test_cli_runner().invoke(main, args=["member", "password", "alice@acme.example"], input=answers)
    assert result.exit_code == 0 and "a quite new password" not in result.stdout
    assert client.get("/settings/profile").status_code == 302
    session.refresh(alice)
    assert is_password(alice, "a quite new password")


def test_member_password_refuses_a_short_one(app: Flask, alice: Member) -> None:
    result = app.test_cli_runner().invoke(
        main, args=["member", "password", "alice@acme.example"], input="short\nshort\n"
    )
    assert result.exit_code == 1 and "12 to 256 characters" in result.stderr
