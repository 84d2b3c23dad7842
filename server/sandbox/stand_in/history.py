"""Gmail's users.history, users.watch and users.stop."""

import json
import re
import sqlite3
import time

from server.sandbox.stand_in import push
from server.sandbox.stand_in.errors import make_invalid, make_not_found
from server.sandbox.stand_in.mailbox import SYSTEM_LABELS, get_history_id
from server.sandbox.stand_in.rest import Call, Json, read_page_token

WATCH_SECONDS = 7 * 86400
KINDS = {
    "messageAdded": "messagesAdded", "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded", "labelRemoved": "labelsRemoved",
}  # fmt: skip


def list_(call: Call) -> Json:
    """Answer what changed after `startHistoryId`; raises 404 for an id that is too old or was never given out."""
    start = call.args.get("startHistoryId", "")
    if not start.isascii() or not start.isdigit():
        raise make_invalid("Missing/invalid startHistoryId parameter")
    newest, floor = get_history_id(call.db, call.account), _get_floor(call)
    if not floor <= int(start) <= newest:
        raise make_not_found()
    after, limit = read_page_token(call) or [int(start)], call.get_limit()
    kinds = [KINDS[name] for name in call.args.getlist("historyTypes") if name in KINDS] or list(KINDS.values())
    marks = ", ".join("?" * len(kinds))
    label, label_sql, values = call.args.get("labelId"), "", [call.account, after[0], *kinds]
    if label:
        label_sql = "AND (label_ids LIKE ? OR changed_label_ids LIKE ?)"
        values += [f'%"{label}"%', f'%"{label}"%']
    rows = call.db.execute(
        f"SELECT * FROM history WHERE account = ? AND id > ? AND kind IN ({marks}) {label_sql} "  # noqa: S608 - marks only
        "ORDER BY id LIMIT ?",
        [*values, limit + 1],
    ).fetchall()
    answer: Json = {"historyId": str(newest)}
    if rows:
        answer["history"] = [_show(row) for row in rows[:limit]]
    if len(rows) > limit:
        answer["nextPageToken"] = str(rows[limit - 1]["id"])
    return answer


def _get_floor(call: Call) -> int:
    row = call.db.execute("SELECT history_floor FROM account WHERE email = ?", (call.account,)).fetchone()
    return int(row["history_floor"])


def _show(row: sqlite3.Row) -> Json:
    message = {"id": row["message_id"], "threadId": row["thread_id"]}
    change: Json = {"message": message | {"labelIds": json.loads(row["label_ids"])}}
    if row["kind"].startswith("labels"):
        change["labelIds"] = json.loads(row["changed_label_ids"])
    return {"id": str(row["id"]), "messages": [message], row["kind"]: [change]}


def watch(call: Call) -> Json:
    """Send notifications of this mailbox's changes to a topic for seven days, beginning with one at once."""
    topic = str(call.body.get("topicName", ""))
    if not re.fullmatch(r"projects/[\w.:-]+/topics/[\w.~+%-]+", topic):
        raise make_invalid(f"Invalid topicName does not match projects/*/topics/*: {topic}")
    labels = [str(label) for label in call.body.get("labelIds") or []]
    if unknown := [label for label in labels if label not in SYSTEM_LABELS and not _has_label(call, label)]:
        raise make_invalid(f"Invalid labelIds: {unknown[0]}")
    behaviour = call.body.get("labelFilterBehavior") or call.body.get("labelFilterAction") or "include"
    expires_at = int((time.time() + WATCH_SECONDS) * 1000)
    call.db.execute(
        "INSERT OR REPLACE INTO watch VALUES (?, ?, ?, ?, ?)",
        (call.account, topic, json.dumps(labels), behaviour.lower() == "exclude", expires_at),
    )
    history_id = get_history_id(call.db, call.account)
    push.publish(call.db, call.account, history_id, None)
    return {"historyId": str(history_id), "expiration": str(expires_at)}


def _has_label(call: Call, label: str) -> bool:
    query = "SELECT 1 FROM label WHERE account = ? AND id = ?"
    return call.db.execute(query, (call.account, label)).fetchone() is not None


def stop(call: Call) -> None:
    """Send no more notifications of this mailbox."""
    call.db.execute("DELETE FROM watch WHERE account = ?", (call.account,))


METHODS = {"history.list": list_, "watch": watch, "stop": stop}
