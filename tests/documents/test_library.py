"""The library in a browser: upload, progress, versions, names, deleting and bringing back; who may do what."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select
from werkzeug.test import TestResponse

from server import jobs, recurring
from server.accounts.models import Member, Role, Workspace
from server.clock import now
from server.config import Settings
from server.db import get_db
from server.documents import storage
from server.documents.models import Document, DocumentVersion, VersionState
from tests.documents import files
from tests.documents.reading import make_document
from tests.factories import make_member
from tests.sign_in import sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def member(alice: Member, client: FlaskClient) -> Member:
    """Alice, signed in."""
    sign_in(client, alice)
    return alice


def upload(client: FlaskClient, path: str, content: bytes, name: str = "Offer.pdf", **headers: str) -> TestResponse:
    return client.post(path, data={"file": (io.BytesIO(content), name)}, headers=headers)


def the_document(session: Session) -> Document:
    session.rollback()
    with get_db().session(write=False) as reading:
        return reading.exec(select(Document)).one()


def newest(session: Session) -> DocumentVersion:
    session.rollback()
    with get_db().session(write=False) as reading:
        return reading.exec(select(DocumentVersion).order_by(col(DocumentVersion.id).desc())).first() or pytest.fail()


def test_an_upload_stands_in_the_list_and_becomes_pages(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    answer = upload(client, "/documents", files.make_pdf(2), "Grid & prices.pdf", **HTMX)
    assert "Grid &amp; prices" in answer.text
    assert "waiting for its pages" in answer.text
    version = newest(session)
    jobs.convert_document(version.id)
    assert "2 pages" in client.get("/documents", headers=HTMX).text
    page = client.get(f"/documents/{the_document(session).public_id}")
    assert "Version 1" in page.text
    with client.get(f"/documents/{the_document(session).public_id}/file") as file:
        assert file.data == files.make_pdf(2)
        assert "attachment" in file.headers["Content-Disposition"]
    with client.get(f"/documents/{the_document(session).public_id}/thumbnail") as picture:
        assert picture.mimetype == "image/webp"


def test_a_refused_file_says_why_and_nothing_is_kept(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    assert "no PDF" in upload(client, "/documents", b"MZ program", "Offer.pdf", **HTMX).text
    assert upload(client, "/documents", b"MZ program", "Offer.pdf").status_code == 422
    assert "Choose a file" in client.post("/documents", headers=HTMX).text
    assert session.exec(select(Document)).all() == []
    assert [path for path in (settings.warmline_home / "documents").rglob("*") if path.is_file()] == []


def test_a_file_above_the_limit_is_refused_before_it_is_looked_at(
    client: FlaskClient, member: Member, settings: Settings
) -> None:
    settings.document_max_mb = 1
    kind = "multipart/form-data; boundary=x"
    answer = client.post("/documents", data=bytes(3 * 2**20), content_type=kind, headers=HTMX)
    assert "at most 1 MB" in answer.text


def test_a_file_that_cannot_be_converted_says_so(client: FlaskClient, session: Session, member: Member) -> None:
    upload(client, "/documents", files.make_pdf(301))
    jobs.convert_document(newest(session).id)
    assert "at most 300 pages" in client.get("/documents").text
    assert newest(session).state == VersionState.FAILED


def test_a_new_version_shows_when_it_is_ready_and_not_before(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    document = make_document(session, settings, member, pages=1)
    session.commit()
    path = f"/documents/{document.public_id}/versions"
    assert "The new version is here" in upload(client, path, files.make_pdf(2), **HTMX).text
    second = newest(session)
    assert (second.number, the_document(session).current_version_id) == (2, document.current_version_id)
    session.rollback()
    jobs.convert_document(second.id)
    assert the_document(session).current_version_id == second.id
    assert "the very file" in upload(client, path, files.make_pdf(2), **HTMX).text


def test_a_broken_new_version_leaves_the_old_one(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    document = make_document(session, settings, member, pages=1)
    session.commit()
    upload(client, f"/documents/{document.public_id}/versions", files.make_pdf(301))
    jobs.convert_document(newest(session).id)
    assert the_document(session).current_version_id == document.current_version_id
    assert newest(session).failure == "too_many_pages"


def test_a_version_whose_worker_died_is_taken_up_again_and_given_up_after_three_times(
    client: FlaskClient, session: Session, member: Member
) -> None:
    upload(client, "/documents", files.make_pdf(1))
    version = newest(session)
    for attempts in (1, 3):
        version.state, version.attempts, version.lease_until = VersionState.CONVERTING, attempts, now() - timedelta(1)
        session.merge(version)
        session.commit()
        recurring.wake_due_documents()
        jobs.convert_document(version.id)
        version = newest(session)
        assert version.state == (VersionState.READY if attempts == 1 else VersionState.FAILED)
    session.rollback()
    jobs.convert_document(version.id)
    jobs.convert_document(version.id + 1)


def test_a_deleted_document_comes_back_until_it_is_swept(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    document = make_document(session, settings, member, pages=1)
    version_id = document.current_version_id or 0
    session.commit()
    gone = client.post(f"/documents/{document.public_id}/removal", headers=HTMX)
    assert "Undo" in gone.text
    assert "Prices" not in client.get("/documents", headers=HTMX).text
    assert client.get(f"/documents/{document.public_id}").status_code == 404
    assert "is back" in client.post(f"/documents/{document.public_id}/restoration", headers=HTMX).text
    client.post(f"/documents/{document.public_id}/removal")
    session.refresh(document)
    document.deleted_at = now() - timedelta(days=31)
    session.add(document)
    session.commit()
    recurring.sweep_documents()
    assert not Path(storage.version_dir(settings, version_id)).exists()
    assert client.post(f"/documents/{document.public_id}/restoration").status_code == 410


def test_documents_are_found_by_the_words_of_their_name(
    client: FlaskClient, session: Session, member: Member, settings: Settings
) -> None:
    for name in ("Offre d’été", "Grid 100%", "Terms"):
        make_document(session, settings, member, pages=1, name=name)
    session.commit()
    assert "Offre" in client.get("/documents?q=ete", headers=HTMX).text
    found = client.get("/documents?q=%25", headers=HTMX).text
    assert "Grid 100%" in found
    assert "Terms" not in found
    assert "No document is found" in client.get("/documents?q=nothing", headers=HTMX).text


def test_a_colleague_uses_a_document_but_only_its_owner_and_managers_change_it(
    client: FlaskClient, session: Session, alice: Member, settings: Settings
) -> None:
    workspace = session.get_one(Workspace, alice.workspace_id)
    bob, boss = make_member(session, "Bob", workspace), make_member(session, "Boss", workspace, role=Role.MANAGER)
    document = make_document(session, settings, alice, pages=1)
    sign_in(client, bob)
    assert client.get(f"/documents/{document.public_id}").status_code == 200
    for act in ("removal", "name", "versions"):
        assert client.post(f"/documents/{document.public_id}/{act}", data={"name": "x"}).status_code == 403
    sign_in(client, boss)
    client.post(f"/documents/{document.public_id}/name", data={"name": "Better"})
    assert the_document(session).name == "Better"


def test_documents_of_another_workspace_are_not_there(
    client: FlaskClient, session: Session, alice: Member, settings: Settings
) -> None:
    document = make_document(session, settings, alice, pages=1)
    sign_in(client, make_member(session, "Mallory"))
    root = f"/documents/{document.public_id}"
    assert [client.get(f"{root}{path}").status_code for path in ("", "/file", "/thumbnail")] == [404] * 3
    acts = ("versions", "name", "removal", "restoration", "links", "insertion")
    assert [client.post(f"{root}/{act}").status_code for act in acts] == [404] * len(acts)
    assert "Prices" not in client.get("/documents").text
