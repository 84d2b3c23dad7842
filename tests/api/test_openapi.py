"""The OpenAPI document is true: schemathesis makes requests from it and checks every answer against it."""

import json
from contextvars import Context
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from sqlmodel import Session

from server.messages.models import Copy
from tests.api.conftest import Program, add_event

OPERATIONS = [
    "getMe",
    "listMailboxes",
    "listMessages",
    "sendMessage",
    "getMessage",
    "listEvents",
    "addEvents",
    "addInterestingMoment",
    "listTargets",
    "getScore",
    "putScores",
    "listPeople",
    "addPerson",
    "getPerson",
    "changePerson",
    "getConsent",
    "addConsent",
    "listTasks",
    "addTask",
    "getTask",
    "changeTask",
    "deleteTask",
    "completeTask",
    "reopenTask",
    "listTemplates",
    "addTemplate",
    "getTemplate",
    "changeTemplate",
    "deleteTemplate",
    "listDocuments",
    "getDocument",
    "addDocumentLink",
    "listCampaigns",
    "addCampaign",
    "getCampaign",
    "changeCampaign",
    "deleteCampaign",
    "confirmCampaign",
    "undoConfirmation",
    "pauseCampaign",
    "resumeCampaign",
    "endCampaign",
    "listEnrolments",
    "addEnrolment",
    "getEnrolment",
    "pauseEnrolment",
    "resumeEnrolment",
    "skipStep",
    "endEnrolment",
    "listDeliveries",
    "retryDelivery",
    "listCampaignHistory",
    "listLists",
    "addList",
    "getList",
    "addToList",
    "deleteList",
]
UPLOADS = ["addDocument", "addDocumentVersion"]  # each file is examined in a process: tests/api/test_documents.py
EXAMPLES = 40
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_document_is_public_and_describes_every_route(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")]
    assert {path.split("{")[0] for path in document["paths"]} == {
        rule.split("<")[0] for rule in rules if not rule.endswith("/openapi.json")
    }
    described = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert sorted(described) == sorted(OPERATIONS + UPLOADS)


def test_the_document_names_no_other_host(client: FlaskClient) -> None:
    text = json.dumps(client.get("/api/v1/openapi.json").get_json())
    assert "http://" not in text
    assert "https://" not in text


def test_no_page_of_the_tool_is_served(client: FlaskClient) -> None:
    for path in ("/apidoc/", "/apidoc/swagger/", "/apidoc/openapi.json", "/api/v1/apidoc/swagger/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_answers_are_as_the_document_says(
    app: Flask, program: Program, session: Session, copy: Copy, operation_id: str, mode: GenerationMode
) -> None:
    add_event(session, copy, 1, reasons=["browser"])
    session.commit()
    schema = Context().run(schemathesis.openapi.from_wsgi, "/api/v1/openapi.json", app)
    operation = schema.find_operation_by_id(operation_id)
    rejects = [negative_data_rejection] if mode is GenerationMode.NEGATIVE else []
    answers: list[int] = []

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy(mode))
    def check(case: schemathesis.Case[Any]) -> None:
        # An empty object or list cannot be said in a query: it arrives as nothing, which is allowed.
        assume(not any(value in ({}, []) for value in (case.query or {}).values()))
        answer = Context().run(case.call, headers=program.headers)
        answers.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS + rejects)

    Context().run(check)
    assert len(answers) > 0
