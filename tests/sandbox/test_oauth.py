"""The stand-in's OAuth as google-auth-oauthlib and google-auth see it."""

from collections.abc import Callable
from typing import Any

import google.auth.transport.requests
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from googleapiclient.errors import HttpError
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from server.config import STAND_IN_CLIENT_ID
from tests.stand_in import DEMO, FLYNN, StandIn

READ = "https://www.googleapis.com/auth/gmail.readonly"
SEND = "https://www.googleapis.com/auth/gmail.send"
SETTINGS = "https://www.googleapis.com/auth/gmail.settings.basic"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
BACK = "http://127.0.0.1:8000/gmail/callback"

MakeFlow = Callable[..., Flow]


@pytest.fixture
def make_flow(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> MakeFlow:
    """Makes flows whose answer may name other scopes than were asked for."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    client = {
        "client_id": STAND_IN_CLIENT_ID,
        "client_secret": STAND_IN_CLIENT_ID,
        "auth_uri": f"{stand_in.url}/o/oauth2/auth",
        "token_uri": f"{stand_in.url}/token",
    }
    return lambda *scopes: Flow.from_client_config({"web": client}, scopes=scopes, redirect_uri=BACK)


def authorise(stand_in: StandIn, flow: Flow, account: str = DEMO, **more: Any) -> dict[str, Any]:
    url, state = flow.authorization_url(access_type="offline", prompt="consent")
    answer = stand_in.consent(url, account, **more)
    assert answer["state"] == state
    token: dict[str, Any] = flow.fetch_token(code=answer["code"])
    return token


def call_profile(stand_in: StandIn, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{stand_in.url}/gmail/v1/users/me/profile", headers=headers, timeout=30)


def refresh(credentials: Credentials) -> None:
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session=session))


def test_code_gives_tokens_that_open_the_mailbox(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow("openid", EMAIL, READ)
    token = authorise(stand_in, flow)
    assert set(token["scope"]) == {"openid", EMAIL, READ}
    assert token["expires_in"] == 3599
    profile = stand_in.gmail(DEMO, token["access_token"]).getProfile(userId="me").execute()
    assert profile["emailAddress"] == DEMO


def test_id_token_is_signed_and_names_the_account(stand_in: StandIn, make_flow: MakeFlow) -> None:
    token = authorise(stand_in, make_flow("openid", EMAIL))
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session=session)
        certs = f"{stand_in.url}/oauth2/v1/certs"
        claims = id_token.verify_token(token["id_token"], request, audience=STAND_IN_CLIENT_ID, certs_url=certs)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (DEMO, True)
    assert "name" not in claims


def test_code_is_worth_something_once(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    url, _state = flow.authorization_url()
    code = stand_in.consent(url, DEMO)["code"]
    flow.fetch_token(code=code)
    with pytest.raises(InvalidGrantError):
        flow.fetch_token(code=code)


def test_code_is_worth_nothing_without_its_verifier(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    url, _state = flow.authorization_url()
    code = stand_in.consent(url, DEMO)["code"]
    flow.code_verifier = "x" * 64
    with pytest.raises(InvalidGrantError):
        flow.fetch_token(code=code)


def test_cancel_comes_back_as_access_denied(stand_in: StandIn, make_flow: MakeFlow) -> None:
    url, state = make_flow(READ).authorization_url()
    assert stand_in.consent(url, DEMO, decision="cancel") == {"error": "access_denied", "state": state}


def test_unticked_scope_is_neither_granted_nor_usable(stand_in: StandIn, make_flow: MakeFlow) -> None:
    token = authorise(stand_in, make_flow("openid", READ, SEND), scopes=[SEND])
    assert set(token["scope"]) == {"openid", SEND}
    with pytest.raises(HttpError) as error:
        stand_in.gmail(DEMO, token["access_token"]).messages().list(userId="me").execute()
    assert error.value.resp.status == 403
    assert error.value.error_details[0]["reason"] == "insufficientPermissions"


def test_refresh_token_comes_only_with_offline_access(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    url, _state = flow.authorization_url(access_type="online")
    assert "refresh_token" not in flow.fetch_token(code=stand_in.consent(url, DEMO)["code"])


def test_expired_access_token_is_refused_and_refreshed(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    token = authorise(stand_in, flow)
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "access_tokens"})
    answer = call_profile(stand_in, token["access_token"])
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "authError")
    credentials = flow.credentials
    refresh(credentials)
    assert stand_in.gmail(DEMO, credentials.token).getProfile(userId="me").execute()["emailAddress"] == DEMO


def test_revoked_grant_is_an_invalid_grant(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    token = authorise(stand_in, flow)
    first = requests.post(f"{stand_in.url}/revoke", data={"token": token["refresh_token"]}, timeout=30)
    assert first.status_code == 200
    with pytest.raises(RefreshError, match="invalid_grant"):
        refresh(flow.credentials)
    assert call_profile(stand_in, token["access_token"]).status_code == 401
    again = requests.post(f"{stand_in.url}/revoke", data={"token": token["refresh_token"]}, timeout=30)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_person_can_take_the_grant_back_at_google(stand_in: StandIn, make_flow: MakeFlow) -> None:
    flow = make_flow(READ)
    authorise(stand_in, flow)
    stand_in.steer("POST", "expire", {"email": DEMO, "what": "refresh_tokens"})
    with pytest.raises(RefreshError, match="invalid_grant"):
        refresh(flow.credentials)
    assert stand_in.list_inbox(DEMO) == []


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"redirect_uri": "https://evil.example/back"}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://["}, 400, "redirect_uri_mismatch"),
        ({"redirect_uri": "javascript://127.0.0.1/x"}, 400, "redirect_uri_mismatch"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"redirect_uri": ""}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request"),
    ],
)
def test_wrong_request_is_answered_on_the_page_and_never_redirects(
    stand_in: StandIn, change: dict[str, str], status: int, error: str
) -> None:
    right = {
        "client_id": STAND_IN_CLIENT_ID,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": READ,
        "state": "s",
    }
    for method in ("GET", "POST"):
        answer = requests.request(
            method, f"{stand_in.url}/o/oauth2/auth", params=right | change, allow_redirects=False, timeout=30
        )
        assert answer.status_code == status
        assert error in answer.text


def test_consent_page_offers_accounts_and_only_optional_scopes(stand_in: StandIn, make_flow: MakeFlow) -> None:
    url, _state = make_flow("openid", EMAIL, READ).authorization_url(login_hint=FLYNN)
    page = requests.get(url, timeout=30)
    assert f'value="{FLYNN}" checked' in page.text
    assert f'value="{READ}" checked' in page.text
    assert EMAIL not in page.text
    assert "form-action 'self' http://127.0.0.1:8000" in page.headers["Content-Security-Policy"]
    assert requests.get(f"{stand_in.url}/consent.css", timeout=30).headers["Content-Type"].startswith("text/css")


def test_consent_from_another_site_is_refused(stand_in: StandIn, make_flow: MakeFlow) -> None:
    url, _state = make_flow(READ).authorization_url()
    data = {"account": DEMO, "decision": "allow_all"}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert requests.post(url, data=data, headers=headers, allow_redirects=False, timeout=30).status_code == 403


def test_wrong_client_secret_is_refused(stand_in: StandIn) -> None:
    data = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": STAND_IN_CLIENT_ID, "client_secret": "no"}
    answer = requests.post(f"{stand_in.url}/token", data=data, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_missing_token_is_unauthenticated(stand_in: StandIn) -> None:
    answer = requests.get(f"{stand_in.url}/gmail/v1/users/me/profile", timeout=30)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_settings_scope_opens_send_as_but_no_mail(stand_in: StandIn, make_flow: MakeFlow) -> None:
    users = stand_in.gmail(DEMO, authorise(stand_in, make_flow(SETTINGS))["access_token"])
    (alias,) = users.settings().sendAs().list(userId="me").execute()["sendAs"]
    assert (alias["sendAsEmail"], alias["isPrimary"]) == (DEMO, True)
    with pytest.raises(HttpError):
        users.messages().list(userId="me").execute()


def test_metadata_scope_gives_headers_but_no_bodies_and_no_search(stand_in: StandIn, make_flow: MakeFlow) -> None:
    sent = stand_in.send(DEMO, FLYNN)
    token = authorise(stand_in, make_flow("https://www.googleapis.com/auth/gmail.metadata"))
    messages = stand_in.gmail(DEMO, token["access_token"]).messages()
    assert "parts" not in messages.get(userId="me", id=sent["id"], format="metadata").execute()["payload"]
    for call in (messages.get(userId="me", id=sent["id"], format="raw"), messages.list(userId="me", q="in:sent")):
        with pytest.raises(HttpError) as error:
            call.execute()
        assert error.value.resp.status == 403


def test_userinfo_names_the_account(stand_in: StandIn) -> None:
    headers = {"Authorization": f"Bearer {stand_in.tokens[FLYNN]}"}
    answer = requests.get(f"{stand_in.url}/oauth2/v3/userinfo", headers=headers, timeout=30).json()
    assert (answer["email"], answer["name"]) == (FLYNN, "Kevin Flynn")
    assert requests.get(f"{stand_in.url}/oauth2/v2/userinfo", headers=headers, timeout=30).json()["id"] == answer["sub"]


def test_discovery_document_leads_to_the_keys(stand_in: StandIn) -> None:
    described = requests.get(f"{stand_in.url}/.well-known/openid-configuration", timeout=30).json()
    keys = requests.get(described["jwks_uri"], timeout=30).json()["keys"]
    certificates = requests.get(f"{stand_in.url}/oauth2/v1/certs", timeout=30).json()
    assert [key["kid"] for key in keys] == list(certificates)
