"""Linking a mailbox through Google's consent page, and each way in which that can end; then disconnecting it."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from sqlmodel import Session, select
from werkzeug.test import TestResponse

from server import jobs
from server.accounts.models import Member, Workspace
from server.clock import now
from server.config import Settings
from server.gmail.access import get_refresh_token
from server.gmail.mailboxes import find_mailbox, mark_revoked
from server.gmail.models import Mailbox, MailboxState, PubsubNotification, QuarantinedMail
from server.gmail.oauth import COMPOSE_SCOPE, MAILBOX_SCOPES, READ_SCOPE
from server.messages.models import InboundMail
from tests.factories import add, make_copy, make_mailbox, make_member
from tests.sign_in import sign_in
from tests.stand_in import DEMO, FLYNN, StandIn


@pytest.fixture
def browser(client: FlaskClient, alice: Member) -> FlaskClient:
    """Alice's browser, signed in."""
    sign_in(client, alice)
    return client


def ask(browser: FlaskClient, email: str = "") -> str:
    """Press “Connect” and return the address of Google's page."""
    answer = browser.post("/mailboxes/authorization", data={"email": email})
    assert answer.status_code == 303
    return answer.headers["Location"]


def come_back(browser: FlaskClient, **query: str) -> TestResponse:
    """Return with Google's answer and follow to the page that says what came of it."""
    return browser.get("/gmail/callback", query_string=query, follow_redirects=True)


def linked(session: Session) -> list[str]:
    session.commit()  # nothing: it lets the session see what the app has written since
    emails = list(session.exec(select(Mailbox.email).where(Mailbox.state == MailboxState.LINKED)))
    session.commit()
    return emails


def test_member_connects_a_mailbox(
    session: Session, settings: Settings, browser: FlaskClient, alice: Member, stand_in: StandIn
) -> None:
    page = come_back(browser, **stand_in.consent(ask(browser), DEMO))
    assert f"{DEMO} is connected" in page.text and "every 2s" in page.text
    session.commit()
    mailbox = find_mailbox(session, alice)
    assert mailbox is not None and (mailbox.email, mailbox.state) == (DEMO, MailboxState.LINKED)
    assert set(mailbox.granted_scopes.split()) == MAILBOX_SCOPES
    token = get_refresh_token(mailbox)
    assert token and token.encode() not in (mailbox.refresh_token_sealed or b"")
    session.commit()
    jobs.renew_watch(mailbox.id)
    jobs.sync_mailbox(mailbox.id)
    session.refresh(mailbox)
    assert mailbox.watch_expires_at and mailbox.history_id and mailbox.last_sync_at
    assert mailbox.watch_error == mailbox.sync_error == ""
    session.commit()
    assert "every 2s" not in browser.get("/mailboxes").text


def test_consent_is_asked_with_pkce_state_and_lasting_access(browser: FlaskClient) -> None:
    query = parse_qs(urlsplit(ask(browser, "riley@acme.example")).query)
    assert query["code_challenge_method"] == ["S256"] and len(query["code_challenge"][0]) == 43
    assert len(query["state"][0]) >= 22
    assert (query["access_type"], query["prompt"]) == (["offline"], ["consent"])
    assert query["login_hint"] == ["riley@acme.example"]
    assert set(query["scope"][0].split()) == MAILBOX_SCOPES


def test_browser_may_follow_the_form_to_google(browser: FlaskClient, settings: Settings, stand_in: StandIn) -> None:
    policy = browser.get("/mailboxes").headers["Content-Security-Policy"]
    assert f"form-action 'self' {stand_in.url};" in policy


def test_member_who_cancels_is_told_that_nothing_changed(
    session: Session, browser: FlaskClient, stand_in: StandIn
) -> None:
    page = come_back(browser, **stand_in.consent(ask(browser), DEMO, decision="cancel"))
    assert "You cancelled on Google&#39;s page" in page.text
    assert linked(session) == []


def test_answer_with_another_state_is_refused(session: Session, browser: FlaskClient, stand_in: StandIn) -> None:
    answer = stand_in.consent(ask(browser), DEMO)
    page = come_back(browser, **{**answer, "state": "forged"})
    assert "belongs to no request of this browser" in page.text
    assert linked(session) == []


def test_answer_without_a_state_is_refused(session: Session, browser: FlaskClient, stand_in: StandIn) -> None:
    answer = stand_in.consent(ask(browser), DEMO)
    assert "belongs to no request of this browser" in come_back(browser, code=answer["code"]).text
    assert linked(session) == []


def test_answer_that_nobody_asked_for_is_refused(session: Session, browser: FlaskClient) -> None:
    assert "belongs to no request of this browser" in come_back(browser, code="4/abc", state="x" * 30).text
    assert linked(session) == []


