"""The client against the stand-in and its faults: what each failure of Google means."""

import json
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import time_machine
from google.oauth2.credentials import Credentials
from pytest_httpserver import HTTPServer
from sqlmodel import Session

from server.accounts.models import Member
from server.gmail.access import seal_refresh_token
from server.gmail.client import Gmail, access_tokens
from server.gmail.errors import GmailFailure, HistoryExpired, NotFound, RateLimited, TokenRevoked
from server.gmail.models import Mailbox
from server.gmail.transport import OneTryHttp
from tests.factories import make_mailbox
from tests.stand_in import DEMO, FLYNN, StandIn


def make_mail(to: str = FLYNN, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["To"], mail["Subject"] = to, "Lunch?"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Hello")
    return mail.as_bytes()


def test_draft_is_sent_once_and_gone_afterwards(gmail: Gmail, stand_in: StandIn) -> None:
    draft = gmail.create_draft(make_mail(X_Warmline="abc"))
    assert gmail.has_draft(draft.draft_id)
    sent = gmail.send_draft(draft.draft_id)
    assert not gmail.has_draft(draft.draft_id)
    assert len(stand_in.list_inbox(FLYNN)) == 1
    assert gmail.find_sent(sent.thread_id, "X-Warmline", "abc") == sent
    assert gmail.find_sent(sent.thread_id, "X-Warmline", "abcd") is None
    with pytest.raises(NotFound):
        gmail.send_draft(draft.draft_id)


def test_message_id_is_read_back_whatever_its_case(gmail: Gmail) -> None:
    sent = gmail.send_draft(gmail.create_draft(make_mail(Message_ID="<ours@acme.example>")).draft_id)
    headers = gmail.get_headers(sent.gmail_id, ["Message-ID", "Message-Id"])
    assert set(headers) == {"message-id"} and headers["message-id"] != "<ours@acme.example>"


def test_raw_mail_comes_with_its_labels_and_time(gmail: Gmail, stand_in: StandIn) -> None:
    start = gmail.get_profile().history_id
    stand_in.send(FLYNN, DEMO, "Re: Lunch?")
    added = [mail for mail in gmail.list_history(start).added if "INBOX" in mail.label_ids]
    raw = gmail.get_raw(added[0].gmail_id)
    assert b"Subject: Re: Lunch?" in raw.raw
    assert "INBOX" in raw.label_ids and raw.received_at.tzinfo is not None


def test_history_that_gmail_forgot_is_expired(gmail: Gmail, stand_in: StandIn) -> None:
    stand_in.script({"match": "GET .*/history", "fault": "history404", "count": 1})
    with pytest.raises(HistoryExpired):
        gmail.list_history(1)


@pytest.mark.parametrize(
    ("fault", "kind", "in_doubt", "accepted"),
    [
        ("drop_after", GmailFailure, True, 1),
        ("drop_before", GmailFailure, True, 0),
        ("500", GmailFailure, True, 0),
        ("503", GmailFailure, True, 0),
        ("429", RateLimited, False, 0),
        ("403rateLimit", RateLimited, False, 0),
    ],
)
def test_failed_send_says_whether_it_is_in_doubt(
    gmail: Gmail, stand_in: StandIn, fault: str, kind: type[GmailFailure], in_doubt: bool, accepted: int
) -> None:
    draft = gmail.create_draft(make_mail())
    stand_in.script({"match": "POST .*/drafts/send", "count": 1, "fault": fault})
    with pytest.raises(kind) as failure:
        gmail.send_draft(draft.draft_id)
    assert (failure.value.permanent, failure.value.in_doubt) == (False, in_doubt)
    assert len(stand_in.list_inbox(FLYNN)) == accepted


def test_revoked_refresh_token_is_told_apart_and_nothing_was_sent(
    gmail: Gmail, mailbox: Mailbox, stand_in: StandIn
) -> None:
    stand_in.script({"match": "POST /token", "fault": "invalid_grant"})
    access_tokens.forget()
    with Gmail.open(mailbox) as fresh, pytest.raises(TokenRevoked) as failure:
        fresh.get_profile()
    assert failure.value.permanent and not failure.value.in_doubt


def test_rejected_access_token_is_refreshed_behind_the_call(gmail: Gmail, stand_in: StandIn) -> None:
    stand_in.script({"match": "GET .*/profile", "fault": "401", "count": 1})
    assert gmail.get_profile().email == DEMO


def test_second_job_begins_with_the_access_token_of_the_first(mailbox: Mailbox, stand_in: StandIn) -> None:
    with Gmail.open(mailbox) as first:
        first.get_profile()
    stand_in.script({"match": "POST /token", "fault": "invalid_grant"})
    with Gmail.open(mailbox) as second:
        assert second.get_profile().email == DEMO


def test_mailbox_linked_anew_does_not_use_the_old_access_token(
    session: Session, mailbox: Mailbox, stand_in: StandIn
) -> None:
    with Gmail.open(mailbox) as gmail:
        gmail.get_profile()
    seal_refresh_token(mailbox, "1//another")
    with Gmail.open(mailbox) as gmail, pytest.raises(TokenRevoked):
        gmail.get_profile()


def test_token_sealed_for_another_mailbox_opens_nothing(session: Session, mailbox: Mailbox, alice: Member) -> None:
    other = make_mailbox(session, alice, email="other@acme.example", refresh_token_sealed=mailbox.refresh_token_sealed)
    with pytest.raises(GmailFailure, match=r"do not open the token of other@acme\.example"):
        Gmail.open(other)


ERRORS = [
    (400, {"errors": [{"reason": "invalidArgument"}]}, GmailFailure, True, False),
    (400, {"errors": [{"reason": "failedPrecondition"}]}, GmailFailure, True, False),
    (403, {"errors": [{"reason": "insufficientPermissions"}]}, GmailFailure, True, False),
    (403, {"details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}, GmailFailure, True, False),
    (403, {"errors": [{"reason": "accessNotConfigured"}]}, GmailFailure, True, False),
    (403, {"errors": [{"reason": "userRateLimitExceeded"}]}, RateLimited, False, False),
    (403, {"errors": [{"reason": "quotaExceeded"}]}, RateLimited, False, False),
    (403, {"errors": [{"reason": "dailyLimitExceeded"}]}, RateLimited, False, False),
    (404, {"errors": [{"reason": "notFound"}]}, NotFound, True, False),
    (409, {"errors": [{"reason": "aborted"}]}, GmailFailure, False, False),
    (429, {}, RateLimited, False, False),
    (502, "<html>Bad Gateway</html>", GmailFailure, False, True),
    (504, {}, GmailFailure, False, True),
    (500, [1, 2], GmailFailure, False, True),
    (302, {}, GmailFailure, True, False),
    (200, "{", GmailFailure, False, True),
    (200, {"no": "profile"}, GmailFailure, False, True),
    (200, [1], GmailFailure, False, True),
]


@pytest.fixture
def odd_gmail(mailbox: Mailbox, httpserver: HTTPServer) -> Iterator[Gmail]:
    credentials = Credentials(token="good", expiry=None)
    gmail = Gmail(mailbox, credentials, httpserver.url_for("").rstrip("/"))
    yield gmail
    gmail.close()


@pytest.mark.parametrize(("status", "error", "kind", "permanent", "in_doubt"), ERRORS)
def test_each_answer_of_google_has_one_meaning(
    odd_gmail: Gmail,
    httpserver: HTTPServer,
    status: int,
    error: object,
    kind: type[GmailFailure],
    permanent: bool,
    in_doubt: bool,
) -> None:
    body = json.dumps({"error": error} if isinstance(error, dict) and status != 200 else error)
    if isinstance(error, str):
        body = error
    httpserver.expect_request("/gmail/v1/users/me/profile").respond_with_data(body, status=status)
    with pytest.raises(GmailFailure) as failure:
        odd_gmail.get_profile()
    assert type(failure.value) is kind
    assert (failure.value.permanent, failure.value.in_doubt) == (permanent, in_doubt)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "17"}, "", 17),
        ({"Retry-After": "Sat, 21 Nov 2026 12:01:00 GMT"}, "", 60),
        ({}, "User-rate limit exceeded.  Retry after 2026-11-21T12:00:30.000Z", 30),
        ({"Retry-After": "soon"}, "", None),
        ({}, "", None),
    ],
)
def test_advice_when_to_come_back_is_read(
    odd_gmail: Gmail, httpserver: HTTPServer, headers: dict[str, str], message: str, seconds: int | None
) -> None:
    request = httpserver.expect_request("/gmail/v1/users/me/profile")
    request.respond_with_json({"error": {"message": message}}, status=429, headers=headers)
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False), pytest.raises(RateLimited) as failure:
        odd_gmail.get_profile()
    assert failure.value.retry_after_seconds == seconds


