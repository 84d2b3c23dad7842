"""Pub/Sub's REST pull, `:acknowledge` and `:modifyAckDeadline`: one subscription to all topics."""

import secrets
import time

from flask import Blueprint, Response, jsonify, request

from server.sandbox.stand_in.push import make_message
from server.sandbox.stand_in.store import get_store

ACK_DEADLINE_SECONDS = 10
MAX_MESSAGES = 1000
WAIT_SECONDS = 0.5
POLL_SECONDS = 0.05

bp = Blueprint("pubsub", __name__, url_prefix="/v1/projects/<project>/subscriptions")


@bp.post("/<subscription>:pull")
def pull(project: str, subscription: str) -> Response:
    """Answer waiting messages; without one, wait a moment first unless `returnImmediately` is set."""
    body = request.get_json(force=True, silent=True) or {}
    limit = min(int(body.get("maxMessages") or 1), MAX_MESSAGES)
    deadline = time.monotonic() + (0 if body.get("returnImmediately") else WAIT_SECONDS)
    while not (received := _lease(limit)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return jsonify({"receivedMessages": received} if received else {})


def _lease(limit: int) -> list[dict[str, object]]:
    now = time.time()
    received: list[dict[str, object]] = []
    select = "SELECT * FROM notification WHERE is_acknowledged = 0 AND leased_until < ? ORDER BY id LIMIT ?"
    with get_store().reading() as db:
        if not db.execute(select, (now, 1)).fetchall():
            return []
    with get_store().writing() as db:
        for row in db.execute(select, (now, limit)).fetchall():
            ack_id = secrets.token_urlsafe(32)
            update = "UPDATE notification SET ack_id = ?, leased_until = ? WHERE id = ?"
            db.execute(update, (ack_id, now + ACK_DEADLINE_SECONDS, row["id"]))
            received.append({"ackId": ack_id, "message": make_message(row)})
    return received


@bp.post("/<subscription>:acknowledge")
def acknowledge(project: str, subscription: str) -> Response:
    """Deliver these messages no more."""
    with get_store().writing() as db:
        ids = [(ack_id,) for ack_id in _read_ack_ids()]
        db.executemany("UPDATE notification SET is_acknowledged = 1 WHERE ack_id = ?", ids)
    return jsonify({})


@bp.post("/<subscription>:modifyAckDeadline")
def modify_ack_deadline(project: str, subscription: str) -> Response:
    """Keep these messages leased for `ackDeadlineSeconds` from now; 0 gives them back."""
    seconds = int((request.get_json(force=True, silent=True) or {}).get("ackDeadlineSeconds") or 0)
    with get_store().writing() as db:
        rows = [(time.time() + seconds if seconds else 0, ack_id) for ack_id in _read_ack_ids()]
        db.executemany("UPDATE notification SET leased_until = ? WHERE ack_id = ?", rows)
    return jsonify({})


def _read_ack_ids() -> list[str]:
    ids = (request.get_json(force=True, silent=True) or {}).get("ackIds")
    return [str(ack_id) for ack_id in ids] if isinstance(ids, list) else []
