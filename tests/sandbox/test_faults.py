"""The fault script: what a client of Google's library sees, under the server that really runs."""

import http.client
import time

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError

from tests.stand_in import DEMO, FLYNN, StandIn, make_raw


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("403rateLimit", 403, "rateLimitExceeded"),
        ("429", 429, "rateLimitExceeded"),
        ("500", 500, "backendError"),
        ("503", 503, "backendError"),
        ("history404", 404, "notFound"),
    ],
)
def test_fault_answers_in_googles_shape(stand_in: StandIn, fault: str, status: int, reason: str) -> None:
    stand_in.script({"match": "getProfile", "fault": fault, "count": 1})
    users = stand_in.gmail(DEMO)
    with pytest.raises(HttpError) as error:
        users.getProfile(userId="me").execute()
    assert error.value.resp.status == status
    assert error.value.error_details[0]["reason"] == reason
    assert users.getProfile(userId="me").execute()["emailAddress"] == DEMO
    assert stand_in.steer("GET", "faults")[0]["hits"] == 1


def test_401_looks_like_a_bad_token(stand_in: StandIn) -> None:
    stand_in.script({"match": "getProfile", "fault": "401", "count": 1})
    headers = {"Authorization": f"Bearer {stand_in.tokens[DEMO]}"}
    answers = [requests.get(f"{stand_in.url}/gmail/v1/users/me/profile", headers=headers, timeout=30) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert answers[0].json()["error"]["errors"][0]["reason"] == "authError"


@pytest.mark.parametrize(("fault", "accepted"), [("drop_before", 0), ("drop_after", 1)])
def test_dropped_answer_is_an_exception_to_the_client(stand_in: StandIn, fault: str, accepted: int) -> None:
    users = stand_in.gmail(DEMO)
    draft = users.drafts().create(userId="me", body={"message": {"raw": make_raw(FLYNN, "Drop")}}).execute()
    stand_in.script({"match": "drafts.send", "fault": fault, "count": 1})
    with pytest.raises(http.client.IncompleteRead):
        users.drafts().send(userId="me", body={"id": draft["id"]}).execute()
    stand_in.close()  # httplib2 keeps the dead connection
    users = stand_in.gmail(DEMO)
    assert stand_in.steer("GET", "accepted")["total"] == accepted
    assert len(stand_in.list_inbox(FLYNN)) == accepted
    assert ("drafts" in users.drafts().list(userId="me").execute()) == (not accepted)


def test_dropped_answer_is_an_exception_to_requests(stand_in: StandIn) -> None:
    stand_in.script({"match": "^GET /oauth2/v1/certs$", "fault": "drop_after"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{stand_in.url}/oauth2/v1/certs", timeout=30)


def test_probability_draws_the_same_calls_for_the_same_seed(stand_in: StandIn) -> None:
    def draw() -> list[int]:
        stand_in.script({"match": "^GET /healthz$", "fault": "503", "probability": 0.5, "seed": 7})
        return [requests.get(f"{stand_in.url}/healthz", timeout=30).status_code for _ in range(20)]

    first = draw()
    assert set(first) == {200, 503}
    assert draw() == first


def test_delay_lets_the_call_through_later(stand_in: StandIn) -> None:
    stand_in.script({"match": "getProfile", "fault": {"delay": 150}})
    started = time.monotonic()
    assert stand_in.gmail(DEMO).getProfile(userId="me").execute()["emailAddress"] == DEMO
    assert time.monotonic() - started >= 0.15


def test_invalid_grant_fails_a_refresh(stand_in: StandIn) -> None:
    stand_in.script({"match": "token", "fault": "invalid_grant"})
    one = stand_in.steer("GET", "accounts")[0]
    credentials = Credentials(
        token=None,
        refresh_token=one["refresh_token"],
        token_uri=f"{stand_in.url}/token",
        client_id="stand-in",
        client_secret="stand-in",
    )
    with requests.Session() as session, pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request(session=session))
    stand_in.script()
    with requests.Session() as session:
        credentials.refresh(Request(session=session))
    assert stand_in.gmail(DEMO, credentials.token).getProfile(userId="me").execute()["emailAddress"] == DEMO


@pytest.mark.parametrize(
    "rule", [{"match": "x"}, {"match": "x", "fault": "502"}, {"match": "(", "fault": "500"}, {"fault": "500", "odd": 1}]
)
def test_rule_that_makes_no_sense_is_refused(stand_in: StandIn, rule: dict[str, object]) -> None:
    answer = requests.put(f"{stand_in.url}/_stand_in/faults", json=[rule], timeout=30)
    assert answer.status_code == 400


def test_stand_in_is_steered_by_its_own_name_only(stand_in: StandIn) -> None:
    for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert requests.get(f"{stand_in.url}/_stand_in/accounts", headers=headers, timeout=30).status_code == 403
