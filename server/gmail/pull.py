"""The Pub/Sub pull worker, for installations that Google cannot reach: the same notifications, fetched."""

import time
from typing import Any

import google.auth
import requests
import structlog
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from sqlalchemy.exc import OperationalError

from server.config import Settings, get_settings
from server.db import get_db
from server.errors import ForeignFailure, Refused
from server.gmail.errors import GmailFailure
from server.gmail.notifications import read_notification, record

log = structlog.get_logger()

GOOGLE_ENDPOINT = "https://pubsub.googleapis.com"
PUBSUB_SCOPE = "https://www.googleapis.com/auth/pubsub"
MAX_MESSAGES = 50
PULL_TIMEOUT_SECONDS = 100  # Google holds an idle pull open for up to 90 s
IDLE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 60


def run_pull() -> None:
    """Pull notifications for ever; while Google or the database is away, wait longer and longer."""
    settings = get_settings()
    http = make_http(settings)
    failures = 0
    while True:
        try:
            count = pull_once(http, settings)
            failures = 0
        except (GmailFailure, GoogleAuthError, OperationalError) as error:
            failures += 1
            log.warning("pull failed", error=getattr(error, "message", type(error).__name__), failures=failures)
            time.sleep(min(2**failures, LONGEST_PAUSE_SECONDS))
        else:
            time.sleep(0 if count else IDLE_SECONDS)


def make_http(settings: Settings) -> requests.Session:
    """Return an HTTP session with this machine's Google credentials; without any for another server than Google's."""
    if settings.pubsub_api_endpoint:
        return requests.Session()
    credentials, _project = google.auth.default(scopes=[PUBSUB_SCOPE])
    session: requests.Session = AuthorizedSession(credentials)
    return session


def pull_once(http: requests.Session, settings: Settings) -> int:
    """Fetch what waits, record each notification, and acknowledge it after its commit; return how many came."""
    if not settings.pubsub_subscription:
        raise ForeignFailure("PUBSUB_SUBSCRIPTION is not set (projects/…/subscriptions/…)", permanent=True)
    received = _post(http, settings, "pull", {"maxMessages": MAX_MESSAGES}).get("receivedMessages", [])
    for entry in received:
        _take(entry.get("message"))
    if received:
        _post(http, settings, "acknowledge", {"ackIds": [entry["ackId"] for entry in received]})
    return len(received)


def _take(message: Any) -> None:
    try:
        notification = read_notification(message)
    except Refused as error:
        log.warning("pulled message refused", error=error.message)
        return
    if notification is not None:
        with get_db().session() as session:
            record(session, notification)
            session.commit()


def _post(http: requests.Session, settings: Settings, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    endpoint = settings.pubsub_api_endpoint or GOOGLE_ENDPOINT
    try:
        answer = http.post(
            f"{endpoint}/v1/{settings.pubsub_subscription}:{verb}", json=body, timeout=PULL_TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        data = answer.json() if answer.content else {}
    except (requests.RequestException, ValueError) as error:
        status = getattr(getattr(error, "response", None), "status_code", "no answer")
        raise GmailFailure(f"Pub/Sub did not {verb} ({status})") from error
    return data if isinstance(data, dict) else {}
