"""docs/api.md is true: its requests work as they are written, and its tables name what the API has."""

import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.clock import now
from tests.api.conftest import Program
from tests.documents.files import make_pdf
from tests.factories import make_mailbox

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    for line in re.split(r"\n(?=curl|TOKEN|API)", block.strip())
    if line.startswith("curl")
]


def run(client: FlaskClient, command: str, token: str) -> TestResponse:
    """Make the request that a curl command of the guide makes."""
    variables = {"\\\n": " ", "$TOKEN": token, "$API": "/api/v1", "$NOW": now().isoformat()}
    for name, value in variables.items():
        command = command.replace(name, value)
    words = shlex.split(command)[1:]
    named: dict[str, list[str]] = {"-H": [], "-X": [], "-d": [], "-F": []}
    address = ""
    while words:
        word = words.pop(0)
        if word in named:
            named[word].append(words.pop(0))
        elif word != "-s":
            address = word
    headers = [tuple(header.split(": ", 1)) for header in named["-H"]]
    method = (named["-X"] or ["GET"])[0]
    parts = {part.partition("=")[0]: (io.BytesIO(make_pdf(1)), part.partition("@")[2]) for part in named["-F"]}
    return client.open(address, method=method, headers=headers, data=parts or "".join(named["-d"]) or None)


def test_the_guide_has_commands() -> None:
    assert len(COMMANDS) >= 8


def test_every_command_of_the_guide_works(program: Program, session: Session, alice: Member) -> None:
    make_mailbox(session, alice)
    session.commit()
    for command in COMMANDS:
        answer = run(program.client, command, program.token)
        assert answer.status_code in (200, 201), f"{command}\n{answer.text}"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


@pytest.mark.parametrize("name", ["NewMessage", "NewEvent", "NewMoment", "NewTask"])
def test_the_guide_names_every_field_of_what_is_sent(document: dict[str, Any], name: str) -> None:
    for field in document["components"]["schemas"][name]["properties"]:
        assert f"`{field}`" in GUIDE


def test_the_guide_names_every_address_and_every_status(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        written = re.sub(r"\\\{[a-z_]+\\\}", r"(\\{[a-z_]+\\}|\\d+)", re.escape(path.removeprefix("/api/v1")))
        assert re.search(written, GUIDE), path
        for operation in operations.values():
            for status in operation["responses"]:
                assert status in GUIDE
    assert json.dumps(document).count("application/problem+json") > 0