def test_server_that_nobody_reaches_has_done_nothing(mailbox: Mailbox) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        gmail = Gmail(mailbox, Credentials(token="good"), endpoint)
        with pytest.raises(GmailFailure) as failure:
            gmail.send_draft("r1")
    assert (failure.value.permanent, failure.value.in_doubt) == (False, False)


class HangUp(threading.Thread):
    """A server that reads each request and ends the connection without a word."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []

    def run(self) -> None:
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65536).split(b" ")[0])


@pytest.fixture
def hang_up() -> Iterator[HangUp]:
    server = HangUp()
    server.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    server.join()


def test_send_without_an_answer_is_never_repeated(mailbox: Mailbox, hang_up: HangUp) -> None:
    endpoint = f"http://127.0.0.1:{hang_up.listener.getsockname()[1]}"
    with Gmail(mailbox, Credentials(token="good"), endpoint) as gmail:
        with pytest.raises(GmailFailure) as failure:
            gmail.send_draft("r1")
        assert failure.value.in_doubt
        assert hang_up.requests == [b"POST"]
        with pytest.raises(GmailFailure):
            gmail.get_profile()
    assert len(hang_up.requests) == 3  # only the reading one had a second try


def test_connection_gone_stale_is_replaced_before_an_effect(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/effect", method="POST").respond_with_data("done", headers={"Connection": "close"})
    http = OneTryHttp()
    answers = [http.request(httpserver.url_for("/effect"), "POST", body=b"")[1] for _ in range(3)]
    http.close()  # type: ignore[no-untyped-call]
    assert answers == [b"done"] * 3
    assert len(httpserver.log) == 3