def test_answer_for_another_member_in_the_same_browser_is_refused(
    session: Session, browser: FlaskClient, stand_in: StandIn, alice: Member
) -> None:
    answer = stand_in.consent(ask(browser), DEMO)
    sign_in(browser, make_member(session, "Bob"))
    assert "belongs to no request of this browser" in come_back(browser, **answer).text
    assert linked(session) == []


def test_answer_used_twice_is_refused_and_the_mailbox_stays(
    session: Session, browser: FlaskClient, stand_in: StandIn
) -> None:
    answer = stand_in.consent(ask(browser), DEMO)
    come_back(browser, **answer)
    assert "was already used" in come_back(browser, **answer).text
    assert linked(session) == [DEMO]


def test_code_that_google_no_longer_takes_is_called_used(
    session: Session, browser: FlaskClient, stand_in: StandIn
) -> None:
    answer = stand_in.consent(ask(browser), DEMO)
    assert "already used, or is too old" in come_back(browser, **{**answer, "code": "4/never-given"}).text
    assert linked(session) == []


def test_code_of_another_browser_does_not_pass_pkce(
    session: Session, browser: FlaskClient, stand_in: StandIn, alice: Member
) -> None:
    stolen = stand_in.consent(ask(browser), DEMO)["code"]
    mine = stand_in.consent(ask(browser), FLYNN)
    assert "already used, or is too old" in come_back(browser, **{**mine, "code": stolen}).text
    assert linked(session) == []


@pytest.mark.parametrize(("left_out", "name"), [(READ_SCOPE, "View your email"), (COMPOSE_SCOPE, "Manage drafts")])
def test_permission_left_unticked_is_named(
    session: Session, browser: FlaskClient, stand_in: StandIn, left_out: str, name: str
) -> None:
    answer = stand_in.consent(ask(browser), DEMO, scopes=sorted(MAILBOX_SCOPES - {left_out}))
    page = come_back(browser, **answer)
    assert name in page.text and "tick the box" in page.text
    assert linked(session) == []


@pytest.mark.parametrize("query", [{"error": "server_error"}, {"code": ""}, {}])
def test_odd_answer_says_so(session: Session, browser: FlaskClient, query: dict[str, str]) -> None:
    state = parse_qs(urlsplit(ask(browser)).query)["state"][0]
    assert "made no sense" in come_back(browser, state=state, **query).text
    assert linked(session) == []


@pytest.mark.parametrize(
    "token",
    [
        {},
        {"access_token": "ya29"},
        {"access_token": "ya29", "id_token": "garbage", "scope": "openid"},
        {"access_token": "ya29", "id_token": 7},
        ["ya29"],
        "plain text",
    ],
)
def test_odd_token_says_so(
    session: Session, settings: Settings, browser: FlaskClient, httpserver: HTTPServer, token: object
) -> None:
    settings.google_token_uri = httpserver.url_for("/token")
    httpserver.expect_request("/token").respond_with_json(token)
    state = parse_qs(urlsplit(ask(browser)).query)["state"][0]
    assert "made no sense" in come_back(browser, state=state, code="4/abc").text
    assert linked(session) == []


def test_google_away_while_linking_is_said(session: Session, settings: Settings, browser: FlaskClient) -> None:
    settings.google_token_uri = "http://127.0.0.1:9/token"
    state = parse_qs(urlsplit(ask(browser)).query)["state"][0]
    assert "could not be reached" in come_back(browser, state=state, code="4/abc").text
    assert linked(session) == []


def test_mailbox_of_a_colleague_is_not_taken_over(
    session: Session, browser: FlaskClient, stand_in: StandIn, alice: Member
) -> None:
    bob = make_member(session, "Bob", workspace=session.get(Workspace, alice.workspace_id))
    mailbox = make_mailbox(session, bob, email=DEMO)
    session.commit()
    assert "already connected by a colleague" in come_back(browser, **stand_in.consent(ask(browser), DEMO)).text
    session.refresh(mailbox)
    assert mailbox.member_id == bob.id
    mailbox.state = MailboxState.DISCONNECTED
    session.commit()
    assert "is connected" in come_back(browser, **stand_in.consent(ask(browser), DEMO)).text
    assert linked(session) == [DEMO]


