"""The Pub/Sub push endpoint: verify, seen?, record, wake.

Pub/Sub takes 102, 200, 201, 202 and 204 as “done” and repeats on everything else, 4xx too, for days. So what a repair
of the set-up can cure is answered with an error, and what nothing can cure (a mailbox that is not linked) with 204.
"""

import json
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Response, request

from server.config import Settings, get_settings
from server.db import get_session
from server.errors import ForeignFailure, Refused
from server.gmail.id_tokens import BadToken, find_certs, verify_id_token
from server.gmail.notifications import Outcome, get_audience, read_notification, record
from server.security import PUBLIC, allow

bp = Blueprint("gmail_webhook", __name__)
log = structlog.get_logger()

LARGEST_PUSH_BYTES = 64 * 1024
STATUS_OF_OUTCOME = {Outcome.SEEN: HTTPStatus.OK}


@bp.post("/gmail/push")
@allow(PUBLIC)
def push() -> Response:
    """Take one notification. The answer says nothing but its status: who may read more has signed in."""
    if (request.content_length or 0) > LARGEST_PUSH_BYTES or request.content_length is None:
        return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if request.content_length else HTTPStatus.LENGTH_REQUIRED)
    try:
        _refuse_forged(get_settings(), request.headers.get("Authorization", ""))
        notification = read_notification(_read_envelope(request.get_data(cache=False)))
    except ForeignFailure as error:
        log.warning("push not verified", error=error.message)
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    except Refused as error:
        log.warning("push refused", status=error.status, error=error.message)
        return _answer(HTTPStatus(error.status))
    if notification is None:
        log.warning("push acknowledged unread: its data is no Gmail notification")
        return _answer(HTTPStatus.NO_CONTENT)
    session = get_session()
    outcome = record(session, notification)
    session.commit()
    return _answer(STATUS_OF_OUTCOME.get(outcome, HTTPStatus.NO_CONTENT))


def _refuse_forged(settings: Settings, authorization: str) -> None:
    """Raise `BadToken` unless Google's token says that our push subscription speaks (its service account)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("The push carries no token. Is authentication on in the subscription?", status=401)
    claims = verify_id_token(token.strip(), find_certs(settings.google_certs_url), get_audience(settings))
    account = settings.pubsub_service_account
    if not account or claims.get("email") != account or claims.get("email_verified") is not True:
        raise BadToken("The push was not made by the account in PUBSUB_SERVICE_ACCOUNT.", status=403)


def _read_envelope(body: bytes) -> Any:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("The push is not JSON.", status=400) from error
    return envelope.get("message") if isinstance(envelope, dict) else None


def _answer(status: HTTPStatus) -> Response:
    return Response(status=status)
