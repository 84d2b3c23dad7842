"""From where a request is taken: hosts, other sites, bearer tokens beside cookies, and the headers of every answer."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import current_user
from sqlmodel import Session

from server.accounts.models import Member, TokenKind
from server.accounts.tokens import create_token
from server.app import create_app
from server.config import Settings
from server.security import allow
from tests.factories import make_member
from tests.sign_in import sign_in


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    """The app with one view that changes something, one of the API, and one that nobody has decided on."""

    @allow("rep")
    def act() -> str:
        return f"done by {current_user.name}"

    def undecided() -> str:
        return "never shown"

    app.add_url_rule("/act", "act", act, methods=["GET", "POST"])
    app.add_url_rule("/api/act", "api_act", act, methods=["GET", "POST"])
    app.add_url_rule("/undecided", "undecided", undecided)
    yield app


@pytest.fixture
def alice(session: Session) -> Member:
    alice = make_member(session, "Alice")
    session.commit()
    return alice


def make_token(session: Session, member: Member, kind: str = TokenKind.API) -> str:
    secret = create_token(session, member, "Script", kind)
    session.commit()
    return secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_view_without_a_decision_answers_nobody(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    assert client.get("/undecided").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
    ],
)
def test_own_pages_and_programs_may_act(client: FlaskClient, alice: Member, headers: dict[str, str]) -> None:
    sign_in(client, alice)
    assert client.post("/act", headers=headers).text == "done by Alice"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://mallory.example"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "https://localhost"},
        {"Origin": "http://localhost.mallory.example"},
        {"Origin": "https://mallory.example", "Authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"Sec-Fetch-Site": "cross-site", "Authorization": "Basic YWxpY2U6c2VjcmV0"},
    ],
)
def test_mallorys_page_cannot_act_with_alices_cookie(
    client: FlaskClient, alice: Member, headers: dict[str, str]
) -> None:
    sign_in(client, alice)
    assert client.post("/act", headers=headers).status_code == 403


def test_links_from_elsewhere_may_read(client: FlaskClient, alice: Member) -> None:
    sign_in(client, alice)
    assert client.get("/act", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_bearer_token_acts_for_its_member(client: FlaskClient, session: Session, alice: Member) -> None:
    secret = make_token(session, alice)
    assert client.post("/api/act", headers=bearer(secret)).text == "done by Alice"
    assert client.post("/api/act", headers={"Authorization": f"bearer  {secret}"}).text == "done by Alice"


def test_token_of_a_program_opens_the_api_only(client: FlaskClient, session: Session, alice: Member) -> None:
    assert client.post("/act", headers=bearer(make_token(session, alice))).status_code == 401
    device = make_token(session, alice, TokenKind.DEVICE)
    assert client.post("/act", headers=bearer(device)).text == "done by Alice"


def test_no_token_makes_another_credential(client: FlaskClient, session: Session, alice: Member) -> None:
    device = make_token(session, alice, TokenKind.DEVICE)
    assert client.post("/settings/tokens", data={"name": "More"}, headers=bearer(device)).status_code == 401
    assert client.get("/team", headers=bearer(device)).status_code == 401


@pytest.mark.parametrize("secret", ["", "wl_wrong", "wl_" + "x" * 10_000, "ü"])
def test_bad_bearer_token_never_falls_back_to_the_cookie(client: FlaskClient, alice: Member, secret: str) -> None:
    sign_in(client, alice)
    answer = client.get("/act", headers=bearer(secret))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_bobs_token_beside_alices_cookie_is_bob(client: FlaskClient, session: Session, alice: Member) -> None:
    sign_in(client, alice)
    secret = make_token(session, make_member(session, "Bob"))
    assert client.get("/api/act", headers=bearer(secret)).text == "done by Bob"


def test_request_with_a_token_leaves_the_browser_session_alone(
    client: FlaskClient, session: Session, alice: Member
) -> None:
    sign_in(client, alice)
    answer = client.post("/sign-out", headers=bearer("wl_anything"))
    assert "Set-Cookie" not in answer.headers
    assert client.get("/act").status_code == 200


def test_api_says_401_as_problem_json(client: FlaskClient) -> None:
    answer = client.get("/api/act")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_page_leads_to_sign_in_and_back(client: FlaskClient) -> None:
    assert client.get("/act?a=1&b=2").headers["Location"] == "/sign-in?next=%2Fact%3Fa%3D1%26b%3D2"
    answer = client.post("/act")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


def test_partial_leads_the_whole_page_to_sign_in(client: FlaskClient) -> None:
    answer = client.get("/act", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:9000", "LOCALHOST:8000", "[::1]:8000"])
def test_names_of_this_machine_are_taken(client: FlaskClient, host: str) -> None:
    assert client.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["mallory.example", "127.0.0.1.mallory.example:8000", "10.0.0.1:8000", "localhost.", ""]
)
@pytest.mark.parametrize("path", ["/sign-in", "/api/act", "/gmail/push"])
def test_rebound_name_is_refused_everywhere(client: FlaskClient, host: str, path: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 421


def test_probes_may_ask_by_address(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Host": "10.0.0.1:8000"}).status_code == 200


def test_every_answer_carries_the_headers(client: FlaskClient, settings: Settings) -> None:
    for path in ("/sign-in", "/nowhere", "/act", "/api/act"):
        headers = client.get(path).headers
        policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["img-src"] == f"'self' data: {settings.edge_base_url}"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_https_hardens_cookies_and_transport(app: Flask, settings: Settings) -> None:
    address = "https://warmline.acme.example"
    secure = create_app(settings.model_copy(update={"base_url": address}))
    answer = secure.test_client().post("/sign-in/google", base_url=address)
    assert answer.headers["Set-Cookie"].startswith("__Host-warmline_session=")
    assert "; Secure; HttpOnly; Path=/; SameSite=Lax" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]
    secure.extensions["warmline_db"].dispose()