def test_revoked_mailbox_is_linked_anew_with_its_cursor(
    session: Session, browser: FlaskClient, stand_in: StandIn, mailbox: Mailbox
) -> None:
    cursor = mailbox.history_id
    mark_revoked(session, mailbox, "gone")
    session.commit()
    page = browser.get("/mailboxes").text
    assert "Access withdrawn" in page and f"no longer lets Warmline into {DEMO}" in page
    come_back(browser, **stand_in.consent(ask(browser, DEMO), DEMO))
    session.refresh(mailbox)
    assert (mailbox.state, mailbox.history_id) == (MailboxState.LINKED, cursor)
    assert "no longer lets" not in browser.get("/mailboxes").text


def test_other_account_than_the_one_to_reconnect_is_pointed_out(
    session: Session, browser: FlaskClient, stand_in: StandIn, mailbox: Mailbox
) -> None:
    page = come_back(browser, **stand_in.consent(ask(browser, DEMO), FLYNN))
    assert f"You chose another account than {DEMO}" in page.text
    assert sorted(linked(session)) == sorted([DEMO, FLYNN])


def test_page_without_a_mailbox_warns_everywhere(browser: FlaskClient) -> None:
    for address in ("/mailboxes", "/mailboxes/banner"):
        assert "Replies are not tracked: no mailbox is connected." in browser.get(address).text


def test_disconnected_mailbox_is_revoked_at_google_and_its_copies_are_deleted(
    session: Session, browser: FlaskClient, stand_in: StandIn, mailbox: Mailbox, settings: Settings
) -> None:
    copy = make_copy(session, mailbox)
    add(session, QuarantinedMail(mailbox_id=mailbox.id, gmail_id="g1", reason="odd"))
    add(session, PubsubNotification(pubsub_message_id="p1", mailbox_id=mailbox.id))
    add(session, make_inbound(mailbox, copy.id or 0))
    session.commit()
    assert "Never Mind" in browser.get(f"/mailboxes/{mailbox.id}/disconnection").text
    page = browser.post(f"/mailboxes/{mailbox.id}/disconnection", follow_redirects=True)
    assert f"{DEMO} is disconnected." in page.text and "Being disconnected" in page.text
    jobs.disconnect_mailbox(mailbox.id)
    session.refresh(mailbox)
    assert (mailbox.state, mailbox.refresh_token_sealed, mailbox.history_id) == (MailboxState.DISCONNECTED, None, None)
    for table in (QuarantinedMail, PubsubNotification, InboundMail):
        assert session.exec(select(table)).all() == []
    session.commit()
    assert DEMO not in browser.get("/mailboxes").text
    jobs.disconnect_mailbox(mailbox.id)


def test_access_is_really_gone_at_google(
    session: Session, browser: FlaskClient, stand_in: StandIn, mailbox: Mailbox, settings: Settings
) -> None:
    token = get_refresh_token(mailbox)
    session.commit()
    browser.delete(f"/mailboxes/{mailbox.id}")
    jobs.disconnect_mailbox(mailbox.id)
    refresh = {"grant_type": "refresh_token", "refresh_token": token, "client_id": settings.google_client_id,
               "client_secret": settings.google_client_secret}  # fmt: skip
    assert requests.post(settings.google_token_uri, data=refresh, timeout=10).json()["error"] == "invalid_grant"


def test_disconnect_waits_for_a_google_that_is_away(
    session: Session, browser: FlaskClient, stand_in: StandIn, mailbox: Mailbox
) -> None:
    session.commit()
    browser.delete(f"/mailboxes/{mailbox.id}")
    stand_in.script({"match": "POST /revoke", "fault": "503", "count": 1})
    jobs.disconnect_mailbox(mailbox.id)
    session.refresh(mailbox)
    session.commit()
    assert mailbox.refresh_token_sealed is not None
    session.commit()
    jobs.disconnect_mailbox(mailbox.id)
    session.refresh(mailbox)
    assert mailbox.refresh_token_sealed is None


def test_mailbox_of_another_workspace_is_not_found(client: FlaskClient, session: Session, mailbox: Mailbox) -> None:
    sign_in(client, make_member(session, "Mallory"))
    assert client.get(f"/mailboxes/{mailbox.id}/disconnection").status_code == 404
    assert client.delete(f"/mailboxes/{mailbox.id}").status_code == 404
    assert DEMO not in client.get("/mailboxes").text
    assert linked(session) == [DEMO]


def test_guest_is_sent_to_sign_in(client: FlaskClient) -> None:
    for answer in (client.get("/mailboxes"), client.get("/gmail/callback"), client.post("/mailboxes/authorization")):
        assert answer.status_code in (302, 303) and answer.headers["Location"].startswith("/sign-in")


def make_inbound(mailbox: Mailbox, copy_id: int) -> InboundMail:
    return InboundMail(
        mailbox_id=mailbox.id, copy_id=copy_id, gmail_id="g2", kind="reply", sender_address=FLYNN, received_at=now()
    )
