"""Gmail's history, watch and notifications: pushed with a signed token, or pulled."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import google.auth.transport.requests
import pytest
import requests
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token
from googleapiclient.errors import HttpError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.stand_in import DEMO, FLYNN, StandIn, wait_until

TOPIC = "projects/warmline/topics/gmail"
PULL = "/v1/projects/warmline/subscriptions/gmail"


def read_history(stand_in: StandIn, start: str, **more: Any) -> list[dict[str, Any]]:
    history, token, seen = stand_in.gmail(DEMO).history(), None, []
    while True:
        page = history.list(userId="me", startHistoryId=start, pageToken=token, **more).execute()
        seen += page.get("history", [])
        token = page.get("nextPageToken")
        if token is None:
            return seen


def test_history_after_a_cursor_tells_each_change_once_and_in_order(stand_in: StandIn) -> None:
    users = stand_in.gmail(DEMO)
    start = users.getProfile(userId="me").execute()["historyId"]
    stand_in.send(FLYNN, DEMO, "One")
    (mail,) = stand_in.list_inbox(DEMO)
    users.messages().modify(userId="me", id=mail["id"], body={"removeLabelIds": ["UNREAD"]}).execute()
    users.messages().delete(userId="me", id=mail["id"]).execute()
    changes = read_history(stand_in, start, maxResults=1)
    assert [sorted(set(change) - {"id", "messages"})[0] for change in changes] == [
        "messagesAdded",
        "labelsRemoved",
        "messagesDeleted",
    ]
    assert changes[0]["messagesAdded"][0]["message"]["labelIds"] == ["CATEGORY_PERSONAL", "INBOX", "UNREAD"]
    assert changes[1]["labelsRemoved"][0]["labelIds"] == ["UNREAD"]
    ids = [int(change["id"]) for change in changes]
    assert ids == sorted(ids)
    assert int(start) < ids[0]
    newest = users.getProfile(userId="me").execute()["historyId"]
    assert users.history().list(userId="me", startHistoryId=newest).execute() == {"historyId": newest}


def test_history_can_be_narrowed(stand_in: StandIn) -> None:
    start = stand_in.gmail(DEMO).getProfile(userId="me").execute()["historyId"]
    stand_in.send(FLYNN, DEMO)
    stand_in.send(DEMO, FLYNN)
    assert len(read_history(stand_in, start, historyTypes=["messageAdded"])) == 2
    assert len(read_history(stand_in, start, labelId="INBOX")) == 1
    assert read_history(stand_in, start, historyTypes=["messageDeleted"]) == []


@pytest.mark.parametrize("kind", ["expired", "future"])
def test_unknown_cursor_is_not_found(stand_in: StandIn, kind: str) -> None:
    start = int(stand_in.gmail(DEMO).getProfile(userId="me").execute()["historyId"])
    if kind == "expired":
        stand_in.steer("POST", "expire", {"email": DEMO, "what": "history"})
    else:
        start += 1000
    with pytest.raises(HttpError) as error:
        read_history(stand_in, str(start))
    assert error.value.resp.status == 404
    assert error.value.error_details[0]["reason"] == "notFound"


def test_watch_lasts_seven_days_and_needs_a_topic(stand_in: StandIn) -> None:
    users = stand_in.gmail(DEMO)
    watch = users.watch(userId="me", body={"topicName": TOPIC}).execute()
    assert watch["historyId"] == users.getProfile(userId="me").execute()["historyId"]
    assert int(watch["expiration"]) > 1_700_000_000_000
    with pytest.raises(HttpError) as error:
        users.watch(userId="me", body={"topicName": "gmail"}).execute()
    assert error.value.resp.status == 400


@pytest.fixture
def pushes(stand_in: StandIn, httpserver: HTTPServer) -> Iterator[list[Request]]:
    """The push requests that arrived; the first one is answered 503."""
    arrived: list[Request] = []

    def receive(request: Request) -> Response:
        request.get_data()
        arrived.append(request)
        return Response(status=503 if len(arrived) == 1 else 204)

    httpserver.expect_request("/gmail/push", method="POST").respond_with_handler(receive)
    endpoint = httpserver.url_for("/gmail/push")
    account = "push@warmline.iam.gserviceaccount.com"
    stand_in.steer("PUT", "push", {"endpoint": endpoint, "audience": endpoint, "service_account": account})
    yield arrived
    stand_in.steer("PUT", "push", {"endpoint": ""})


def read_push(request: Request) -> dict[str, Any]:
    data = json.loads(request.get_data())["message"]["data"]
    notification: dict[str, Any] = json.loads(base64.b64decode(data))
    return notification


def test_push_is_tried_again_until_it_is_acknowledged(stand_in: StandIn, pushes: list[Request]) -> None:
    users = stand_in.gmail(DEMO)
    users.watch(userId="me", body={"topicName": TOPIC}).execute()
    wait_until(lambda: len(pushes) >= 2, "the second try")
    assert read_push(pushes[0]) == read_push(pushes[1])
    stand_in.send(FLYNN, DEMO)
    newest = int(users.getProfile(userId="me").execute()["historyId"])
    wait_until(lambda: read_push(pushes[-1]) == {"emailAddress": DEMO, "historyId": newest}, "the push")
    body = json.loads(pushes[-1].get_data())
    assert body["subscription"] == "projects/warmline/subscriptions/gmail"
    assert body["message"]["messageId"].isdigit()


def test_push_token_is_verified_against_the_certificates(stand_in: StandIn, pushes: list[Request]) -> None:
    stand_in.gmail(DEMO).watch(userId="me", body={"topicName": TOPIC}).execute()
    wait_until(lambda: pushes, "a push")
    token = pushes[0].headers["Authorization"].removeprefix("Bearer ")
    certs, audience = f"{stand_in.url}/oauth2/v1/certs", pushes[0].url
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session=session)
        claims = id_token.verify_token(token, request, audience=audience, certs_url=certs)
        with pytest.raises(GoogleAuthError):
            id_token.verify_token(token, request, audience="https://else.example", certs_url=certs)
        with pytest.raises((GoogleAuthError, ValueError)):
            id_token.verify_token(token[:-6] + "AAAAAA", request, audience=audience, certs_url=certs)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == ("push@warmline.iam.gserviceaccount.com", True)


def pull(stand_in: StandIn, act: str, **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{stand_in.url}{PULL}:{act}", json=body, timeout=30)
    answer.raise_for_status()
    result: dict[str, Any] = answer.json()
    return result


def test_pulled_message_comes_again_until_it_is_acknowledged(stand_in: StandIn) -> None:
    stand_in.gmail(DEMO).watch(userId="me", body={"topicName": TOPIC}).execute()
    (received,) = pull(stand_in, "pull", maxMessages=10)["receivedMessages"]
    data = json.loads(base64.b64decode(received["message"]["data"]))
    assert data["emailAddress"] == DEMO
    assert pull(stand_in, "pull", maxMessages=10, returnImmediately=True) == {}
    pull(stand_in, "modifyAckDeadline", ackIds=[received["ackId"]], ackDeadlineSeconds=0)
    (again,) = pull(stand_in, "pull", maxMessages=10)["receivedMessages"]
    assert again["message"] == received["message"]
    pull(stand_in, "acknowledge", ackIds=[again["ackId"]])
    assert pull(stand_in, "pull", returnImmediately=True) == {}


def test_stopped_and_expired_watches_notify_no_more(stand_in: StandIn) -> None:
    users = stand_in.gmail(DEMO)
    for end in (
        lambda: users.stop(userId="me").execute(),
        lambda: stand_in.steer("POST", "expire", {"email": DEMO, "what": "watch"}),
    ):
        users.watch(userId="me", body={"topicName": TOPIC}).execute()
        received = pull(stand_in, "pull", maxMessages=10)["receivedMessages"]
        pull(stand_in, "acknowledge", ackIds=[one["ackId"] for one in received])
        end()
        stand_in.send(FLYNN, DEMO)
        assert pull(stand_in, "pull", returnImmediately=True) == {}


def test_label_filter_of_a_watch_decides_what_notifies(stand_in: StandIn) -> None:
    users = stand_in.gmail(DEMO)
    users.watch(userId="me", body={"topicName": TOPIC, "labelIds": ["SENT"]}).execute()
    received = pull(stand_in, "pull", maxMessages=10)["receivedMessages"]
    pull(stand_in, "acknowledge", ackIds=[one["ackId"] for one in received])
    stand_in.send(FLYNN, DEMO)
    assert pull(stand_in, "pull", returnImmediately=True) == {}
    stand_in.send(DEMO, FLYNN)
    assert len(pull(stand_in, "pull", maxMessages=10)["receivedMessages"]) == 1
