"""Every route × (anonymous, rep, manager, admin): what the marks say is what the app does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.routing import AnyConverter, Rule

from server.accounts.models import Role, Workspace
from server.accounts.tokens import create_token
from server.permissions import list_permissions, render_permissions
from server.security import PUBLIC, ROLES
from tests.factories import add, make_member
from tests.sign_in import sign_in

PAGE = Path(__file__).parent.parent / "docs" / "permissions.md"
SIGNED = {"/journal"}  # what a signature opens, and no role
PLAUSIBLE = {"int": "1", "path": "app.css", "default": "x", "string": "x", "uuid": "0" * 32, "float": "1.0"}


def list_rules(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Yield every rule, with each of its methods and an address that it matches."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        address = "".join(
            plausible(rule, text) if is_dynamic else text for is_dynamic, text in rule._trace[1:]
        ).removeprefix("|")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, address


def plausible(rule: Rule, argument: str) -> str:
    """Return something that the rule takes as `argument`."""
    converter = rule._converters[argument]
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    if length := re.search(r"\{(\d+)", converter.regex):  # a text of so many characters
        return "x" * max(1, int(length[1]))
    return PLAUSIBLE[converter_name(rule, argument)]


def converter_name(rule: Rule, argument: str) -> str:
    """Return under which name the converter of an argument was asked for."""
    kind = type(rule._converters[argument])
    return next(name for name, known in rule.map.converters.items() if known is kind)


def least_role(app: Flask, rule: Rule) -> str:
    return str(getattr(app.view_functions[rule.endpoint], "allowed_role", "none"))


def test_every_view_says_who_may_call_it(app: Flask) -> None:
    assert [path for path, _methods, least in list_permissions(app) if least not in (PUBLIC, *ROLES)] == []


def test_the_page_of_permissions_is_up_to_date(app: Flask) -> None:
    assert PAGE.read_text() == render_permissions(app), "run: .venv/bin/warmline permissions > docs/permissions.md"


def test_anonymous_callers_pass_public_routes_only(app: Flask, client: FlaskClient) -> None:
    wrong = []
    for rule, method, address in list_rules(app):
        with client.open(address, method=method) as answer:
            is_turned_away = answer.status_code == 401 or answer.headers.get("Location", "").startswith("/sign-in")
        if is_turned_away != (least_role(app, rule) != PUBLIC) and address != "/sign-out":
            wrong.append((method, address, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_members_pass_what_their_role_may_call(app: Flask, session: Session, role: str) -> None:
    workspace = add(session, Workspace(name="Acme"))
    make_member(session, "Alice", workspace, role=Role.ADMIN)
    member = make_member(session, "Bob", workspace, role=role)
    token = {"Authorization": f"Bearer {create_token(session, member, 'Script')}"}
    session.commit()
    wrong = []
    for rule, method, address in list_rules(app):
        client = app.test_client()
        sign_in(client, member)
        headers = token if address.startswith("/api/") else {}
        with client.open(address, method=method, headers=headers) as answer:
            status = answer.status_code
        least = least_role(app, rule)
        may = least == PUBLIC or ROLES.index(role) >= ROLES.index(least)
        if address in SIGNED:
            may = False
        if (status == 403) == may or status in (401, 500):
            wrong.append((method, address, status))
    assert wrong == []
