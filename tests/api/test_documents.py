"""Documents through the API: upload, state, replacement and links; what is refused and why."""

import io
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from server import jobs
from server.accounts.models import Member
from server.config import Settings
from server.db import get_db
from server.documents.models import DocumentVersion
from tests.api.conftest import Program, make_program
from tests.documents.files import make_pdf
from tests.documents.reading import make_document
from tests.factories import make_member


@pytest.fixture
def caller(app: Flask, session: Session, alice: Member) -> Program:
    """Alice's program."""
    return make_program(app, session, alice)


def upload(caller: Program, path: str, content: bytes, **parts: Any) -> TestResponse:
    data = {"file": (io.BytesIO(content), "Offer.pdf"), **parts}
    return caller.client.post(f"/api/v1{path}", data=data, headers=caller.headers)


def test_a_document_is_uploaded_followed_and_shared(caller: Program, session: Session) -> None:
    answer = upload(caller, "/documents", make_pdf(2))
    made = answer.get_json()
    assert (answer.status_code, made["name"], made["kind"], made["state"]) == (201, "Offer", "pdf", "uploaded")
    assert answer.location.endswith(made["id"])
    with get_db().session(write=False) as reading:
        version_id = reading.exec(select(DocumentVersion.id)).one()
    jobs.convert_document(version_id)
    now = caller.get(f"/documents/{made['id']}").get_json()
    assert (now["state"], now["pages"], now["failure"]) == ("ready", 2, None)
    link = caller.post(f"/documents/{made['id']}/links", {"name": "The board"}).get_json()
    assert "/d/" in link["url"]
    assert upload(caller, f"/documents/{made['id']}/versions", make_pdf(3)).get_json()["newest_version"] == 2


def test_documents_are_listed_in_pages(caller: Program, session: Session, settings: Settings, alice: Member) -> None:
    for name in ("One", "Two", "Three"):
        make_document(session, settings, alice, pages=1, name=name)
    session.commit()
    assert [item["name"] for item in caller.items("/documents", limit=2)] == ["Three", "Two", "One"]
    assert [item["name"] for item in caller.items("/documents", q="two")] == ["Two"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"MZ", "no PDF"), (b"", "empty"), (make_pdf()[:30], "damaged")], ids=["type", "empty", "cut"]
)
def test_a_file_that_cannot_be_shown_is_refused(caller: Program, content: bytes, said: str) -> None:
    answer = upload(caller, "/documents", content)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert said in answer.text


def test_a_file_above_the_limit_is_refused(caller: Program, settings: Settings) -> None:
    settings.document_max_mb = 1
    kind = "multipart/form-data; boundary=x"
    path = "/api/v1/documents"
    answer = caller.client.post(path, data=bytes(3 * 2**20), content_type=kind, headers=caller.headers)
    assert answer.status_code == 413


def test_something_else_than_a_form_with_a_file_is_refused(caller: Program) -> None:
    assert caller.post("/documents", {"file": "x"}).status_code == 415
    assert caller.client.post("/api/v1/documents", data={"name": "x"}, headers=caller.headers,
                              content_type="multipart/form-data").status_code == 422  # fmt: skip


def test_documents_of_another_workspace_are_not_there(
    app: Flask, session: Session, settings: Settings, caller: Program
) -> None:
    theirs = make_document(session, settings, make_member(session, "Mallory"), pages=1)
    session.commit()
    assert caller.get(f"/documents/{theirs.public_id}").status_code == 404
    assert upload(caller, f"/documents/{theirs.public_id}/versions", make_pdf()).status_code == 404
    assert caller.post(f"/documents/{theirs.public_id}/links", {"name": "x"}).status_code == 404
    assert caller.items("/documents") == []
