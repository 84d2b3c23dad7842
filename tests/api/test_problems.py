"""Every refusal of the API is a problem (RFC 9457) that says what to change."""

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from server.accounts.models import Member
from server.accounts.tokens import revoke_tokens
from tests.api.conftest import Program, make_program
from tests.sign_in import sign_in


def fields(answer: TestResponse) -> list[str]:
    """Check that `answer` is a problem and return the fields at fault."""
    problem = answer.get_json()
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == answer.status_code
    return [error["field"] for error in problem["errors"]]


def test_without_a_token_the_api_says_which_one_it_takes(client: FlaskClient) -> None:
    answer = client.get("/api/v1/events")
    assert (answer.status_code, fields(answer)) == (401, [])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_refused(program: Program, session: Session, alice: Member) -> None:
    assert program.get("/me").status_code == 200
    revoke_tokens(session, alice.id or 0)
    session.commit()
    answer = program.get("/me")
    assert (answer.status_code, fields(answer)) == (401, [])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_cookie_is_no_token(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    assert client.get("/api/v1/me").status_code == 401


def test_unknown_address_is_a_problem(program: Program) -> None:
    answer = program.get("/nothing")
    assert (answer.status_code, fields(answer)) == (404, [])


def test_wrong_method_names_those_that_are_allowed(program: Program) -> None:
    answer = program.client.delete("/api/v1/events", headers=program.headers)
    assert (answer.status_code, fields(answer)) == (405, [])
    assert "GET" in answer.headers["Allow"]


def test_a_body_that_is_no_json_is_refused(program: Program) -> None:
    answer = program.client.post("/api/v1/messages", data="to=flynn", headers=program.headers)
    assert (answer.status_code, fields(answer)) == (415, [])
    answer = program.client.post("/api/v1/messages", data="{", headers=program.headers, content_type="application/json")
    assert (answer.status_code, fields(answer)) == (400, [])
    answer = program.post("/messages", ["flynn@flynnsarcade.example"])
    assert (answer.status_code, fields(answer)) == (422, [])


def test_a_body_that_is_too_large_is_refused(program: Program) -> None:
    answer = program.post("/messages", {"to": "flynn@flynnsarcade.example", "html": "x" * 6_000_000})
    assert (answer.status_code, fields(answer)) == (413, [])


def test_every_field_at_fault_is_named_at_once(program: Program) -> None:
    body = {"to": [{"email": "flynn@flynnsarcade.example", "nickname": "F"}], "cc": 7, "tracked": True, "html": 1}
    answer = program.post("/messages", body)
    assert answer.status_code == 422
    assert fields(answer) == ["to[0].nickname", "cc", "html", "tracked"]
    assert "track_views" in answer.get_json()["errors"][3]["message"]


def test_unknown_parameters_are_named(program: Program) -> None:
    answer = program.get("/events", kinds="viewed", include_machine="perhaps", limit=0)
    assert answer.status_code == 422
    assert sorted(fields(answer)) == ["include_machine", "kinds", "limit"]
    assert "kind, verdict" in answer.get_json()["detail"]
    assert fields(program.get("/me", verbose=1)) == ["verbose"]


def test_an_idempotency_key_with_blanks_is_refused(program: Program) -> None:
    answer = program.post("/messages", {"to": "flynn@flynnsarcade.example"}, Idempotency_Key="two words")
    assert (answer.status_code, fields(answer)) == (422, ["Idempotency-Key"])


def test_text_that_no_database_stores_is_refused(program: Program) -> None:
    for text in ("a\0b", "\ud800"):
        answer = program.post("/messages", {"to": "flynn@flynnsarcade.example", "subject": text})
        assert (answer.status_code, fields(answer)) == (422, ["subject"])


def test_times_need_a_zone_and_a_year_that_exists(program: Program) -> None:
    for text in ("2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "yesterday"):
        answer = program.get("/events", since=text)
        assert (answer.status_code, fields(answer)) == (422, ["since"])


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(
    app: Flask, program: Program, session: Session, alice: Member
) -> None:
    app.config["API_LIMIT"] = "2 per day"
    assert [program.get(path).status_code for path in ("/me", "/events", "/me")] == [200, 200, 429]
    answer = program.get("/mailboxes")
    assert fields(answer) == []
    assert 1 <= int(answer.headers["Retry-After"]) <= 86_400
    assert make_program(app, session, alice).get("/me").status_code == 200


def test_a_failure_of_ours_tells_nothing_about_itself(app: Flask, program: Program) -> None:
    app.view_functions["api.show_me"] = _fail
    answer = program.get("/me")
    assert (answer.status_code, fields(answer)) == (500, [])
    assert "secret" not in answer.text


def _fail() -> str:
    raise RuntimeError("secret")


_fail.allowed_role = "rep"  # type: ignore[attr-defined]
